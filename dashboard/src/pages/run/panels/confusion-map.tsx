import { useMemo, useState } from 'react'
import { count, percent } from '../../../look/format.js'
import { Choice } from '../../../parts/choice.js'
import { HeatMap } from '../../../parts/heat-map.js'
import { Problem } from '../../../parts/problem.js'
import { problemOf } from '../../../server/api.js'
import { useCurves, useRound, type LiveRun } from '../../../server/run.js'
import { confusionShares, worstConfusion } from './confusion.js'
import { fileName } from './file-name.js'
import { recallNames } from './recall.js'

/** As many rounds as a list can be read. */
const MOST_ROUNDS = 200
const RANGE = [0, 1] as const
const LATEST = 'latest'
const examplesText = (examples: number): string =>
  `${count(examples)} ${examples === 1 ? 'example' : 'examples'}`
const whole = (share: number): string => `${Math.round(share * 100)} %`

/** Which classes the released model takes for which, on the central test split. Nothing where that is not scored. */
export function ConfusionMap({ run: { runId, view } }: { readonly run: LiveRun }) {
  const { classes } = view.config.task
  const [chosen, setChosen] = useState(LATEST)
  const [scored] = recallNames(view.metrics, classes, 'central')
  const names = useMemo(() => (scored === undefined ? [] : [scored]), [scored])
  const { data: curves } = useCurves(runId, names)
  const rounds = (curves?.[0]?.rounds ?? []).filter((round) => round > 0)
  const round = chosen === LATEST ? (rounds.at(-1) ?? null) : Number(chosen)
  const { data: record, error, refetch } = useRound(runId, round)
  const confusion = record?.confusion
  const values = useMemo(
    () => (confusion === undefined ? [] : confusionShares(confusion)),
    [confusion],
  )
  const worst = confusion === undefined ? null : worstConfusion(confusion)
  if (error !== null) return <Problem error={problemOf(error)} onRetry={() => void refetch()} />
  // Rounds of before it was kept have none: another can still be chosen.
  if (values.length === 0 && chosen === LATEST) return null
  const items = [
    { id: LATEST, label: 'Latest round' },
    ...rounds
      .slice(-MOST_ROUNDS)
      .reverse()
      .map((each) => ({ id: String(each), label: `Round ${each}` })),
  ]
  return (
    <HeatMap
      title="Confusion"
      note={
        worst === null
          ? 'Every example is told right'
          : `Most often ${classes[worst.label]} is taken for ${classes[worst.predicted]}: ${examplesText(worst.examples)}`
      }
      controls={<Choice label="Round" items={items} value={chosen} onChange={setChosen} />}
      rows={classes}
      columns={classes}
      values={values}
      range={RANGE}
      isSquare
      rowLabel="Label"
      columnLabel="Predicted"
      format={percent}
      tick={whole}
      fileName={fileName(view, 'confusion')}
    />
  )
}
