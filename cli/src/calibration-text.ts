/** Calibrations in words: what a terminal says of the model before and after, of who was heard, and of each class. */
import type { CalibratedClass } from '#protocol/diagnostics.js'
import type { Metrics, RunRecord } from '#protocol/record.js'
import {
  calibrationsOf,
  type Calibrated,
  type CalibrationMeans,
  type CalibrationSummary,
  type Member,
  type WorstClass,
} from '#simulations/report/calibration.js'
import {
  bytes,
  decimals,
  listed,
  percent,
  points,
  seconds,
  threeDigits,
} from '#simulations/report/numbers.js'
import type { Output } from './output.js'

interface TextTable {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}
/** More names than this are counted instead. */
const MOST_NAMES = 12
const some = (names: readonly string[]): string => listed(names, MOST_NAMES)
const share = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : percent(value)

/** One line: before, after, and without whom. */
export function calibrationLine(summary: CalibrationSummary): string {
  const { round, before, after, gain, worstBefore, worstAfter, answered, asked, without } = summary
  const worst =
    worstBefore === null || worstAfter === null
      ? ''
      : `, worst class ${share(worstBefore)} → ${share(worstAfter)}`
  return [
    `calibrated in round ${round}: accuracy ${share(before)} → ${share(after)}`,
    gain === null ? '' : ` (${points(gain)})`,
    worst,
    `; ${answered} of ${asked} answered`,
    without.length === 0 ? '' : `, without ${some(without)}`,
  ].join('')
}

/** The same of the means over several runs. */
export function calibrationMeansLine(means: CalibrationMeans): string {
  const { runs, before, after, gain, spread } = means
  const gained = gain === null ? '' : `, ${points(gain)}${spreadText(spread)}`
  return `calibration ${share(before)} → ${share(after)}${gained} over ${runs} runs`
}
const spreadText = (spread: number | null): string =>
  spread === null ? '' : ` ± ${(spread * 100).toFixed(2)}`

/** What `runs show` says of a run's calibrations; nothing of runs without. */
export function printCalibration(out: Output, record: RunRecord): void {
  const all = calibrationsOf(record)
  const last = all.at(-1)
  if (last === undefined) return
  out.say('')
  out.say(
    `Calibration by ${record.config.calibration?.name ?? 'another version'} in round ${last.round}, of the model of round ${last.of}`,
  )
  const lines = linesOf(last, record)
  const width = Math.max(...lines.map(([what]) => what.length))
  for (const [what, text] of lines) out.say(`  ${what.padEnd(width)}  ${text}`)
  if (all.length > 1) {
    out.say(`  It is the last of ${all.length}:`)
    out.table(
      ['round', 'before', 'after', 'gain', 'answered'],
      all.map(({ round, before, after, gain, counts }) => [
        ...[String(round), share(before?.accuracy), share(after?.accuracy)],
        ...[gain === null ? '–' : points(gain), `${counts.answered}/${counts.asked}`],
      ]),
    )
  }
}

type Line = readonly [what: string, text: string]

function linesOf(calibrated: Calibrated, record: RunRecord): readonly Line[] {
  const { bytesUp, bytesDown, durationMs } = calibrated
  return [
    ...scoreLines(calibrated),
    ...heardLines(calibrated),
    ...exampleLines(calibrated, record),
    ...statusLines(calibrated.classes),
    ...virtualLines(calibrated),
    ['cost', `${bytes(bytesUp)} up, ${bytes(bytesDown)} down, ${seconds(durationMs)} s`],
  ]
}

const WHOSE = {
  coordinator: "the coordinator's test data",
  clients: "the clients' held-out examples",
} as const

function scoreLines({
  before,
  after,
  gain,
  scoredBy,
  worstBefore,
  worstAfter,
}: Calibrated): readonly Line[] {
  if (before === null && after === null)
    return [['accuracy', 'not measured: the run has no evaluation of these models']]
  const loss = (of: typeof before): string =>
    of?.loss === null || of === null ? '–' : decimals(of.loss)
  const where = scoredBy === null ? '' : `, on ${WHOSE[scoredBy]}`
  const won = gain === null ? '' : `: ${points(gain)}`
  return [
    [
      'accuracy',
      `${share(before?.accuracy)} before, ${share(after?.accuracy)} after${won}${where}`,
    ],
    ['loss', `${loss(before)} before, ${loss(after)} after`],
    ...(worstBefore === null && worstAfter === null
      ? []
      : [
          [
            'worst class',
            `${worstText(worstBefore)} before, ${worstText(worstAfter)} after`,
          ] as const,
        ]),
  ]
}
const worstText = (worst: WorstClass | null): string =>
  worst === null ? '–' : `${percent(worst.recall)} (${worst.name})`

function heardLines({ counts, silent, unasked }: Calibrated): readonly Line[] {
  const names = (members: readonly Member[]): string => some(members.map(({ name }) => name))
  return [
    ['answered', `${counts.answered} of ${counts.asked} that were asked`],
    ...(silent.length === 0
      ? []
      : [['without', `${names(silent)}: asked, and no answer that counts`] as const]),
    ...(unasked.length === 0
      ? []
      : [['not asked', `${names(unasked)}: in the run, and out of reach`] as const]),
  ]
}

/** How many examples are behind it; of how many, where members tell: `minCount` leaves some out. */
function exampleLines({ answered, metrics }: Calibrated, { roster }: RunRecord): readonly Line[] {
  const examples = metrics['calibration/examples']
  if (examples === undefined) return []
  const slots = new Set(answered.map(({ slot }) => slot))
  const counts = roster.filter(({ slot }) => slots.has(slot)).map(({ card }) => card.counts?.train)
  const held = counts.reduce<number>((sum, count) => sum + (count ?? NaN), 0)
  const used = Math.round(examples)
  return [['examples', held > used ? `${used} of the ${held} that these members have` : `${used}`]]
}

/** Why a class did not get what the others got. */
const REASONS: Readonly<Record<Exclude<CalibratedClass['status'], 'ok'>, string>> = {
  missing: 'nobody has an example, so its part of the head is as it was',
  single: 'one example, so it borrows the spread of all classes',
  'low-rank': 'no more examples than features, so its spread is known in part',
}

function statusLines(classes: readonly CalibratedClass[]): readonly Line[] {
  return (['missing', 'single', 'low-rank'] as const).flatMap((status): readonly Line[] => {
    const names = classes.filter((one) => one.status === status).map(({ name }) => name)
    return names.length === 0 ? [] : [[status, `${some(names)}: ${REASONS[status]}`]]
  })
}

function virtualLines({ virtual, metrics }: Calibrated): readonly Line[] {
  if (virtual === null || virtual.lossAfter === null) return realLines(metrics)
  const { lossBefore, lossAfter, accuracyBefore, accuracyAfter } = virtual
  const loss = [lossBefore, lossAfter] as const
  return [headLine('virtual', { loss, accuracy: [accuracyBefore, accuracyAfter] })]
}

/** Of a calibration that is told the features themselves. */
function realLines(metrics: Metrics): readonly Line[] {
  const pair = (name: string) =>
    (['before', 'after'] as const).map((when) => metrics[`calibration/real${name}/${when}`] ?? null)
  const [loss, accuracy] = [pair('Loss'), pair('Accuracy')]
  return loss.every((value) => value === null) ? [] : [headLine('real', { loss, accuracy })]
}

type Pair = readonly (number | null)[]
function headLine(
  kind: 'virtual' | 'real',
  { loss, accuracy }: { readonly loss: Pair; readonly accuracy: Pair },
): Line {
  const number = (value: number | null): string => (value === null ? '–' : threeDigits(value))
  const losses = loss.map(number).join(' → ')
  return [
    kind,
    `loss ${losses}, accuracy ${accuracy.map(share).join(' → ')}, of the head on ${kind} features`,
  ]
}

/** A row for each class that was scored or counted; no columns of which nothing is known. */
export function classTable(
  { classes, before, after, of, round }: Calibrated,
  inOrder: readonly string[],
): TextTable {
  const counted = new Map(classes.map((one) => [one.name, one]))
  const columns: readonly (readonly [string, (name: string) => string])[] = [
    ['class', (name) => name],
    ['examples', (name) => numberOf(counted.get(name)?.examples)],
    ['clients', (name) => numberOf(counted.get(name)?.clients)],
    [`recall before, round ${of}`, (name) => share(before?.recall.get(name))],
    [`recall after, round ${round}`, (name) => share(after?.recall.get(name))],
    ['change, points', (name) => changeOf(before?.recall.get(name), after?.recall.get(name))],
    ['moments', (name) => counted.get(name)?.status ?? '–'],
  ]
  const names = inOrder.filter(
    (name) => counted.has(name) || before?.recall.has(name) || after?.recall.has(name),
  )
  const kept = columns.filter(([, cell]) => names.some((name) => cell(name) !== '–'))
  return {
    head: kept.map(([title]) => title),
    rows: names.map((name) => kept.map(([, cell]) => cell(name))),
  }
}
const numberOf = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : String(Math.round(value))
const changeOf = (before: number | undefined, after: number | undefined): string =>
  before === undefined || after === undefined ? '–' : points(after - before).replace(' points', '')
