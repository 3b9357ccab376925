/** Sections about how good the models are: as a whole, by class, by domain. Null where nothing was measured. */
import { MOST_BANDS } from './curves.js'
import type { Section } from './page-parts.js'
import {
  againstBytes,
  againstRounds,
  byName,
  curvesOf,
  markersFigure,
  type ByName,
  type Quantity,
} from './subject-figures.js'
import type { Subject } from './subjects.js'
import { aboutOf, latestBelow, metric, rangesByName, type RoundPoint } from './trajectories.js'

const ACCURACY: Quantity = { title: 'Accuracy', unit: 'share' }
const LOSS: Quantity = { title: 'Loss', unit: 'number' }

export const hasSpread = (subjects: readonly Subject[]): boolean =>
  subjects.some(({ runs }) => runs.length > 1)

/** Two evaluations that must not be mixed: the same examples for all, or each client's own. */
const EVALUATIONS = {
  central: {
    prefix: '',
    title: 'Learning curves',
    note: 'Scored by the coordinator on central test data.',
  },
  federated: {
    prefix: 'federated/',
    title: 'Learning curves on the clients',
    note: "Scored by the clients on their own held-out examples. A round's model is the one that clients received, or with a personal method the one that each had.",
  },
} as const

export function curveSection(
  subjects: readonly Subject[],
  evaluation: keyof typeof EVALUATIONS,
): Section | null {
  const { prefix, title, note } = EVALUATIONS[evaluation]
  const curves = (name: string) =>
    curvesOf(subjects, metric(`${prefix}${name}`), aboutOf(`${prefix}${name}`))
  const accuracy = curves('accuracy')
  const loss = curves('loss')
  const figures = [
    ...againstRounds(accuracy, ACCURACY),
    ...againstBytes(accuracy, ACCURACY),
    ...againstRounds(loss, LOSS),
    ...againstBytes(loss, LOSS),
  ]
  if (figures.length === 0) return null
  const hasStars = [...accuracy, ...loss].some(({ points }) => points.some(isCalibrated))
  const notes = [note, bandsNote(subjects), hasStars ? STARS_NOTE : '']
  return { title, note: notes.join(''), subjects, figures }
}

const isCalibrated = (point: RoundPoint): boolean => point.isCalibrated
const STARS_NOTE =
  ' Lines run through trained models. A star is a calibrated model; dots lead to it from the model that was calibrated.'

function bandsNote(subjects: readonly Subject[]): string {
  if (!hasSpread(subjects)) return ''
  return subjects.length > MOST_BANDS
    ? ' Lines are means over runs.'
    : ' Lines are means over runs; bands reach from the lowest to the highest run.'
}

/** Values below a prefix in the last round that has any, over a subject's runs. */
const latest = (subjects: readonly Subject[], prefix: string): ByName<string> =>
  byName(subjects, ({ runs }) => rangesByName(runs.map((run) => latestBelow(run, prefix))))

export const namesIn = <Name>(of: ByName<Name>): readonly Name[] => [
  ...new Set([...of.values()].flatMap((values) => [...values.keys()])),
]

/** Classes in label order, where the tasks have them; a metric's other names follow. */
function classesIn(of: ByName<string>): readonly string[] {
  const inOrder = [...of.keys()].flatMap(({ runs }) => runs[0].config.task.classes)
  const measured = new Set(namesIn(of))
  return [...new Set([...inOrder.filter((name) => measured.has(name)), ...measured])]
}

export function classSection(subjects: readonly Subject[]): Section | null {
  const central = latest(subjects, 'recall/')
  const of = central.size > 0 ? central : latest(subjects, 'federated/recall/')
  if (of.size === 0) return null
  const where = central.size > 0 ? 'central test data' : "the clients' held-out examples"
  const figure = markersFigure(of, {
    ...{ title: 'Recall by class', unit: 'share', label: 'class', names: classesIn(of) },
    width: 'full',
  })
  return {
    title: 'Classes',
    note: `Share of each class's examples that the last evaluation on ${where} recognised.${whiskersNote(subjects)}`,
    subjects: [...of.keys()],
    figures: [figure],
  }
}

export const whiskersNote = (subjects: readonly Subject[]): string =>
  hasSpread(subjects)
    ? ' Markers are means over runs; whiskers reach from the lowest to the highest run.'
    : ''

/** More markers, or longer names, than half of the page has room for. */
const isWide = (names: readonly string[], subjects: number): boolean =>
  names.length * subjects > 24 || names.some(({ length }) => length > 12)

export function domainSection(subjects: readonly Subject[]): Section | null {
  const of = latest(subjects, 'accuracy/domain/')
  if (of.size === 0) return null
  const names = namesIn(of)
  const figure = markersFigure(of, {
    ...{ title: 'Accuracy by domain', unit: 'share', label: 'domain', names },
    width: isWide(names, of.size) ? 'full' : 'half',
  })
  return {
    title: 'Domains',
    note: `Accuracy of the last central evaluation within each domain of the test data.${whiskersNote(subjects)}`,
    subjects: [...of.keys()],
    figures: [figure],
  }
}
