import { useMemo, useState } from 'react'
import { count, percent, percentTick } from '../../../look/format.js'
import { Curves, type Axis } from '../../../parts/curves.js'
import { HeatMap } from '../../../parts/heat-map.js'
import { Panel } from '../../../parts/panel.js'
import { Problem } from '../../../parts/problem.js'
import { Segments } from '../../../parts/segments.js'
import { problemOf } from '../../../server/api.js'
import { useCurves, type LiveRun } from '../../../server/run.js'
import { fileName } from './file-name.js'
import css from './panels.module.css'
import { RECALL_PREFIXES, recallNames, recallTable, type RecallOf } from './recall.js'

const VIEWS = [
  { id: 'map', label: 'Map' },
  { id: 'curves', label: 'Curves' },
] as const
const SETS = [
  { id: 'central', label: 'Test data' },
  { id: 'clients', label: 'Clients’ data' },
] as const
/** Columns that can be told apart, and lines. */
const [MOST_ROUNDS, MOST_LINES] = [40, 40]
const RANGE = [0, 1] as const
const ROUNDS: Axis = { label: 'Round', format: count, isWhole: true }
const SHARES: Axis = { label: 'Recall', format: percent, tick: percentTick }
const whole = (share: number): string => `${Math.round(share * 100)} %`

/** Which classes the model has learnt, and when: what a mean accuracy hides. */
export function RecallMap({ run: { runId, view } }: { readonly run: LiveRun }) {
  const { classes } = view.config.task
  const sets = SETS.filter(({ id }) => recallNames(view.metrics, classes, id).length > 0)
  const [chosen, setChosen] = useState<RecallOf | null>(null)
  const [kind, setKind] = useState<'map' | 'curves'>('map')
  const of = chosen ?? sets[0]?.id ?? 'central'
  const names = useMemo(() => recallNames(view.metrics, classes, of), [view.metrics, classes, of])
  const { data: curves, error, refetch } = useCurves(runId, names)
  const own = useMemo(
    () => (curves ?? []).filter(({ name }) => name.startsWith(RECALL_PREFIXES[of])),
    [curves, of],
  )
  const table = useMemo(() => recallTable(own, of, MOST_ROUNDS), [own, of])
  const columns = useMemo(() => table.rounds.map(String), [table])
  const lines = useMemo(
    () =>
      own.slice(0, MOST_LINES).map(({ name, rounds, values }) => ({
        ...{ id: name, label: name.slice(RECALL_PREFIXES[of].length), x: rounds, y: values },
      })),
    [own, of],
  )
  const title = 'Recall by class'
  if (error !== null) return <Problem error={problemOf(error)} onRetry={() => void refetch()} />
  if (names.length === 0)
    return (
      <Panel title={title}>
        <p className={css['say']}>
          Nothing scores the classes of this run: that takes <code>evaluation.central</code> or{' '}
          <code>evaluation.federated</code>.
        </p>
      </Panel>
    )
  const controls = (
    <>
      {sets.length > 1 && (
        <Segments label="Scored on" items={sets} value={of} onChange={setChosen} />
      )}
      <Segments label="Shown as" items={VIEWS} value={kind} onChange={setKind} />
    </>
  )
  const shared = { title, controls, fileName: fileName(view, 'recall') }
  return kind === 'map' ? (
    <HeatMap
      {...shared}
      {...{ columns, values: table.values, rows: table.classes, range: RANGE }}
      rowLabel="Class"
      columnLabel="Round"
      format={percent}
      tick={whole}
    />
  ) : (
    <Curves {...shared} lines={lines} xAxis={ROUNDS} yAxis={SHARES} height={300} />
  )
}
