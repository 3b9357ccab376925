/** `runs show --diagnostics`: similarities, norms, geometry and what a calibration found of each class, with how to read them. */
import { LARGEST_PROBE, type CalibratedClass } from '#protocol/diagnostics.js'
import type { RunRecord } from '#protocol/record.js'
import { lastCalibration } from '#simulations/report/calibration.js'
import {
  diagnosticsOf,
  GEOMETRY_MEASURES,
  type DiagnosticsReport,
  type GeometryInRound,
  type HeadInRound,
  type Similarity,
} from '#simulations/report/diagnostics.js'
import { listed, percent, threeDigits } from '#simulations/report/numbers.js'
import type { Output } from './output.js'

/** Rounds side by side in one table; of more, those in the middle are left out. */
const MOST_ROUNDS = 8

export interface ShownDiagnostics extends DiagnosticsReport {
  /** Of the latest calibration, class by class. */
  readonly classes: readonly CalibratedClass[]
}

/** What scripts get, and `printDiagnostics` prints. Empty where a run has none. */
export function shownDiagnostics(record: RunRecord): ShownDiagnostics {
  const report = diagnosticsOf(record)
  return {
    similarity: report?.similarity ?? null,
    heads: report?.heads ?? [],
    geometry: report?.geometry ?? [],
    classes: lastCalibration(record)?.classes ?? [],
  }
}

export function printDiagnostics(out: Output, record: RunRecord): void {
  const { similarity, heads, geometry, classes } = shownDiagnostics(record)
  if (similarity !== null) printSimilarity(out, similarity)
  if (heads.length > 0) printHeads(out, heads)
  if (geometry.length > 0) printGeometry(out, geometry)
  if (classes.length > 0) printClasses(out, classes)
  for (const line of missingLines(record, similarity !== null)) out.say(line)
}

/** What to write into a configuration, where a run compared nothing. */
function missingLines({ config, state }: RunRecord, isCompared: boolean): readonly string[] {
  if (isCompared) return []
  if (config.evaluation.diagnostics !== undefined) {
    return [
      '',
      state === 'running' || state === 'waiting'
        ? 'Local models are compared when the first training round is closed.'
        : 'No training round compared local models: they are compared in the first and the last one.',
    ]
  }
  return [
    '',
    'This run compared no local models. A run compares them layer by layer, with norms of heads and geometry of features,',
    'when its configuration says  "evaluation": {"central": {…}, "diagnostics": {"probe": 500}}  (--set evaluation.diagnostics.probe=500).',
    'Clients then send their local model beside the update in the first and the last training round: twice the upload there.',
  ]
}

const number = (value: number | null): string => (value === null ? '–' : threeDigits(value))
const cka = (value: number | null): string => (value === null ? '–' : value.toFixed(3))
const heading = (out: Output, title: string): void => {
  out.say('')
  out.say(title)
}

function printSimilarity(out: Output, similarity: Similarity): void {
  const { firstRound, lastRound, firstSlots, lastSlots, probe, layers } = similarity
  const isOne = firstRound === lastRound
  const clients =
    firstSlots.length === lastSlots.length
      ? String(lastSlots.length)
      : `${firstSlots.length} and ${lastSlots.length}`
  heading(
    out,
    `How alike local models are: linear CKA on ${probe} examples, mean over pairs of ${clients} clients, before they are averaged`,
  )
  const rounds = [firstRound, ...(isOne ? [] : [lastRound])]
  out.table(
    ['layer', 'width', ...rounds.flatMap((round) => [`round ${round}`, 'debiased'])],
    layers.map(({ name, width, first, last }) => [
      ...[name, width],
      ...(isOne ? [last] : [first, last]).flatMap((one) => [cka(one.cka), cka(one.debiased)]),
    ]),
  )
  out.say(
    '  1: the same up to rotation, scale and shift; 0: nothing in common. It describes, and is',
  )
  out.say(
    '  no score: with unlike data, later layers usually differ most. – where a layer is constant.',
  )
  const biased = layers.filter(({ isBiased }) => isBiased)
  if (biased.length > 0) {
    const most = Math.max(...biased.map(({ width }) => width))
    out.say(
      `  Caution: ${listed(
        biased.map(({ name }) => name),
        4,
      )}: ${probe} examples are fewer than four times the width, so plain values`,
    )
    const enough = Math.min(4 * most, LARGEST_PROBE)
    const more = enough > probe ? `, or set evaluation.diagnostics.probe to ${enough}` : ''
    out.say(`  are too high. Look at debiased ones${more}.`)
  }
}

function printHeads(out: Output, heads: readonly HeadInRound[]): void {
  heading(
    out,
    "Lengths of the head's class vectors, and whether they follow the labels that a client has",
  )
  out.table(
    ['round', 'follow labels', 'local, longest/shortest', 'global, longest/shortest'],
    heads.map(({ round, isCalibrated, local, ratio }) => [
      `${round}${isCalibrated ? ', calibrated' : ''}`,
      ...[number(local?.meanCorrelation ?? null), number(local?.meanRatio ?? null)],
      number(ratio),
    ]),
  )
  out.say(
    '  follow labels: Pearson’s correlation of a client’s norms with its label counts, mean over',
  )
  out.say('  clients. 1: its head favours what it has most of; nearer 0 is better.')
  out.say(
    '  longest/shortest: 1 is even, and smaller is better. Local: mean over clients, before they are',
  )
  out.say('  averaged. A global head can be even and still biased, in where its vectors point.')
  const hasCounts = heads.some(({ local }) => local?.counts.some((counts) => counts !== null))
  if (!hasCounts && heads.some(({ local }) => local !== null))
    out.say(
      '  No client tells its label counts (client join --share-counts), so none can be compared.',
    )
}

function printGeometry(out: Output, all: readonly GeometryInRound[]): void {
  const shown =
    all.length <= MOST_ROUNDS
      ? all
      : [...all.slice(0, MOST_ROUNDS / 2), ...all.slice(-MOST_ROUNDS / 2)]
  const left = all.length - shown.length
  const sources = [...new Set(all.map(({ geometry }) => SOURCES[geometry.of]))].join('; ')
  heading(out, `Where features of the classes lie, and how the head stands to them (${sources})`)
  out.table(
    ['measure', ...shown.map((one) => titleOf(one)), 'better'],
    GEOMETRY_MEASURES.map(({ title, key, isShare, good }) => [
      title,
      ...shown.map(({ geometry }) => {
        const value = geometry[key]
        return value !== null && isShare ? percent(value) : number(value)
      }),
      good === 'neither' ? '–' : good,
    ]),
  )
  if (left > 0) out.say(`  ${left} rounds in the middle are left out; --json has them.`)
  for (const { title, meaning } of GEOMETRY_MEASURES) out.say(`  ${title}: ${meaning}`)
}
const SOURCES = {
  probe: 'on examples of the central test split',
  moments: 'from the class moments that clients sent',
} as const
const titleOf = ({ round, isCalibrated }: GeometryInRound): string =>
  `round ${round}${isCalibrated ? ', calibrated' : ''}`

function printClasses(out: Output, classes: readonly CalibratedClass[]): void {
  heading(out, 'Moments of features that the calibration worked with, class by class')
  out.table(
    [
      ...['class', 'moments', 'examples', 'clients', 'rank', 'condition', 'jitter'],
      ...['between clients', 'virtual'],
    ],
    classes.map((one) => [
      one.name,
      one.status,
      String(Math.round(one.examples)),
      one.clients === null ? '–' : String(one.clients),
      one.rank === null ? '–' : String(one.rank),
      number(one.condition),
      number(one.jitter),
      one.betweenClients === null ? '–' : percent(one.betweenClients),
      String(one.virtualExamples),
    ]),
  )
  out.say(
    '  moments: ok, or why they are known in part: see above. rank: directions in which examples differ.',
  )
  out.say(
    '  condition: widest over narrowest of these directions (variances); large ones lean on jitter.',
  )
  out.say(
    '  jitter: what was added to factor the covariance, as a share of its mean variance; 0.0001 is',
  )
  out.say('  the usual, and more than 0.1 means that little of the shape is left.')
  out.say(
    '  between clients: share of the spread that lies between clients; large: each has another kind of it.',
  )
}
