/** What the attacks are held against: guesses without the update, labels, and what defences cost. */
import type { AuditReport, LabelRule } from '#protocol/audit-report.js'
import { placeboTests } from '#algorithms/audit/verdict.js'
import { html, table, type Cell } from '../report/html.js'
import type { Section } from '../report/page-parts.js'
import {
  decibels,
  hitsText,
  percentRange,
  probability,
  wholePercent,
} from '#protocol/audit-amounts.js'
import { attackWords, CONTROL_WORDS } from '#protocol/audit-words.js'
import { levelBadge } from './levels.js'
import { rowName } from './result-tables.js'
import { comparisonOf, setupsOf } from '#protocol/audit-setups.js'

export function controlSection(report: AuditReport): Section | null {
  const names = [
    ...new Set(report.rows.flatMap(({ controls }) => controls.map(({ name }) => name))),
  ]
  if (names.length === 0) return null
  const rows = report.rows.flatMap(({ controls }, place) =>
    controls.map(({ name, method, psnr, ...told }): readonly Cell[] => [
      html`<span class="name"
        ><b>${place + 1}</b>
        ${CONTROL_WORDS[name].label}${method === null ? '' : ` (${attackWords(method).short})`}</span
      >`,
      decibels(psnr.median),
      decibels(psnr.max),
      hitsText(told.anyClass),
      hitsText(told.sameClass),
      percentRange(told.sameClass.interval),
      probability(told.sameClass.pValue),
      told.auxiliarySameClass === null ? '–' : hitsText(told.auxiliarySameClass),
      told.auxiliarySameClass === null ? '–' : probability(told.auxiliarySameClass.pValue),
    ]),
  )
  const heads = [
    ...['median likeness', 'largest', 'any class', 'same class', '95 % interval', 'p'],
    ...['by features', 'p'],
  ]
  return {
    title: 'Guesses without the update',
    note: `${names.map((name) => `${CONTROL_WORDS[name].label}: ${CONTROL_WORDS[name].does}.`).join(' ')} ${soundness(report)}`,
    body: table(
      'Guesses by row',
      [{ head: 'row and guess' }, ...heads.map((head) => ({ head, isNumber: true }))],
      rows,
    ),
  }
}

function soundness({ isSound, thresholds, rows }: AuditReport): string {
  if (!isSound) return 'The audit is void: the first page says why.'
  const { placeboPValue } = thresholds
  const tests = placeboTests(rows).length
  const divided = tests < 2 ? '' : `, which is ${placeboPValue} divided by the ${tests} tests`
  return `The placebo recognised records no more often than chance does (p not below ${Number((placeboPValue / Math.max(1, tests)).toPrecision(2))}${divided}): what attacks recognised in the end is owed to the update. Stages and the noise floor have no placebo of their own.`
}

const RULE_WORDS: Readonly<Record<LabelRule, string>> = {
  bias: 'the sign of the last layer’s bias gradient',
  'inner-product': 'products of the last layer’s columns',
  counts: 'counts, from the last layer’s bias gradient and public data',
  'column-counts': 'counts, from the last layer’s column sums and public data',
  'public-shares': 'shares in public data, for the update does not tell',
  greedy: 'the bias gradient alone',
  minimum: 'least entries of columns',
}

export function labelSection(report: AuditReport): Section {
  const heads = ['inferred', 'all labels right', 'by chance', 'p', 'certain']
  return {
    title: 'Labels',
    note: 'How many labels of an update’s records its reader infers from the update alone, and in how many updates all of them. For a patient’s record a label may be a diagnosis: it counts although nobody sees the record. Certain: the share of updates whose numbers leave no doubt, as only those of a single record without noise can.',
    body: table(
      'Labels by row',
      [
        { head: 'row' },
        ...heads.map((head) => ({ head, isNumber: true })),
        ...['read off', 'by other rules'].map((head) => ({ head })),
      ],
      report.rows.map(({ labelRecovery: { rate, exact, chance, pValue, ...how } }, place) => [
        rowName(report, place),
        wholePercent(rate),
        wholePercent(exact),
        wholePercent(chance),
        probability(pValue),
        wholePercent(how.certain),
        how.rules.map((rule) => RULE_WORDS[rule]).join('; '),
        how.others.map(({ rule, rate }) => `${RULE_WORDS[rule]}: ${wholePercent(rate)}`).join('; '),
      ]),
    ),
  }
}

export function utilitySection(report: AuditReport): Section | null {
  const setups = setupsOf(report)
  if (setups.every(({ utility }) => utility === null)) return null
  const base = comparisonOf(setups)?.base ?? setups[0]
  const change = (utility: number | null): string => {
    const of = base?.utility ?? null
    if (utility === null || of === null) return '–'
    const points = Math.round((utility - of) * 100)
    return `${points > 0 ? '+' : points < 0 ? '−' : '±'}${Math.abs(points)} points`
  }
  return {
    title: 'What it costs',
    note: `Accuracy after the same number of simulated rounds with each setup’s transforms; the change is against “${base?.label ?? ''}”. A defence that ends the leak by ending the learning is none.`,
    body: table(
      'Accuracy by setup',
      [
        ...['setup', 'verdict'].map((head) => ({ head })),
        ...['accuracy', 'change'].map((head) => ({ head, isNumber: true })),
      ],
      setups.map(({ label, verdict, utility }) => [
        html`<span class="name">${label}</span>`,
        levelBadge(verdict),
        utility === null ? '–' : wholePercent(utility),
        change(utility),
      ]),
    ),
  }
}
