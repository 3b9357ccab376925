/** The section about calibrations: accuracy and recall before and after each, and what was not in it. */
import type { CalibratedClass } from '#protocol/diagnostics.js'
import type { BarSeries } from './bars.js'
import { calibrationMeans, calibrationSummary, lastCalibration } from './calibration.js'
import type { Calibrated, CalibrationMeans, Scores } from './calibration.js'
import { textOf } from './chart.js'
import { table, type Html } from './html.js'
import { listed, percent, points } from './numbers.js'
import { nameOf, type Numbers, type PageFigure, type Section } from './page-parts.js'
import { scaleFor } from './scale.js'
import { hasSpread } from './score-sections.js'
import { valueOf } from './subject-figures.js'
import type { Subject } from './subjects.js'
import { rangeOf, rangesByName, type Range } from './trajectories.js'

/** A configuration, and the latest calibration of each of its runs. */
interface Corrected {
  readonly subject: Subject
  readonly runs: readonly Calibrated[]
}

export function calibrationSection(subjects: readonly Subject[]): Section | null {
  const corrected = subjects
    .map(({ runs, ...subject }): Corrected => ({
      subject: { runs, ...subject },
      runs: runs.map(lastCalibration).filter((one) => one !== null),
    }))
    .filter(({ runs }) => runs.length > 0)
  if (corrected.length === 0) return null
  const scored = corrected.filter(({ runs }) => scoresOf(runs).length > 0)
  const isRepeated = hasSpread(corrected.map(({ subject }) => subject))
  return {
    title: 'Calibration',
    note: `The same extractor with the head as it was trained (before, solid) and as it was calibrated (after, hatched)${whoseNote(scored)}.${
      isRepeated ? ' Bars are means over runs; whiskers reach from the lowest to the highest.' : ''
    }`,
    subjects: corrected.map(({ subject }) => subject),
    figures: [
      ...(scored.length > 0 ? [accuracyFigure(scored)] : []),
      ...scored.flatMap((one) => recallFigure(one, scored.length > 1)),
    ],
    body: outcomeTable(corrected),
  }
}

interface Pair {
  readonly before: Scores
  readonly after: Scores
}
/** Only runs with both: a mean of others would not be of the same extractors. */
const scoresOf = (runs: readonly Calibrated[]): readonly Pair[] =>
  runs.flatMap(({ before, after }) =>
    before === null || after === null ? [] : [{ before, after }],
  )

function whoseNote(scored: readonly Corrected[]): string {
  const whose = new Set(scored.flatMap(({ runs }) => runs.map(({ scoredBy }) => scoredBy)))
  if (whose.has('coordinator') && whose.has('clients')) return ''
  if (whose.has('coordinator')) return ', on central test data'
  return whose.has('clients') ? ", on the clients' held-out examples" : ''
}

const WHEN = ['before', 'after'] as const

function accuracyFigure(scored: readonly Corrected[]): PageFigure {
  const accuracy = ({ runs }: Corrected, when: keyof Pair): Range =>
    rangeOf(scoresOf(runs).map((pair) => pair[when].accuracy))
  const series = WHEN.map((when): BarSeries => ({
    name: when,
    values: scored.map((one) => valueOf(accuracy(one, when))),
  }))
  return {
    ...{ kind: 'bars', title: 'Accuracy before and after', width: 'half' },
    chart: {
      categories: scored.map(({ subject }) => subject.letter),
      label: 'configuration',
      y: { label: 'accuracy', unit: 'share' },
      series,
      form: 'bars',
      looks: scored.map(({ subject }) => subject.place),
    },
    numbers: beforeAfter(
      ['Accuracy before and after', 'configuration'],
      scored.map((one): BeforeAfter => [
        one.subject.letter,
        accuracy(one, 'before'),
        accuracy(one, 'after'),
      ]),
    ),
  }
}

/** Nothing where recall was not measured. */
function recallFigure({ subject, runs }: Corrected, isOneOfMany: boolean): readonly PageFigure[] {
  const recall = (when: keyof Pair): ReadonlyMap<string, Range> =>
    rangesByName(scoresOf(runs).map((pair) => pair[when].recall))
  const [before, after] = [recall('before'), recall('after')]
  const classes = subject.runs[0].config.task.classes.filter((name) => before.has(name))
  if (classes.length === 0) return []
  const title = `Recall by class before and after${isOneOfMany ? `, ${subject.letter}` : ''}`
  const values = (of: ReadonlyMap<string, Range>) =>
    classes.map((name) => {
      const range = of.get(name)
      return range === undefined ? null : valueOf(range)
    })
  return [
    {
      ...{ kind: 'bars', title, width: classes.length <= 12 ? 'half' : 'full' },
      chart: {
        categories: classes,
        label: 'class',
        y: { label: 'recall', unit: 'share', upTo: 1 },
        series: [
          { name: 'before', look: subject.place, values: values(before) },
          { name: 'after', look: subject.place, values: values(after) },
        ],
        form: 'bars',
      },
      numbers: beforeAfter(
        [title, 'class'],
        classes.map((name): BeforeAfter => [name, before.get(name), after.get(name)]),
      ),
    },
  ]
}

type BeforeAfter = readonly [name: string, before: Range | undefined, after: Range | undefined]
function beforeAfter(
  [caption, head]: readonly [caption: string, head: string],
  rows: readonly BeforeAfter[],
): Numbers {
  const scale = scaleFor('share', 0)
  const text = (range: Range | undefined): string =>
    range === undefined ? '–' : textOf(valueOf(range), scale)
  return {
    caption,
    columns: [
      { head },
      ...['before', 'after', 'change'].map((title) => ({ head: title, isNumber: true })),
    ],
    rows: rows.map(([name, before, after]) => [
      ...[name, text(before), text(after)],
      before === undefined || after === undefined ? '–' : points(after.mean - before.mean),
    ]),
  }
}

function outcomeTable(corrected: readonly Corrected[]): Html {
  const rows = corrected.map(({ subject, runs }) => {
    const summaries = runs.map(calibrationSummary)
    const without = [...new Set(summaries.flatMap((one) => one.without))]
    return [
      nameOf(subject),
      ...meanCells(calibrationMeans(summaries)),
      without.length === 0 ? 'nobody' : listed(without, MOST_NAMES),
      statusText(runs.flatMap(({ classes }) => classes)),
    ]
  })
  const numbers = ['before', 'after', 'gain', '±', 'worst class', 'answered']
  const columns = [
    { head: 'configuration' },
    ...numbers.map((head) => ({ head, isNumber: true })),
    ...['without', 'classes with less'].map((head) => ({ head })),
  ]
  return table('Calibrations', columns, rows)
}

function meanCells(means: CalibrationMeans | null): readonly string[] {
  if (means === null) return ['–', '–', '–', '–', '–', '–']
  const { before, after, gain, spread, worstBefore, worstAfter, answered, asked } = means
  const share = (value: number | null): string => (value === null ? '–' : percent(value))
  return [
    ...[share(before), share(after), gain === null ? '–' : points(gain), share(spread)],
    worstBefore === null ? '–' : `${share(worstBefore)} → ${share(worstAfter)}`,
    `${answered} of ${asked}`,
  ]
}

const MOST_NAMES = 8

/** Classes of which somewhat was missing, in any run. */
function statusText(classes: readonly CalibratedClass[]): string {
  const named = (status: CalibratedClass['status']): readonly string[] => [
    ...new Set(classes.filter((one) => one.status === status).map(({ name }) => name)),
  ]
  const parts = [
    [named('missing'), 'no example of'],
    [named('single'), 'one example of'],
    [named('low-rank'), 'few examples of'],
  ] as const
  const told = parts
    .filter(([names]) => names.length > 0)
    .map(([names, what]) => `${what} ${listed(names, MOST_NAMES)}`)
  return told.length === 0 ? '–' : told.join('; ')
}
