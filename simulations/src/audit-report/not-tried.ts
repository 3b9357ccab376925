/** The limits of a report, the shortest way they can be said; the whole list is in its evidence. */
import { LIMITS_OF_ALL } from '#algorithms/audit/run/limits-of-all.js'
import type { AuditReport } from '#protocol/audit-report.js'
import { listed } from '../report/numbers.js'
import { clipped, counted } from '#protocol/audit-amounts.js'
import { attackWords } from '#protocol/audit-words.js'
import { absentWords } from './effort.js'

/** Of fewer records rates tell little. */
const FEW = 6
const MOST_OWN = 3
const LONGEST = 150

/** What holds for every audit in two sentences, then what is peculiar to this one. */
export function notTried(report: AuditReport): readonly string[] {
  const { generator, limitations } = report
  const left = attacksLeftOut(report)
  const fewest = Math.min(...report.rows.map(({ records }) => records))
  const own = limitations.filter((text) => !LIMITS_OF_ALL.includes(text))
  const shown = own.slice(0, MOST_OWN)
  const more = limitations.length - shown.length
  return [
    'A coordinator that cheats: one that changes the model to draw records out. The attacker here only reads what it is sent.',
    'Stronger attacks, longer searches, better generators, and many updates of one client together. What failed here may succeed there: this is a lower bound.',
    ...(fewest < FEW
      ? [`More records: a row has ${counted(fewest, 'record')}, so that intervals are wide.`]
      : []),
    ...(generator?.isInformative === false
      ? ['A good generator: the one that was used hardly knows more than the class mean.']
      : []),
    ...absentWords(report),
    ...(left.length === 0
      ? []
      : [`On some or all rows: ${listed(left, 8)} (the reasons are under Attacks).`]),
    ...shown.map((text) => clipped(text, LONGEST)),
    ...(more > 0 ? [`${more} more, under Limitations.`] : []),
  ]
}

const attacksLeftOut = ({ rows }: AuditReport): readonly string[] => [
  ...new Set(
    rows.flatMap(({ methods }) =>
      methods.flatMap(({ name, chosen }) => (chosen === null ? [attackWords(name).short] : [])),
    ),
  ),
]
