import { useMemo, useState } from 'react'
import type { Curve } from '#protocol/run-views.js'
import { scoreLabel } from '../../look/metric-words.js'
import { Choice } from '../../parts/choice.js'
import { Curves } from '../../parts/curves.js'
import { Problem } from '../../parts/problem.js'
import { Segments } from '../../parts/segments.js'
import { problemOf } from '../../server/api.js'
import { useCurves, type LiveRun } from '../../server/run.js'
import { KeyFigures } from './key-figures.js'
import {
  axisOf,
  groupsOf,
  isShare,
  linesOf,
  partLabel,
  scoresOf,
  X_AXES,
  X_LABELS,
  type MetricGroup,
  type XAxis,
} from './metrics.js'
import css from './run-page.module.css'
import { StateMachine } from './state-machine.js'

const AGAINST: Readonly<Record<XAxis, string>> = {
  rounds: 'Rounds',
  seconds: 'Time',
  bytes: 'Bytes',
}

/** Where the run is, and what has come of it so far. */
export function OverviewTab({ run }: { readonly run: LiveRun }) {
  const { view, runId } = run
  const [x, setX] = useState<XAxis>('rounds')
  const accuracies = scoresOf(view.metrics, 'accuracy')
  const losses = scoresOf(view.metrics, 'loss')
  const { data: curves, error, refetch } = useCurves(runId, [...accuracies, ...losses])
  return (
    <div className={css['stack']}>
      <StateMachine view={view} />
      <KeyFigures view={view} curves={curves ?? NONE} />
      {error !== null && <Problem error={problemOf(error)} onRetry={() => void refetch()} />}
      <div className={css['toolbar']}>
        <h2>Curves</h2>
        <span className={css['spacer']} />
        <Segments
          label="Curves against"
          items={X_AXES.map((id) => ({ id, label: AGAINST[id] }))}
          value={x}
          onChange={setX}
        />
      </div>
      <div className={css['pair']}>
        <Scores title="Accuracy" names={accuracies} {...{ run, x }} curves={curves ?? NONE} />
        <Scores title="Loss" names={losses} {...{ run, x }} curves={curves ?? NONE} hasLogScale />
      </div>
      <OtherMetrics run={run} x={x} />
    </div>
  )
}
const NONE: readonly Curve[] = []

function Scores({
  title,
  names,
  run,
  x,
  curves,
  hasLogScale = false,
}: {
  readonly title: string
  readonly names: readonly string[]
  readonly run: LiveRun
  readonly x: XAxis
  readonly curves: readonly Curve[]
  readonly hasLogScale?: boolean
}) {
  const key = names.join('\n')
  const lines = useMemo(
    () =>
      linesOf(
        curves.filter(({ name }) => key.split('\n').includes(name)),
        x,
        scoreLabel,
      ),
    [curves, key, x],
  )
  const isOver = run.view.line.state !== 'running' && run.view.line.state !== 'waiting'
  return (
    <Curves
      title={title}
      lines={lines}
      xAxis={X_LABELS[x]}
      yAxis={axisOf(names[0] ?? title.toLowerCase())}
      fileName={`${run.view.line.name}-${title.toLowerCase()}`}
      hasLogScale={hasLogScale}
      nothing={isOver ? 'The run scores no model' : 'Drawn when the first score is there'}
    />
  )
}

/** Everything else that is measured in rounds, a family of metrics at a time. */
function OtherMetrics({ run, x }: { readonly run: LiveRun; readonly x: XAxis }) {
  const { metrics } = run.view
  const groups = useMemo(() => groupsOf(metrics), [metrics])
  const [chosen, setChosen] = useState<string | null>(null)
  const group = groups.find(({ id }) => id === chosen) ?? groups[0]
  if (group === undefined) return null
  return (
    <>
      <div className={css['toolbar']}>
        <h2>Other metrics</h2>
        <span className={css['spacer']} />
        <Choice label="Metric" items={groups} value={group.id} onChange={setChosen} />
      </div>
      <Family group={group} {...{ run, x }} />
    </>
  )
}

function Family({
  group,
  run,
  x,
}: {
  readonly group: MetricGroup
  readonly run: LiveRun
  readonly x: XAxis
}) {
  const { data: curves } = useCurves(run.runId, group.names)
  const lines = useMemo(() => {
    // Until it is answered, what is there is of the family before.
    const own = (curves ?? NONE).filter(({ name }) => group.names.includes(name))
    return linesOf(own, x, (name) => partLabel(name, group))
  }, [curves, group, x])
  return (
    <Curves
      title={group.label}
      lines={lines}
      xAxis={X_LABELS[x]}
      yAxis={axisOf(group.names[0] ?? '')}
      fileName={`${run.view.line.name}-${group.id}`}
      hasLogScale={!isShare(group.names[0] ?? '')}
    />
  )
}
