import { useMemo, useState } from 'react'
import { bytes, count, duration, number, percent } from '../../look/format.js'
import { LineKey } from '../../parts/line-key.js'
import { Panel } from '../../parts/panel.js'
import { RunState } from '../../parts/run-state.js'
import type { Sort } from '../../parts/sorting.js'
import { Table, type Column } from '../../parts/table.js'
import css from './compare.module.css'
import { isUnderWay, seedsText, type Group } from './groups.js'
import { commonAccuracy, resultOf, type Result, type Spread } from './results.js'

interface Row extends Result {
  readonly group: Group
}
const FIRST: Sort = { by: 'accuracy', isDescending: true }

/** What each came to: means, and how far the runs that repeat one another lie apart. */
export function ResultsTable({ groups }: { readonly groups: readonly Group[] }) {
  const [sort, setSort] = useState<Sort>(FIRST)
  const common = useMemo(() => commonAccuracy(groups.flatMap(({ runs }) => runs)), [groups])
  const rows = useMemo(
    () => groups.map((group): Row => ({ group, ...resultOf(group.runs, common) })),
    [groups, common],
  )
  const hasSpread = groups.some(({ runs }) => runs.length > 1)
  return (
    <Panel
      title="Results"
      isFlush
      {...(hasSpread ? { note: 'mean ± standard deviation over seeds' } : {})}
    >
      <Table
        caption="Results"
        columns={useMemo(() => columnsOf(common), [common])}
        rows={rows}
        keyOf={({ group }) => group.id}
        sort={sort}
        onSort={setSort}
        isDense
      />
    </Panel>
  )
}

const none = <span className="muted">–</span>
function valueOf(spread: Spread | null, format: (value: number) => string) {
  if (spread === null) return none
  const { mean, deviation } = spread
  return (
    <>
      {format(mean)}
      {deviation !== null && <span className={css['deviation']}> ± {format(deviation)}</span>}
    </>
  )
}

const columnsOf = (common: number | null): readonly Column<Row>[] => [
  {
    ...{ id: 'name', header: 'Compared', isRowHeader: true },
    sortBy: ({ group }) => group.label,
    cell: ({ group }) => <Name group={group} />,
  },
  {
    ...{ id: 'accuracy', header: 'Accuracy', width: 148, narrowWidth: 138, align: 'end' },
    sortBy: ({ accuracy }) => accuracy?.mean ?? null,
    cell: ({ accuracy }) => valueOf(accuracy, percent),
  },
  {
    ...{ id: 'loss', header: 'Loss', width: 140, align: 'end', from: 'tablet' },
    sortBy: ({ loss }) => loss?.mean ?? null,
    cell: ({ loss }) => valueOf(loss, number),
  },
  {
    ...{ id: 'worst', header: 'Worst client', width: 140, align: 'end', from: 'desktop' },
    sortBy: ({ worst }) => worst?.mean ?? null,
    cell: ({ worst }) => valueOf(worst, percent),
  },
  ...(common === null
    ? []
    : [
        {
          ...{ id: 'to', header: `To ${percent(common)}`, width: 150, align: 'end' as const },
          from: 'desktop' as const,
          sortBy: ({ roundsTo }: Row) => roundsTo?.mean ?? null,
          cell: ({ roundsTo, bytesTo }: Row) => <To roundsTo={roundsTo} bytesTo={bytesTo} />,
        },
      ]),
  {
    ...{ id: 'rounds', header: 'Rounds', width: 72, align: 'end', from: 'desktop' },
    sortBy: ({ rounds }) => rounds,
    cell: ({ rounds }) => count(rounds),
  },
  {
    ...{ id: 'bytes', header: 'Transferred', width: 104, align: 'end', from: 'tablet' },
    sortBy: ({ bytes: sent }) => sent?.mean ?? null,
    cell: ({ bytes: sent }) => (sent === null ? none : bytes(sent.mean)),
  },
  {
    ...{ id: 'time', header: 'Time', width: 100, align: 'end', from: 'tablet' },
    sortBy: ({ seconds }) => seconds?.mean ?? null,
    cell: ({ seconds }) => (seconds === null ? none : duration(seconds.mean)),
  },
]

function To({ roundsTo, bytesTo }: Pick<Row, 'roundsTo' | 'bytesTo'>) {
  if (roundsTo === null) return none
  const rounds = Number(roundsTo.mean.toFixed(1))
  return (
    <>
      {rounds} {rounds === 1 ? 'round' : 'rounds'}
      {bytesTo !== null && <span className={css['deviation']}> · {bytes(bytesTo.mean)}</span>}
    </>
  )
}

function Name({ group: { label, look, runs } }: { readonly group: Group }) {
  const [first] = runs
  const going = runs.filter(({ line }) => isUnderWay(line)).length
  return (
    <span className={css['rowName']}>
      <LineKey look={look} />
      {runs.length === 1 && first !== undefined && <RunState run={first.line} isSign />}
      <span className={css['rowLabel']}>{label}</span>
      {runs.length > 1 && (
        <span className={css['seeds']}>
          {seedsText(runs)}
          {going > 0 && ` · ${going} under way`}
        </span>
      )}
    </span>
  )
}
