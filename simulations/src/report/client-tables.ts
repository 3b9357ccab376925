/** How evenly runs serve their clients, as tables of a report. */
import type { RunRecord } from '#protocol/record.js'
import {
  beatenText,
  clientSummary,
  finalBeaten,
  type Beaten,
  type ClientSummary,
} from './clients.js'
import { html, table, type Cell, type Html } from './html.js'
import { decimals, percent, quantile } from './numbers.js'
import { nameOf } from './page-parts.js'
import type { ByName } from './subject-figures.js'
import type { Subject } from './subjects.js'
import { rangeOf, sortedMeans } from './trajectories.js'

interface Fairness {
  readonly subject: Subject
  /** One for each run whose clients scored its final model; at least one. */
  readonly of: readonly ClientSummary[]
  /** Over all runs; null where nobody trained alone on the same data, and for who did. */
  readonly beats: Beaten | null
}
interface Column {
  readonly head: string
  readonly cell: (row: Fairness) => string | null
}

/** Means over the runs of a subject. Columns that say nothing of anyone are left out. */
export function fairnessTable(subjects: readonly Subject[]): Html {
  const runs = subjects.flatMap((subject) => subject.runs)
  const rows = subjects
    .map((subject): Fairness => {
      const all = subject.runs.map(clientSummary).filter((one) => one !== null)
      const beats = beatenOver(subject.runs, runs)
      return { subject, of: all.filter(({ isUnderWay }) => !isUnderWay), beats }
    })
    .filter(({ of }) => of.length > 0)
  const columns = COLUMNS.filter(({ cell }) => rows.some((row) => cell(row) !== null))
  const body = table(
    'How evenly clients are served',
    [{ head: 'configuration' }, ...columns.map(({ head }) => ({ head, isNumber: true }))],
    rows.map((row): readonly Cell[] => [
      nameOf(row.subject),
      ...columns.map(({ cell }) => cell(row) ?? '–'),
    ]),
  )
  return html`${body}
    <p class="note">${notesOf(columns).join(' ')}</p> `
}

const mean = (values: readonly number[]): number => rangeOf(values).mean
const meanText =
  (of: (one: ClientSummary) => number, text = percent): Column['cell'] =>
  (row) =>
    text(mean(row.of.map(of)))
/** Where some run knows it. */
const knownMean =
  (of: (one: ClientSummary) => number | null): Column['cell'] =>
  (row) => {
    const known = row.of.map(of).filter((value) => value !== null)
    return known.length === 0 ? null : percent(mean(known))
  }
/** The same in all runs, or from the fewest to the most. */
function countText(of: (one: ClientSummary) => number): Column['cell'] {
  return (row) => {
    const { low, high } = rangeOf(row.of.map(of))
    return low === high ? String(low) : `${low}–${high}`
  }
}

const SINGLE = 'on one class'
const BEATS = 'beat local training'
const TRAINED = 'with own model'
const singleCount = ({ singleClass }: ClientSummary): number => singleClass ?? 0
const hasSingle = ({ of }: Fairness): boolean => of.some((one) => singleCount(one) > 0)
const lacksModels = ({ of }: Fairness): boolean =>
  of.some(({ own, count }) => own !== null && own.trained < count)

const COLUMNS: readonly Column[] = [
  { head: 'clients', cell: countText(({ count }) => count) },
  { head: 'mean', cell: meanText(({ accuracy }) => accuracy) },
  { head: 'deviation', cell: meanText(({ deviation }) => deviation) },
  { head: 'worst', cell: meanText(({ worst }) => worst) },
  { head: 'worst 10 %', cell: meanText(({ worst10 }) => worst10) },
  { head: 'Jain', cell: meanText(({ jain }) => jain, decimals) },
  {
    head: BEATS,
    cell: ({ beats }) => (beats === null ? null : beatenText(beats)),
  },
  { head: SINGLE, cell: (row) => (hasSingle(row) ? countText(singleCount)(row) : null) },
  {
    head: 'mean without them',
    cell: (row) => (hasSingle(row) ? knownMean(({ severalClasses }) => severalClasses)(row) : null),
  },
  {
    head: TRAINED,
    cell: (row) => (lacksModels(row) ? countText(({ own }) => own?.trained ?? 0)(row) : null),
  },
  {
    head: 'mean over those',
    cell: (row) => (lacksModels(row) ? knownMean(({ own }) => own?.accuracy ?? null)(row) : null),
  },
]

function notesOf(columns: readonly Column[]): readonly string[] {
  const has = (head: string): boolean => columns.some((column) => column.head === head)
  return [
    'Every client counts once. The deviation is the standard deviation over the clients of a run, the worst 10 % the mean of its lowest tenth; Jain’s index is 1 where all have the same.',
    ...(has(BEATS)
      ? [
          'A client beats local training where it scores higher than in a run in which the same clients train alone on the same data; the same score is no win.',
        ]
      : []),
    ...(has(SINGLE)
      ? [
          'Clients that train on one class are right on held-out examples of that class whatever the method does.',
        ]
      : []),
    ...(has(TRAINED) ? ['Who was never asked predicts with what the method begins with.'] : []),
  ]
}

function beatenOver(runs: readonly RunRecord[], all: readonly RunRecord[]): Beaten | null {
  const known = runs.map((run) => finalBeaten(run, all)).filter((one) => one !== null)
  if (known.length === 0) return null
  return {
    wins: known.reduce((sum, { wins }) => sum + wins, 0),
    of: known.reduce((sum, { of }) => sum + of, 0),
  }
}

export function quantileTable(of: ByName<number>): Html {
  const columns = ['lowest', 'lower quartile', 'median', 'upper quartile', 'highest']
  const rows = [...of].map(([subject, values]) => {
    const sorted = sortedMeans(values)
    const at = (share: number) => percent(quantile(sorted, share))
    return [nameOf(subject), String(sorted.length), ...[0, 0.25, 0.5, 0.75, 1].map(at)]
  })
  return table(
    'Accuracy over clients',
    [
      { head: 'configuration' },
      { head: 'clients', isNumber: true },
      ...columns.map((head) => ({ head, isNumber: true })),
    ],
    rows,
  )
}
