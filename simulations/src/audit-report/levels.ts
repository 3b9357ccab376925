/** The four verdicts in words, and drawn so that they differ without colour. */
import { toldOn } from '#algorithms/audit/soundness.js'
import type { AuditReport } from '#protocol/audit-report.js'
import { AUDIT_LEVELS, type AuditLevel } from '#protocol/audit-level.js'
import { LEVEL_WORDS } from '#protocol/audit-words.js'
import { html, type Html } from '../report/html.js'
import { decibels, frequency } from '#protocol/audit-amounts.js'

/** From an empty box to a full one: the order can be seen on any paper. */
const FILLS: Readonly<Record<AuditLevel, string>> = {
  'not-demonstrated': '',
  elevated: 'M6 14L18 1M18 14L30 1',
  high: 'M2 13L13 2M11 13L22 2M20 13L31 2M29 13L34 8M2 7L7 2M2 2L13 13M11 2L22 13M20 2L31 13M29 2L34 7M2 8L7 13',
  certain: 'M2 2H34V13H2Z',
}

const swatch = (level: AuditLevel): Html =>
  html`<svg class="fill" viewBox="0 0 36 15" width="36" height="15" aria-hidden="true">
    <path
      d="${FILLS[level]}"
      stroke="currentColor"
      stroke-width="1.2"
      fill="${level === 'certain' ? 'currentColor' : 'none'}"
    />
    <rect x="1" y="1" width="34" height="13" fill="none" stroke="currentColor" stroke-width="1.5" />
  </svg>`

/** The verdict as a word with its fill. */
export const levelBadge = (level: AuditLevel): Html =>
  html`<span class="level level-${level}">${swatch(level)} ${LEVEL_WORDS[level].label}</span>`

/** All four in their order; the one that holds, if one does, is framed and said. */
export const levelScale = (present: AuditLevel | null): Html =>
  html`<ol class="scale" aria-label="Verdicts, from the lowest to the highest">
    ${AUDIT_LEVELS.map(
      (level) =>
        html`<li class="level-${level}" ${level === present ? html`aria-current="true"` : html``}>
          ${swatch(level)} <span>${LEVEL_WORDS[level].label}</span> ${
            level === present ? html`<small>this audit</small>` : html``
          }
        </li>`,
    )}
  </ol>`

/** Among how many of its class a record is told, itself counted: over all rows, each number once. */
export const sameClassCandidates = ({ rows }: Pick<AuditReport, 'rows'>): readonly number[] => [
  ...new Set(rows.flatMap((row) => toldOn(row)?.candidates ?? [])),
]

/** 1, 4 or 8. */
export const orList = (items: readonly (string | number)[]): string =>
  items.length < 2
    ? items.join('')
    : `${items.slice(0, -1).join(', ')} or ${String(items.at(-1) ?? '')}`

/** Which numbers make which verdict, with the thresholds of this report. */
export function levelRules({
  thresholds,
  rows,
}: Pick<AuditReport, 'thresholds' | 'rows'>): readonly (readonly [AuditLevel, string])[] {
  const { analyticResidual, certainGain, highGain, elevatedGain, labelPValue } = thresholds
  const { highIdentification, elevatedIdentification } = thresholds
  const same = sameClassCandidates({ rows })
  const chances = (times: number): string => orList(same.map((n) => frequency(times, n)))
  const above = (times: number): string =>
    `the whole 95 % interval lies above ${same.length === 0 ? `${times} times chance` : chances(times)}${same.length > 1 ? ', by row' : ''}`
  return [
    [
      'certain',
      `A record follows from the update by a formula (relative error below ${analyticResidual}); or every record is recognised among its class and half of them gain more than ${decibels(certainGain)}.`,
    ],
    [
      'high',
      `Records are recognised among others of their class far more often than by chance (${above(highIdentification)}); or one record gains more than ${decibels(highGain)}.`,
    ],
    [
      'elevated',
      `Records are recognised among others of their class more often than by chance (${above(elevatedIdentification)}); or half of them gain more than ${decibels(elevatedGain)}; or labels are inferred more often than by chance (p below ${labelPValue}).`,
    ],
    ['not-demonstrated', 'None of this, with the attacks and the budget of this report.'],
  ]
}
