/** The attacks of a report in one order, so that each has the same letter, colour and marker in every chart. */
import { ATTACKS } from '#algorithms/audit/attack.js'
import type { AuditReport } from '#protocol/audit-report.js'
import { html, type Html } from '../report/html.js'
import { letterOf } from '../report/look.js'
import { nameOf } from '../report/page-parts.js'
import { attackWords } from '#protocol/audit-words.js'

/** Those that are in any row: in the order in which an audit tries them, others behind. */
export function methodNames({ rows }: Pick<AuditReport, 'rows'>): readonly string[] {
  const present = new Set(rows.flatMap(({ methods }) => methods.map(({ name }) => name)))
  const known = ATTACKS.filter((name) => present.has(name))
  return [...known, ...[...present].filter((name) => !ATTACKS.some((attack) => attack === name))]
}

export interface MethodLook {
  readonly name: string
  readonly place: number
  readonly letter: string
  readonly label: string
}
export const methodLooks = (report: Pick<AuditReport, 'rows'>): readonly MethodLook[] =>
  methodNames(report).map((name, place) => ({
    ...{ name, place, letter: letterOf(place), label: attackWords(name).label },
  }))

/** Lines, markers and letters with the attacks that they stand for. */
export const methodKey = (looks: readonly MethodLook[]): Html =>
  html`<ul class="key">
    ${looks.map((look) => html`<li>${nameOf(look)}</li>`)}
  </ul> `
