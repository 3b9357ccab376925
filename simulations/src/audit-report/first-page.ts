/** What a person who signs reads: the verdict, what was tried, what would lower it, what was not tried, and room to decide. */
import type { Judgement } from '#algorithms/audit/soundness.js'
import { BASIS_WORDS } from '#protocol/audit-config.js'
import type { AuditReport, AuditRow, SignedReport } from '#protocol/audit-report.js'
import { coversRun, decisiveRows } from '#protocol/audit-settings.js'
import { html, type Html } from '../report/html.js'
import { listed } from '../report/numbers.js'
import {
  clipped,
  counted,
  dayText,
  duration,
  frequency,
  gainText,
  hitsText,
  percentRange,
  ratioText,
  timesCloser,
  wholePercent,
} from '#protocol/audit-amounts.js'
import { attackWords, LEVEL_WORDS } from '#protocol/audit-words.js'
import { budgetWords } from './effort.js'
import { levelBadge, levelScale } from './levels.js'
import { notTried } from './not-tried.js'
import { pictureStrip } from './pictures.js'
import { remedies } from './remedies.js'
import { peaksOf, worstRow, type Setup } from '#protocol/audit-setups.js'
import { sealOf, sealWords } from './seal.js'

const LONGEST_REASON = 280

/** What was found out about the report, beside what it says. */
export interface Checked {
  /** What in it does not follow from its own numbers. */
  readonly contradictions: readonly string[]
  readonly judgement: Judgement
}

export function firstPage(signed: SignedReport, setups: readonly Setup[], checked: Checked): Html {
  const { report } = signed
  return html`<section class="first" id="decision" aria-labelledby="title">
    <p class="kicker">Privacy audit</p>
    <h1 id="title">${report.name}</h1>
    <p class="lead">
      How much one update of this model, under these settings, reveals of the records behind it.
      Made ${dayText(report.createdAt)} by tributary ${report.version}, in
      ${duration(report.seconds)}.
    </p>
    ${warnings(signed, setups, checked)}${verdictBox(report)}
    <div class="columns">
      <div>
        <h2>What was tried</h2>
        ${tried(report, setups)}
      </div>
      <div>${report.isSound ? remedies(report, setups) : ''}</div>
    </div>
    <h2>What was not tried, and what this cannot say</h2>
    <ul>
      ${notTried(report).map((item) => html`<li>${item}</li>`)}
    </ul>
    ${decision(signed)}
  </section> `
}

/** What takes the worth from the numbers comes before them. */
function warnings(
  signed: SignedReport,
  setups: readonly Setup[],
  { contradictions, judgement }: Checked,
): Html {
  const { report } = signed
  const { obstacles, laxities, strictnesses } = judgement
  const seal = sealOf(signed)
  const items = [
    ...(seal === 'valid' ? [] : [sealWords(seal)]),
    ...(contradictions.length === 0
      ? []
      : [
          `This report contradicts itself: ${clipped(contradictions.join('. '), LONGEST_REASON)}. Do not decide on it.`,
        ]),
    ...(report.isSound
      ? []
      : [
          `This audit is void, its numbers say nothing about the model. ${clipped(obstacles.join('. ') || 'It says so itself', LONGEST_REASON)}. Do not decide on it.`,
        ]),
    ...(laxities.length === 0
      ? []
      : [
          `The thresholds of this report are laxer than the usual ones. ${clipped(laxities.join('. '), LONGEST_REASON)}. Decide by the usual ones.`,
        ]),
    ...(strictnesses.length === 0
      ? []
      : [
          `The thresholds of this report are stricter than the usual ones. ${clipped(strictnesses.join('. '), LONGEST_REASON)}.`,
        ]),
    ...(coversRun(report) ? [] : [uncovered(report, setups)]),
    ...(report.budget === 'smoke'
      ? [
          'The budget was the smallest, which shows that the audit works. What it found stands; that it found no more means little.',
        ]
      : []),
    ...(report.pictures === null
      ? []
      : [
          `This page holds pictures of records and of what attacks made of them. Delete it by ${dayText(report.pictures.retainUntil)}.`,
        ]),
  ]
  return html`${items.map((text) => html`<p class="warning"><strong>${text}</strong></p> `)}`
}

function uncovered({ settings }: AuditReport, setups: readonly Setup[]): string {
  const own = setups.filter(({ isConfigured }) => isConfigured)
  if (own.length === 0)
    return 'No row has the settings of this run (its transforms, local steps and starting model). The verdict is the highest of the rows that were audited instead.'
  return own.every(({ batchSize }) => batchSize > settings.training.batchSize)
    ? 'The rows with the settings of this run have more records in an update than one batch of it: a client that holds fewer records shows more than this report tells.'
    : 'On the rows with the settings of this run an update of several local steps was taken for one gradient: attacks that follow the steps show more than this report tells.'
}

function verdictBox(report: AuditReport): Html {
  if (!report.isSound) {
    return html`<div class="verdict">
      <p class="said">Verdict: <strong>none</strong></p>
      <p class="found">No statement: the audit is void</p>
      ${levelScale(null)}
    </div> `
  }
  const words = LEVEL_WORDS[report.verdict]
  const row = leadRow(report)
  return html`<div class="verdict level-${report.verdict}">
    <p class="said">Verdict: ${levelBadge(report.verdict)}</p>
    <p class="found">${words.found}</p>
    ${levelScale(report.verdict)}
    <p>${words.means}</p>
    ${keyNumbers(row)}${pictureStrip(report, row)}
    <p class="because"><b>Why this verdict:</b> ${clipped(row.because, LONGEST_REASON)}</p>
  </div> `
}

/** The row that the headline comes from. */
function leadRow(report: AuditReport): AuditRow {
  const [first, ...others] = decisiveRows(report)
  return worstRow([first as AuditRow, ...others])
}

/** A finding, in words, and what it is to be held against. */
type KeyNumber = readonly [found: string, what: string, beside: string]

function keyNumbers(row: AuditRow): Html {
  const { rate, chance } = row.labelRecovery
  const isGiven = row.labels === 'given' ? '; the attacks here were given them' : ''
  const items: readonly KeyNumber[] = [
    ...peakNumbers(row),
    [
      `${wholePercent(rate)} of labels inferred`,
      'from the update alone; for patients a label may be a diagnosis',
      `by chance: ${wholePercent(chance)}${isGiven}`,
    ],
  ]
  return html`<ul class="facts">
    ${items.map(
      ([found, what, beside]) =>
        html`<li><b>${found}</b> <span>${what}</span> <small>${beside}</small></li>`,
    )}
  </ul>`
}

function peakNumbers(row: AuditRow): readonly KeyNumber[] {
  const peaks = peaksOf(row)
  if (peaks === null) return []
  const { closest, largest, surest } = peaks
  const { candidates, interval } = surest.sameClass
  return [
    [
      `${hitsText(surest.sameClass)} records recognised`,
      `among ${candidates} of the same class, by ${attackWords(surest.name).label}`,
      `by chance: ${frequency(1, candidates)}; 95 % interval ${percentRange(interval)}`,
    ],
    [
      likenessWords(largest.gain.max),
      'by squared error, than the best guess from public records',
      `worst record ${gainText(largest.gain.max)} (${attackWords(largest.name).short}); median at best ${gainText(closest.gain.median)}`,
    ],
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

function tried(report: AuditReport, setups: readonly Setup[]): Html {
  const { settings, records, generator } = report
  const names = [
    ...new Set(
      report.rows.flatMap(({ methods }) =>
        methods.flatMap(({ name, iterations, chosen }) =>
          chosen !== null || iterations > 0 ? [attackWords(name).short] : [],
        ),
      ),
    ),
  ]
  const facts: readonly (readonly [string, string])[] = [
    [
      'Model',
      `${settings.model.name}, trained by ${settings.method.name} with ${settings.training.optimizer.name}`,
    ],
    ['Transforms', transformsOf(report, setups)],
    [
      'Records',
      `${records.count} (${BASIS_WORDS[records.basis]}): ${clipped(records.description, 90)}`,
    ],
    ['Updates', updatesOf(report.rows)],
    ['Attacks', names.length === 0 ? 'none gave a result' : listed(names, 10)],
    [
      'Attacker has',
      generator === null
        ? 'public records; no generator'
        : `public records and a generator trained on ${clipped(generator.trainedOn, 70)}`,
    ],
    [
      'Budget',
      `${budgetWords(report)}; ${counted(setups.length, 'setup')}, ${counted(report.rows.length, 'row')}`,
    ],
  ]
  return html`<dl>
    ${facts.map(
      ([term, text]) =>
        html`<dt>${term}</dt>
          <dd>${text}</dd>`,
    )}
  </dl>`
}

function updatesOf(rows: readonly AuditRow[]): string {
  const records = listOf(rows.map(({ batchSize }) => batchSize))
  const steps = listOf(rows.map(({ localSteps }) => localSteps))
  return `of ${records} ${records === '1' ? 'record' : 'records'}, made in ${steps} local ${steps === '1' ? 'step' : 'steps'}`
}
/** 1, 4 or 8. */
function listOf(numbers: readonly number[]): string {
  const some = [...new Set(numbers)].toSorted((a, b) => a - b).map(String)
  return some.length < 2 ? some.join('') : `${some.slice(0, -1).join(', ')} or ${some.at(-1) ?? ''}`
}

function transformsOf({ settings }: AuditReport, setups: readonly Setup[]): string {
  const { updates } = settings
  if (updates.length === 0) return 'none: updates are sent as they are'
  const own = setups.find((setup) => setup.isConfigured)?.defence
  return own ?? updates.map(({ name }) => name).join(', then ')
}

function decision(signed: SignedReport): Html {
  const { report } = signed
  return html`<div class="decide">
    <h2>Decision</h2>
    <ul class="boxes">
      <li>The run may start with these settings</li>
      <li>It may start only with: <span class="line"></span></li>
      <li>It may not start</li>
    </ul>
    <p class="sign">
      <span>Name <span class="line"></span></span>
      <span>Date <span class="line"></span></span>
      <span>Signature <span class="line"></span></span>
    </p>
    <p class="small">
      For these settings only: another model, batch size, number of local steps or transform makes
      this report stale. Settings <code>${report.settingsHash}</code>. ${sealWords(sealOf(signed))}
    </p>
  </div>`
}
