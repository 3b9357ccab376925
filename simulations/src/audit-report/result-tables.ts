/** Every number of the attacks: the strongest by row, all of them side by side, and one by one. */
import { toldOn } from '#algorithms/audit/soundness.js'
import type { Attempt } from '#protocol/audit-attempts.js'
import type { AuditReport, AuditRow } from '#protocol/audit-report.js'
import { isAsConfigured } from '#protocol/audit-settings.js'
import { html, table, type Cell, type Column, type Html } from '../report/html.js'
import { decimals, threeDigits } from '../report/numbers.js'
import type { Section } from '../report/page-parts.js'
import {
  decibels,
  duration,
  gainText,
  hitsText,
  percentRange,
  probability,
  range,
  ratioText,
  wholeNumber,
  wholePercent,
} from '#protocol/audit-amounts.js'
import { attackWords } from '#protocol/audit-words.js'
import { levelBadge } from './levels.js'
import { methodNames } from './methods.js'
import { peaksOf, rowLabel, type Answered, type Peaks } from '#protocol/audit-setups.js'

const column = (head: Cell): Column => ({ head })
const numeric = (head: Cell): Column => ({ head, isNumber: true })

/** Its number, and what tells it from the others. */
export const rowName = (report: AuditReport, place: number): Html => {
  const row = report.rows[place]
  if (row === undefined) return html``
  const own = isAsConfigured(row, report.settings)
    ? html` <small>this run’s settings</small>`
    : html``
  return html`<span class="name"><b>${place + 1}</b> ${rowLabel(row, report.rows)}${own}</span>`
}

export function resultSection(report: AuditReport): Section {
  return {
    title: 'Results',
    note: `The strongest attacks on every row, and below them all attacks on all rows. An attacker chooses the attack, so a row is as bad as its worst number, whichever attack that is from. Recognised, with its 95 % interval: how often the true record is the nearest to the attacker’s likeness among others of its class.`,
    body: html`${strongestTable(report)}
      <h3>Every attack on every row</h3>
      ${matrix(report)}
      <h3>What was observed</h3>
      ${observedTable(report)}`,
  }
}

function strongestTable(report: AuditReport): Html {
  const columns = [
    ...[column('row'), column('verdict'), column('closest attack')],
    ...['likeness', 'median gain', 'largest gain', 'recognised', 'accuracy'].map(numeric),
  ]
  return table(
    'The strongest attacks by row',
    columns,
    report.rows.map((row, place) => [
      rowName(report, place),
      levelBadge(row.verdict),
      ...peakCells(peaksOf(row)),
      row.utility === null ? '–' : wholePercent(row.utility),
    ]),
  )
}

function peakCells(peaks: Peaks | null): readonly Cell[] {
  if (peaks === null) return ['none gave anything', '–', '–', '–', '–']
  const { closest, largest, surest } = peaks
  const by = (best: Attempt, text: string, beside = ''): Cell =>
    html`<span class="stack">${text} <small>${attackWords(best.name).short}${beside}</small></span>`
  return [
    `${attackWords(closest.name).label}${closest.stopped === null ? '' : ` ${closest.stopped}`}`,
    decibels(closest.psnr),
    gainText(closest.gain.median),
    by(largest, gainText(largest.gain.max)),
    by(surest, hitsText(surest.sameClass), `, ${percentRange(surest.sameClass.interval)}`),
  ]
}

/** Rows by attacks: the median gain, and how many records are recognised. */
function matrix(report: AuditReport): Html {
  const names = methodNames(report)
  const { highGain, elevatedGain } = report.thresholds
  const cell = (row: AuditRow, name: string): Cell => {
    const chosen = row.methods.find((method) => method.name === name)?.chosen ?? null
    if (chosen === null) return '–'
    const { median } = chosen.gain
    const weight = median > highGain ? 'much' : median > elevatedGain ? 'some' : 'none'
    return html`<span class="cell cell-${weight}"
      ><b>${gainText(median).replace(' dB', '')}</b>
      ${chosen.sameClass.hits}/${chosen.sameClass.of}</span
    >`
  }
  return html`<p class="note">
      Median gain in dB over the best guess without the update, and below it how many records are
      recognised. Framed: more than ${decibels(elevatedGain)}; dark: more than
      ${decibels(highGain)}. –: not tried, or without a result.
    </p>
    ${table(
      'Every attack on every row',
      [column('row'), ...names.map((name) => numeric(attackWords(name).short))],
      report.rows.map((row, place) => [
        rowName(report, place),
        ...names.map((name) => cell(row, name)),
      ]),
    )}`
}

function observedTable(report: AuditReport): Html {
  const columns = [
    column('row'),
    ...['records in an update', 'local steps'].map(numeric),
    ...['steps are', 'labels', 'model'].map(column),
    ...['clients', 'told among', 'parameters', 'information ratio'].map(numeric),
    ...['signal to noise', 'floor'].map(numeric),
  ]
  return html`<p class="note">
      Information ratio: numbers observed for each number of the records; below 1 the records cannot
      follow from the update alone, only from it and knowledge of typical records. Signal to noise:
      size of the update over that of its noise. Clients: updates averaged before anyone sees them.
      Told among: so many records of the same class, the true one counted. Floor: the mismatch, as a
      cosine distance, that noise or rounding leave even at the true records, where it is known; a
      search that goes below it fits noise.
    </p>
    ${table(
      'What was observed by row',
      columns,
      report.rows.map((row, place) => [
        rowName(report, place),
        wholeNumber(row.batchSize),
        wholeNumber(row.localSteps),
        row.approximation === 'unrolled' ? 'followed one by one' : 'taken for one gradient',
        row.labels,
        row.modelState,
        wholeNumber(row.clients),
        toldText(row),
        wholeNumber(row.parameters),
        ratioText(row.informationRatio),
        row.signalToNoise === null ? 'no noise' : ratioText(row.signalToNoise),
        row.floor === null ? '–' : threeDigits(row.floor),
      ]),
    )}`
}

function toldText(row: AuditRow): string {
  const told = toldOn(row)
  return told === null ? '–' : wholeNumber(told.candidates)
}

/** All numbers of all attacks, a table for each row. */
export function methodSection(report: AuditReport): Section {
  return {
    title: 'Every number',
    note: 'What the attacker would take: the result whose update is nearest to the observed one. Likeness is the PSNR: the median over the records, below it the 90th percentile and the largest; SSIM: the median, below it the largest. The mean gain has a 95 % interval by bootstrap, recognition an exact one (Clopper and Pearson). First five: the record is among the five nearest of its class; rank: mean of one over its place; stage: where the attacker stops, and which was best in truth.',
    body: html`${report.rows.map((row, place) => methodTable(report, row, place))}`,
  }
}

const METHOD_COLUMNS: readonly Column[] = [
  column('attack'),
  ...['likeness in dB', 'SSIM', 'mean gain in dB', 'largest'].map(numeric),
  ...['any class', 'same class', 'p', 'first five', 'rank'].map(numeric),
  ...['mismatch', 'stage', 'time'].map(numeric),
]

function methodTable(report: AuditReport, row: AuditRow, place: number): Html {
  const notes = row.methods.flatMap(({ name, note, residual }) => [
    ...(note === null ? [] : [`${attackWords(name).label}: ${note}`]),
    ...(residual === null
      ? []
      : [`${attackWords(name).label}: relative error of the best record ${threeDigits(residual)}`]),
  ])
  return html`<h3>${rowName(report, place)}</h3>
    <p class="note">${levelBadge(row.verdict)} ${row.because}</p>
    ${table(
      `Attacks on row ${place + 1}`,
      METHOD_COLUMNS,
      row.methods.map((method) => [attackWords(method.name).short, ...methodCells(method)]),
    )}
    ${
      notes.length === 0
        ? ''
        : html`<ul class="small">
            ${notes.map((note) => html`<li>${note}</li>`)}
          </ul>`
    }`
}

function methodCells(method: Answered['method']): readonly Cell[] {
  const { chosen, matchLoss, stageChosen, stageOracle } = method
  const time = duration(method.seconds)
  if (chosen === null) return [...METHOD_COLUMNS.slice(2).map(() => '–'), time]
  const { psnr, ssim, gain, anyClass, sameClass } = chosen
  const bare = (value: number): string => gainText(value).replace(' dB', '')
  return [
    html`<span class="stack"
      >${psnr.median.toFixed(1)} <small>${psnr.p90.toFixed(1)}, ${psnr.max.toFixed(1)}</small></span
    >`,
    html`<span class="stack"
      >${decimals(ssim.median, 2)} <small>${decimals(ssim.max, 2)}</small></span
    >`,
    html`<span class="stack">${bare(gain.mean)} <small>${range(gain.interval)}</small></span>`,
    bare(gain.max),
    hitsText(anyClass),
    html`<span class="stack"
      >${hitsText(sameClass)} <small>${percentRange(sameClass.interval)}</small></span
    >`,
    probability(sameClass.pValue),
    wholePercent(sameClass.top5),
    decimals(sameClass.meanReciprocalRank, 2),
    matchLoss === null ? '–' : threeDigits(matchLoss),
    stageWords(stageChosen, stageOracle),
    time,
  ]
}

function stageWords(chosen: number | null, oracle: number | null): string {
  if (chosen === null) return '–'
  return oracle === null || oracle === chosen ? String(chosen) : `${chosen}, best ${oracle}`
}
