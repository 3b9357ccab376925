import {
  frequency,
  gainText,
  hitsText,
  percentRange,
  ratioText,
  timesCloser,
  wholePercent,
} from '#protocol/audit-amounts.js'
import type { AuditReport, AuditRow } from '#protocol/audit-report.js'
import { decisiveRows } from '#protocol/audit-rows.js'
import { peaksOf, worstRow } from '#protocol/audit-setups.js'
import { attackWords } from '#protocol/audit-words.js'

/** A finding in words, and what it is to be held against. */
export interface Finding {
  readonly found: string
  readonly what: string
  readonly beside: string
}

/** The row that the verdict comes from. */
export function leadRow(report: AuditReport): AuditRow {
  const [first, ...others] = decisiveRows(report)
  return worstRow([first as AuditRow, ...others])
}

/** What an attacker got out of the row at best. */
export function findingsOf(row: AuditRow): readonly Finding[] {
  const { rate, chance } = row.labelRecovery
  const isGiven = row.labels === 'given' ? '; the attacks here were given them' : ''
  return [
    ...peakFindings(row),
    {
      found: `${wholePercent(rate)} of labels inferred`,
      what: 'from the update alone; for patients a label may be a diagnosis',
      beside: `by chance: ${wholePercent(chance)}${isGiven}`,
    },
  ]
}

function peakFindings(row: AuditRow): readonly Finding[] {
  const peaks = peaksOf(row)
  if (peaks === null) return []
  const { closest, largest, surest } = peaks
  const { candidates, interval } = surest.sameClass
  return [
    {
      found: `${hitsText(surest.sameClass)} records recognised`,
      what: `among ${candidates} of the same class, by ${attackWords(surest.name).label}`,
      beside: `by chance: ${frequency(1, candidates)}; 95 % interval ${percentRange(interval)}`,
    },
    {
      found: likenessWords(largest.gain.max),
      what: 'by squared error, than the best guess from public records',
      beside: `worst record ${gainText(largest.gain.max)} (${attackWords(largest.name).short}); median at best ${gainText(closest.gain.median)}`,
    },
  ]
}

/** In dB. Below the first a reader would see no difference; above the second the picture is the record. */
const [HARDLY, EXACT] = [0.5, 40]
function likenessWords(gain: number): string {
  if (gain < HARDLY) return 'No closer'
  return gain > EXACT
    ? 'More than 10,000 times closer'
    : `Up to ${ratioText(timesCloser(gain))} times closer`
}

/** Attacks that are in any row, in the order of the first row that has them all. */
export const methodNames = ({ rows }: Pick<AuditReport, 'rows'>): readonly string[] => [
  ...new Set(
    rows
      .toSorted((a, b) => b.methods.length - a.methods.length)
      .flatMap(({ methods }) => methods.map(({ name }) => name)),
  ),
]

/** Each reason for which an attack gave nothing, with the rows that it holds for. */
export function gapsOf({ rows }: Pick<AuditReport, 'rows'>): readonly string[] {
  const reasons = new Map<string, number[]>()
  for (const [place, { methods }] of rows.entries())
    for (const { name, chosen, note } of methods) {
      if (chosen !== null) continue
      const reason = `${attackWords(name).label}: ${note ?? 'no reason was given'}`
      reasons.set(reason, [...(reasons.get(reason) ?? []), place + 1])
    }
  return [...reasons].map(([reason, places]) => `${reason} (row ${places.join(', ')})`)
}

/** Paths of keys with their values. */
export function leavesOf(value: unknown, path = ''): readonly (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, JSON.stringify(value)]]
  return Object.entries(value)
    .toSorted(([a], [b]) => Number(b === 'name') - Number(a === 'name') || (a < b ? -1 : 1))
    .flatMap(([key, inner]) => leavesOf(inner, path === '' ? key : `${path}.${key}`))
}
