/**
 * What an operator can choose, as against what an attacker may know: rows that differ only in the latter are one setup, and
 * the worst of them is its verdict.
 */
import { isAbove, type AuditLevel } from './audit-level.js'
import type { AuditMethodResult, AuditReport, AuditRow } from './audit-report.js'
import { isAsConfigured } from './audit-rows.js'
import { canonicalJson } from './json.js'
import { attemptsOf, type Attempt } from './audit-attempts.js'

export interface Setup {
  /** In the order of the report. */
  readonly place: number
  /** What tells it from the others of its report. */
  readonly label: string
  readonly defence: string
  readonly batchSize: number
  readonly localSteps: number
  readonly clients: number
  readonly rows: readonly [AuditRow, ...AuditRow[]]
  /** The row that shows most. */
  readonly worst: AuditRow
  readonly verdict: AuditLevel
  /** Accuracy with it; null: not measured. */
  readonly utility: number | null
  /** What a client of the run sends, had it as many records. */
  readonly isConfigured: boolean
}

/** A method that gave something. */
export interface Answered {
  readonly method: AuditMethodResult
  readonly chosen: NonNullable<AuditMethodResult['chosen']>
}

export const answered = ({ methods }: AuditRow): readonly Answered[] =>
  methods.flatMap((method) => (method.chosen === null ? [] : [{ method, chosen: method.chosen }]))

/** Each the best in something: attackers choose what they are after. */
export interface Peaks {
  /** By the median gain; where that is equal by recognition, and what would be taken before its stages. */
  readonly closest: Attempt
  /** By the largest gain. */
  readonly largest: Attempt
  /** By how many records are recognised. */
  readonly surest: Attempt
}

/** Null where no attack gave anything. */
export function peaksOf(row: AuditRow): Peaks | null {
  const all = row.methods.flatMap(attemptsOf)
  const byMedian = (a: Attempt, b: Attempt): number =>
    b.gain.median - a.gain.median || b.sameClass.hits - a.sameClass.hits
  const top = (
    some: readonly Attempt[],
    order: (a: Attempt, b: Attempt) => number,
  ): Attempt | undefined => some.toSorted((a, b) => order(a, b) || byMedian(a, b))[0]
  // Recognition that goes by features is of a picture that is there already.
  const pictures = all.filter(({ by }) => by === 'pixels')
  const closest = top(pictures, () => 0)
  const largest = top(pictures, (a, b) => b.gain.max - a.gain.max)
  const surest = top(all, (a, b) => b.sameClass.hits - a.sameClass.hits)
  return closest === undefined || largest === undefined || surest === undefined
    ? null
    : { closest, largest, surest }
}

const choiceOf = (row: AuditRow): string =>
  canonicalJson([row.updates, row.batchSize, row.localSteps, row.clients, row.modelState])

export function setupsOf(report: AuditReport): readonly Setup[] {
  const groups = new Map<string, [AuditRow, ...AuditRow[]]>()
  for (const row of report.rows) {
    const group = groups.get(choiceOf(row))
    if (group === undefined) groups.set(choiceOf(row), [row])
    else group.push(row)
  }
  return [...groups.values()].map((rows, place) => {
    const [{ defence, batchSize, localSteps, clients }] = rows
    const worst = worstRow(rows)
    return {
      ...{ place, defence, batchSize, localSteps, clients, rows, worst },
      label: choiceWords(rows[0], report.rows),
      verdict: worst.verdict,
      utility: rows.find(({ utility }) => utility !== null)?.utility ?? null,
      isConfigured: isAsConfigured(rows[0], report.settings),
    }
  })
}

const medianGain = (row: AuditRow): number => peaksOf(row)?.closest.gain.median ?? -Infinity
const isWorse = (row: AuditRow, than: AuditRow): boolean =>
  isAbove(row.verdict, than.verdict) ||
  (row.verdict === than.verdict && medianGain(row) > medianGain(than))

/** Of at least one row, the one that shows most. */
export const worstRow = (rows: readonly [AuditRow, ...AuditRow[]]): AuditRow =>
  rows.reduce((worst, row) => (isWorse(row, worst) ? row : worst))

const varies = (rows: readonly AuditRow[], key: keyof AuditRow): boolean =>
  new Set(rows.map((row) => row[key])).size > 1

/** As the report says it. */
export const defenceWords = ({
  updates,
  defence,
}: Pick<AuditRow, 'updates' | 'defence'>): string =>
  updates.length === 0 ? 'no transforms' : defence

function choiceWords(row: AuditRow, all: readonly AuditRow[]): string {
  return [
    defenceWords(row),
    ...(varies(all, 'batchSize') ? [recordsWords(row.batchSize)] : []),
    ...(varies(all, 'localSteps') ? [stepsWords(row.localSteps)] : []),
    ...(varies(all, 'modelState') ? [`${row.modelState} model`] : []),
    ...(row.clients > 1 ? [clientsWords(row.clients)] : []),
  ].join(', ')
}
const recordsWords = (records: number): string =>
  records === 1 ? '1 record' : `${records} records`
const clientsWords = (clients: number): string => `mean of ${clients} clients`
export const stepsWords = (steps: number): string =>
  steps === 1 ? '1 local step' : `${steps} local steps`

/** Only what one setup has otherwise than another. */
export function differenceWords({ worst: row }: Setup, { worst: base }: Setup): string {
  const differs = (key: 'batchSize' | 'localSteps' | 'modelState' | 'clients'): boolean =>
    row[key] !== base[key]
  return [
    ...(canonicalJson(row.updates) === canonicalJson(base.updates) ? [] : [defenceWords(row)]),
    ...(differs('batchSize') ? [`${recordsWords(row.batchSize)} in an update`] : []),
    ...(differs('localSteps') ? [stepsWords(row.localSteps)] : []),
    ...(differs('modelState') ? [`${row.modelState} model`] : []),
    ...(differs('clients') ? [clientsWords(row.clients)] : []),
  ].join(', ')
}

/** The setup in words, and what else tells the row from others of its report: what the attacker knows and computes. */
export function rowLabel(row: AuditRow, all: readonly AuditRow[]): string {
  return [
    choiceWords(row, all),
    ...(varies(all, 'labels') ? [`labels ${row.labels}`] : []),
    ...(row.approximation === 'one-gradient' ? ['taken for one gradient'] : []),
  ].join(', ')
}

export interface Comparison {
  /** What the others are compared with: the setup of the run, or, where none is, the worst. */
  readonly base: Setup
  /** Lower verdicts, the lowest first. */
  readonly lower: readonly Setup[]
  /** The same verdict or a higher one. */
  readonly others: readonly Setup[]
}

/** Null where there is one setup only. */
export function comparisonOf(setups: readonly Setup[]): Comparison | null {
  const worstOf = (some: readonly Setup[]): Setup | undefined =>
    some.toSorted(
      (a, b) => Number(isWorse(b.worst, a.worst)) - Number(isWorse(a.worst, b.worst)),
    )[0]
  const base = worstOf(setups.filter((setup) => setup.isConfigured)) ?? worstOf(setups)
  if (base === undefined || setups.length < 2) return null
  const rest = setups.filter((setup) => setup !== base)
  const isLower = (setup: Setup): boolean => isAbove(base.verdict, setup.verdict)
  return {
    base,
    lower: rest
      .filter(isLower)
      .toSorted(
        (a, b) => Number(isAbove(a.verdict, b.verdict)) - Number(isAbove(b.verdict, a.verdict)),
      ),
    others: rest.filter((setup) => !isLower(setup)),
  }
}
