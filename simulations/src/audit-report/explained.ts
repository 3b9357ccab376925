/** For who never read such a report: its words, its attacks, and how numbers become a verdict. */
import type { AuditReport } from '#protocol/audit-report.js'
import { html, table, type Html } from '../report/html.js'
import type { Section } from '../report/page-parts.js'
import { duration, frequency, wholeNumber } from '#protocol/audit-amounts.js'
import { attackWords } from '#protocol/audit-words.js'
import { absentAttacks } from './effort.js'
import { levelBadge, levelRules, orList, sameClassCandidates } from './levels.js'
import { methodNames } from './methods.js'

const term = (word: string, meaning: string): Html =>
  html`<dt>${word}</dt>
    <dd>${meaning}</dd>`

export function wordsSection(report: AuditReport): Section {
  const n = report.records.candidates
  const same = sameClassCandidates(report)
  return {
    title: 'How to read this',
    body: html`<dl class="words">
      ${term('Update', 'What a client sends in a round instead of its records: how its training changed the model. The audit makes updates itself, from records that it holds, with the code that clients run; it never sees an update of a real client.')}
      ${term('Attack', 'A program that is given one update, the model and public knowledge, and looks for records that would have made this update.')}
      ${term('Likeness (PSNR)', 'How close the attacker’s record is to the true one, in dB. Every 10 dB more are a tenth of the squared error, every 3 dB half of it.')}
      ${term('Gain', 'Likeness above that of the best guess without the update, for the same record. 0 dB or less: the update did not help. 6 dB: a quarter of the squared error. Only the gain is owed to the update.')}
      ${term('Recognised', `The true record is the nearest to the attacker’s likeness among ${n}. By chance that happens ${frequency(1, n)} times. Same class: all have the label of the record, so that knowing the label does not help; there it is the nearest among ${same.length === 0 ? 'others' : orList(same)}.`)}
      ${term('95 % interval', 'Where the true rate lies, as far as this number of records can tell. With few records it is wide; the verdict goes by its lower end.')}
      ${term('Placebo', 'The same attack, given the update of another record. It must not recognise this one: if it does, the audit itself is wrong, and says so.')}
      ${term('Not demonstrated', 'The attacks of this report, with its budget, stayed within the limits of its rules. It never means that nothing can be found.')}
    </dl>`,
  }
}

export function attackSection(report: AuditReport): Section {
  const rows = methodNames(report).map((name) => {
    const { label, does, source } = attackWords(name)
    const all = report.rows.flatMap(({ methods }, place) =>
      methods.filter((method) => method.name === name).map((method) => ({ ...method, place })),
    )
    const failed = all.filter(({ chosen }) => chosen === null)
    const seconds = all.reduce((sum, method) => sum + method.seconds, 0)
    const evaluations = all.reduce((sum, method) => sum + method.gradientEvaluations, 0)
    return [
      label,
      html`${does} <small>(${source})</small>`,
      `${all.length - failed.length} of ${report.rows.length} rows`,
      reasonsOf(failed),
      wholeNumber(evaluations),
      duration(seconds),
    ]
  })
  const absent = absentAttacks(report).map(({ name, reason }) => {
    const { label, does, source } = attackWords(name)
    const what = html`${does} <small>(${source})</small>`
    return [label, what, 'not tried', reason, '–', '–']
  })
  return {
    title: 'Attacks',
    note: 'In the order in which they are tried. A gradient of the model is the unit of work that all of them share.',
    body: table(
      'Attacks, tried and not tried',
      [
        ...['attack', 'it …', 'gave a result on', 'reasons where not'].map((head) => ({ head })),
        ...['gradients', 'time'].map((head) => ({ head, isNumber: true })),
      ],
      [...rows, ...absent],
    ),
  }
}

/** Each reason once, with the rows that it holds for. */
function reasonsOf(
  failed: readonly { readonly note: string | null; readonly place: number }[],
): string {
  const reasons = new Map<string, number[]>()
  for (const { note, place } of failed) {
    const reason = note ?? 'no reason was given'
    reasons.set(reason, [...(reasons.get(reason) ?? []), place + 1])
  }
  return reasons.size === 0
    ? '–'
    : [...reasons].map(([reason, rows]) => `${reason} (row ${rows.join(', ')})`).join('; ')
}

export function thresholdSection(report: AuditReport): Section {
  return {
    title: 'Rules of the verdict',
    note: 'A row has the highest verdict that any of its attacks reaches, also at a stage at which it could have stopped. The report has the highest of the rows with the settings of the run; where there is none, the highest of all.',
    body: table(
      'When a row has which verdict',
      [{ head: 'verdict' }, { head: 'when' }],
      levelRules(report).map(([level, rule]) => [levelBadge(level), rule]),
    ),
  }
}
