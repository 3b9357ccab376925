/** The section about single clients: the accuracy of the final model on each, or else their latest training loss. */
import type { RunRecord } from '#protocol/record.js'
import { table, type Html } from './html.js'
import { percent } from './numbers.js'
import { nameOf, type PageFigure, type Section } from './page-parts.js'
import { namesIn, whiskersNote } from './score-sections.js'
import { byName, markersFigure, type ByName, type NamedFigure } from './subject-figures.js'
import type { Subject } from './subjects.js'
import { clientValues, rangesByName } from './trajectories.js'

/** More markers than this hide each other. */
const MOST_MARKERS = 300

export function clientSection(subjects: readonly Subject[]): Section | null {
  const of = (kind: 'accuracy' | 'loss'): ByName<number> =>
    byName(subjects, ({ runs }) => rangesByName(runs.map((run) => slotValues(run, kind))))
  const accuracy = of('accuracy')
  const [values, isAccuracy] = accuracy.size > 0 ? [accuracy, true] : [of('loss'), false]
  if (values.size === 0) return null
  const slots = [...namesIn(values)].sort((a, b) => a - b)
  const isCrowded = slots.length * values.size > MOST_MARKERS
  const figure = isCrowded ? inOrder : markersFigure
  const what = isAccuracy
    ? "Accuracy of the final model on each client's own held-out examples."
    : 'The records hold no accuracy of single clients. This is the training loss of the last round that each took part in.'
  return {
    title: 'Clients',
    note: `${what}${isCrowded ? ' Each line runs through the clients in the order of their value.' : whiskersNote(subjects)}`,
    subjects: [...values.keys()],
    figures: [
      figure(values, {
        ...(isAccuracy
          ? { title: 'Accuracy by client', unit: 'share' }
          : { title: 'Training loss by client', unit: 'number' }),
        ...{ label: 'slot', names: slots, width: 'full' },
      }),
    ],
    ...(isAccuracy ? { body: fairnessTable(values) } : {}),
  }
}

/** For crowds: from the lowest client to the highest, a line for each subject. */
function inOrder(of: ByName<number>, what: NamedFigure<number>): PageFigure {
  const { numbers } = markersFigure(of, what)
  const series = [...of].map(([{ label, place, letter }, values]) => ({
    ...{ name: label, look: place, letter },
    points: sortedMeans(values).map((y, i) => ({ x: i + 1, y })),
  }))
  return {
    ...{ kind: 'curves', title: what.title, width: what.width },
    chart: {
      x: { label: 'clients up to this value', unit: 'count' },
      y: { label: what.title.toLowerCase(), unit: what.unit },
      series,
    },
    ...(numbers === undefined ? {} : { numbers }),
  }
}

const sortedMeans = (values: ReadonlyMap<number, { readonly mean: number }>): readonly number[] =>
  [...values.values()].map(({ mean }) => mean).sort((a, b) => a - b)

function slotValues(run: RunRecord, kind: 'accuracy' | 'loss'): ReadonlyMap<number, number> {
  const values = clientValues(run)
  return values?.kind === kind ? values.bySlot : new Map()
}

/** How evenly a model serves its clients. */
function fairnessTable(of: ByName<number>): Html {
  const columns = ['lowest', 'lower quartile', 'median', 'upper quartile', 'highest']
  const rows = [...of].map(([subject, values]) => {
    const sorted = sortedMeans(values)
    const at = (share: number) => percent(quantile(sorted, share))
    return [nameOf(subject), String(sorted.length), ...[0, 0.25, 0.5, 0.75, 1].map(at)]
  })
  return table(
    'Accuracy over clients',
    [
      { head: 'configuration' },
      { head: 'clients', isNumber: true },
      ...columns.map((head) => ({ head, isNumber: true })),
    ],
    rows,
  )
}

/** Between neighbours, linearly. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)] ?? NaN
  const above = sorted[Math.ceil(at)] ?? NaN
  return below + (above - below) * (at - Math.floor(at))
}
