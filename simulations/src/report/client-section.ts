/** The section about single clients: the accuracy of the final model on each, or else their latest training loss. */
import type { RunRecord } from '#protocol/record.js'
import { fairnessTable, quantileTable } from './client-tables.js'
import { finalClients } from './clients.js'
import { html } from './html.js'
import type { PageFigure, Section } from './page-parts.js'
import { namesIn, whiskersNote } from './score-sections.js'
import { MOST_DOTS } from './strips.js'
import {
  againstRounds,
  byName,
  curvesOf,
  markersFigure,
  type ByName,
  type NamedFigure,
  type Quantity,
} from './subject-figures.js'
import type { Subject } from './subjects.js'
import { aboutOf, clientValues, metric, rangesByName, sortedMeans } from './trajectories.js'

/** More markers than this hide each other. */
const MOST_MARKERS = 300
/** More strips than this need the whole width. */
const MOST_NARROW = 6

const CURVES: readonly (Quantity & { readonly metric: string })[] = [
  { metric: 'clients/accuracy', title: 'Mean accuracy over clients', unit: 'share' },
  { metric: 'clients/deviation', title: 'Deviation between clients', unit: 'share' },
]

export function clientSection(subjects: readonly Subject[]): Section | null {
  const of = (kind: 'accuracy' | 'loss'): ByName<number> =>
    byName(subjects, ({ runs }) => rangesByName(runs.map((run) => slotValues(run, kind))))
  const accuracy = of('accuracy')
  const [values, isAccuracy] = accuracy.size > 0 ? [accuracy, true] : [of('loss'), false]
  const curves = CURVES.flatMap(({ metric: name, ...what }) =>
    againstRounds(curvesOf(subjects, metric(name), aboutOf(name)), what),
  )
  if (values.size === 0 && curves.length === 0) return null
  const shown = subjects.filter((subject) => values.has(subject) || curves.length > 0)
  return {
    title: 'Clients',
    note: noteOf(values, isAccuracy).concat(ownModelNote(shown)),
    subjects: shown,
    figures: [
      ...(values.size > 0 ? [byClient(values, isAccuracy)] : []),
      ...(isAccuracy ? [distribution([...values.keys()])] : []),
      ...curves,
    ],
    ...(isAccuracy ? { body: html`${fairnessTable(subjects)}${quantileTable(values)}` } : {}),
  }
}

const isCrowded = (values: ByName<number>): boolean =>
  namesIn(values).length * values.size > MOST_MARKERS

function noteOf(values: ByName<number>, isAccuracy: boolean): string {
  if (values.size === 0) return 'The records hold no accuracy of single clients.'
  const what = isAccuracy
    ? "Accuracy of the final model on each client's own held-out examples."
    : 'The records hold no accuracy of single clients. This is the training loss of the last round that each took part in.'
  return `${what}${isCrowded(values) ? ' Each line runs through the clients in the order of their value.' : whiskersNote([...values.keys()])}`
}

/** Whose numbers are of something else than the model that the run ends with. */
function ownModelNote(subjects: readonly Subject[]): string {
  const personal = subjects.filter(({ runs }) =>
    runs.some(({ rounds }) =>
      rounds.some(({ metrics }) => metrics['clients/trained'] !== undefined),
    ),
  )
  if (personal.length === 0) return ''
  const who =
    personal.length === subjects.length
      ? 'All clients'
      : `The clients of ${personal.map(({ letter }) => letter).join(', ')}`
  return ` ${who} predict with models of their own, which they keep: their numbers are of these.`
}

function byClient(values: ByName<number>, isAccuracy: boolean): PageFigure {
  const figure = isCrowded(values) ? inOrder : markersFigure
  return figure(values, {
    ...(isAccuracy
      ? { title: 'Accuracy by client', unit: 'share' }
      : { title: 'Training loss by client', unit: 'number' }),
    ...{ label: 'slot', width: 'full' },
    names: [...namesIn(values)].sort((a, b) => a - b),
  })
}

/** Every client of every run is a dot. */
function distribution(subjects: readonly Subject[]): PageFigure {
  const strips = subjects.map(({ label, place, letter, runs }) => ({
    ...{ name: label, look: place, letter },
    dots: runs.flatMap((run) =>
      finalClients(run).map(({ slot, accuracy }) => ({
        y: accuracy,
        at: runs.length > 1 ? `slot ${slot}, seed ${run.config.seed}` : `slot ${slot}`,
      })),
    ),
  }))
  return {
    kind: 'strips',
    title: 'Distribution over clients',
    note: `Each dot is a client${strips.some(({ dots }) => dots.length > MOST_DOTS) ? `; of more than ${MOST_DOTS}, some stand for all` : ''}. The box holds the middle half, the line in it is the mean.`,
    width: subjects.length > MOST_NARROW ? 'full' : 'half',
    chart: { label: 'configuration', y: { label: 'accuracy', unit: 'share' }, strips },
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

function slotValues(run: RunRecord, kind: 'accuracy' | 'loss'): ReadonlyMap<number, number> {
  const values = clientValues(run)
  return values?.kind === kind ? values.bySlot : new Map()
}
