import { useMemo, useState } from 'react'
import type { CalibratedClass } from '#protocol/diagnostics.js'
import { count, number, percent, percentTick } from '../../../look/format.js'
import { Bars } from '../../../parts/bars.js'
import { Busy } from '../../../parts/empty.js'
import { Facts } from '../../../parts/facts.js'
import { Badge } from '../../../parts/mark.js'
import { Panel } from '../../../parts/panel.js'
import type { Sort } from '../../../parts/sorting.js'
import { Table, type Column } from '../../../parts/table.js'
import type { LiveRun } from '../../../server/run.js'
import { calibrationOf, LAST_ROUNDS, points, type Calibration } from './calibration.js'
import { fileName } from './file-name.js'
import css from './panels.module.css'
import { useRounds } from './use-rounds.js'

/** A head that is corrected after training (CCVR): each class before and after, and what was known of it. */
export function CalibrationPanels({ run }: { readonly run: LiveRun }) {
  const { runId, view } = run
  const { classes } = view.config.task
  const latest = latestRound(view)
  const rounds = useMemo(
    () => Array.from({ length: LAST_ROUNDS }, (_, i) => latest - LAST_ROUNDS + 1 + i),
    [latest],
  )
  const { records, isPending } = useRounds(
    runId,
    useMemo(() => rounds.filter((round) => round >= 0), [rounds]),
  )
  const calibration = useMemo(() => calibrationOf(records, classes), [records, classes])
  if (calibration === null)
    return (
      <Panel title="Calibration">
        {isPending ? (
          <Busy label="Loading …" />
        ) : (
          <p className={css['say']}>
            {view.config.calibration?.when === 'final'
              ? 'The model is calibrated once, after the last training round. It has not been yet.'
              : 'None of the latest rounds calibrated the model.'}
          </p>
        )}
      </Panel>
    )
  return (
    <>
      <div className={css['pair']}>
        <BeforeAfter run={run} calibration={calibration} />
        <Panel title="What it came to" note={`calibrated in round ${calibration.round}`}>
          <Summary calibration={calibration} />
        </Panel>
      </div>
      {calibration.classes.length > 0 && <Moments classes={calibration.classes} />}
    </>
  )
}

/** The latest closed round, those among them that only calibrate or evaluate. */
function latestRound({ line, latest }: LiveRun['view']): number {
  const told = latest === null ? 0 : latest.outcome === 'closed' ? latest.round : latest.round - 1
  return Math.max(line.round, told)
}

function BeforeAfter({
  run: { view },
  calibration: { before, after, round, scoredBy },
}: {
  readonly run: LiveRun
  readonly calibration: Calibration
}) {
  const series = useMemo(
    () => [
      { label: 'Before', values: before.recall, look: 7 },
      { label: 'After', values: after.recall, look: 0 },
    ],
    [before, after],
  )
  return (
    <Bars
      title="Recall before and after"
      {...(scoredBy === null ? {} : { note: `on ${WHOSE[scoredBy]}` })}
      fileName={fileName(view, `calibration-${round}`)}
      categories={scoredBy === null ? NONE : view.config.task.classes}
      label="Class"
      {...{ series, max: 1 }}
      format={percent}
      tick={percentTick}
      nothing="Both models were not scored by class"
    />
  )
}
const NONE: readonly string[] = []
const WHOSE = {
  coordinator: 'the coordinator’s test data',
  clients: 'the clients’ held-out examples',
} as const

function Summary({ calibration }: { readonly calibration: Calibration }) {
  const { before, after, answered, asked, virtual, scoredBy } = calibration
  const share = (value: number | null): string => (value === null ? '–' : percent(value))
  const loss = (value: number | null): string => (value === null ? '–' : number(value))
  const gain =
    before.accuracy === null || after.accuracy === null ? null : after.accuracy - before.accuracy
  return (
    <Facts
      isWide
      items={[
        scoredBy !== null && [
          'Accuracy',
          `${share(before.accuracy)} → ${share(after.accuracy)}${gain === null ? '' : ` (${points(gain)})`}`,
        ],
        scoredBy !== null && ['Loss', `${loss(before.loss)} → ${loss(after.loss)}`],
        scoredBy !== null && [
          'Worst class',
          `${share(lowest(before.recall))} → ${share(lowest(after.recall))}`,
        ],
        ['Answered', `${count(answered)} of ${count(asked)} clients`],
        virtual !== null && [
          'Loss on virtual features',
          `${loss(virtual.lossBefore)} → ${loss(virtual.lossAfter)}`,
        ],
        virtual !== null && [
          'Accuracy on virtual features',
          `${share(virtual.accuracyBefore)} → ${share(virtual.accuracyAfter)}`,
        ],
      ]}
    />
  )
}
function lowest(recall: readonly (number | null)[]): number | null {
  const known = recall.filter((value) => value !== null)
  return known.length === 0 ? null : Math.min(...known)
}

const STATUS = {
  ok: ['neutral', 'complete'],
  single: ['warn', 'one example'],
  'low-rank': ['warn', 'few examples'],
  missing: ['bad', 'nobody has it'],
} as const
const none = <span className="muted">–</span>
const numberCell = (value: number | null) => (value === null ? none : number(value))

const COLUMNS: readonly Column<CalibratedClass>[] = [
  {
    ...{ id: 'name', header: 'Class', isRowHeader: true },
    sortBy: ({ name }) => name,
    cell: ({ name }) => name,
  },
  {
    ...{ id: 'status', header: 'Moments', width: 128, narrowWidth: 116 },
    sortBy: ({ status }) => status,
    cell: ({ status }) => <Badge tone={STATUS[status][0]}>{STATUS[status][1]}</Badge>,
  },
  {
    ...{ id: 'examples', header: 'Examples', width: 96, align: 'end' },
    sortBy: ({ examples }) => examples,
    cell: ({ examples }) => count(Math.round(examples)),
  },
  {
    ...{ id: 'clients', header: 'Clients', width: 84, align: 'end', from: 'tablet' },
    sortBy: ({ clients }) => clients,
    cell: ({ clients }) => numberCell(clients),
  },
  {
    ...{ id: 'rank', header: 'Rank', width: 72, align: 'end', from: 'tablet' },
    sortBy: ({ rank }) => rank,
    cell: ({ rank }) => numberCell(rank),
  },
  {
    ...{ id: 'condition', header: 'Condition', width: 100, align: 'end', from: 'desktop' },
    sortBy: ({ condition }) => condition,
    cell: ({ condition }) => numberCell(condition),
  },
  {
    ...{ id: 'jitter', header: 'Jitter', width: 84, align: 'end', from: 'desktop' },
    sortBy: ({ jitter }) => jitter,
    cell: ({ jitter }) => numberCell(jitter),
  },
  {
    ...{ id: 'between', header: 'Between clients', width: 128, align: 'end', from: 'tablet' },
    sortBy: ({ betweenClients }) => betweenClients,
    cell: ({ betweenClients }) => (betweenClients === null ? none : percent(betweenClients)),
  },
  {
    ...{ id: 'virtual', header: 'Virtual', width: 84, align: 'end', from: 'desktop' },
    sortBy: ({ virtualExamples }) => virtualExamples,
    cell: ({ virtualExamples }) => count(virtualExamples),
  },
]

function Moments({ classes }: { readonly classes: readonly CalibratedClass[] }) {
  const [sort, setSort] = useState<Sort | undefined>()
  return (
    <Panel title="What was known of each class" isFlush>
      <Table
        caption="What was known of each class"
        columns={COLUMNS}
        rows={classes}
        keyOf={({ name }) => name}
        {...(sort === undefined ? {} : { sort })}
        onSort={setSort}
        isDense
      />
    </Panel>
  )
}
