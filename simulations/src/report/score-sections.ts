/** Sections about how good the models are: as a whole, by class, by client, by domain. Null where nothing was measured. */
import type { RunRecord } from '#protocol/record.js'
import { table, type Html } from './html.js'
import { percent } from './numbers.js'
import { nameOf, type PageFigure, type Section } from './page-parts.js'
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
import { clientValues, lagOf, latestBelow, metric, rangesByName } from './trajectories.js'

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
    note: "Scored by the clients on their own held-out examples. A round's model is the one that clients received.",
  },
} as const

export function curveSection(
  subjects: readonly Subject[],
  evaluation: keyof typeof EVALUATIONS,
): Section | null {
  const { prefix, title, note } = EVALUATIONS[evaluation]
  const curves = (name: string) =>
    curvesOf(subjects, metric(`${prefix}${name}`), lagOf(`${prefix}${name}`))
  const accuracy = curves('accuracy')
  const loss = curves('loss')
  const figures = [
    ...againstRounds(accuracy, ACCURACY),
    ...againstBytes(accuracy, ACCURACY),
    ...againstRounds(loss, LOSS),
    ...againstBytes(loss, LOSS),
  ]
  if (figures.length === 0) return null
  const bands = hasSpread(subjects)
    ? ' Lines are means over runs; bands reach from the lowest to the highest run.'
    : ''
  return { title, note: `${note}${bands}`, subjects, figures }
}

/** Values below a prefix in the last round that has any, over a subject's runs. */
const latest = (subjects: readonly Subject[], prefix: string): ByName<string> =>
  byName(subjects, ({ runs }) => rangesByName(runs.map((run) => latestBelow(run, prefix))))

const namesIn = <Name>(of: ByName<Name>): readonly Name[] => [
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
    note: `Share of each class's examples that the last evaluation on ${where} recognised.${whiskers(subjects)}`,
    subjects: [...of.keys()],
    figures: [figure],
  }
}

const whiskers = (subjects: readonly Subject[]): string =>
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
    note: `Accuracy of the last central evaluation within each domain of the test data.${whiskers(subjects)}`,
    subjects: [...of.keys()],
    figures: [figure],
  }
}

/** Single clients: the accuracy of the final model on each, or where nobody told that, their latest training loss. */
export function clientSection(subjects: readonly Subject[]): Section | null {
  const of = (kind: 'accuracy' | 'loss'): ByName<number> =>
    byName(subjects, ({ runs }) => rangesByName(runs.map((run) => slotValues(run, kind))))
  const accuracy = of('accuracy')
  const [values, isAccuracy] = accuracy.size > 0 ? [accuracy, true] : [of('loss'), false]
  if (values.size === 0) return null
  const slots = [...namesIn(values)].sort((a, b) => a - b)
  const figure: PageFigure = markersFigure(values, {
    ...(isAccuracy
      ? { title: 'Accuracy by client', unit: 'share' as const }
      : { title: 'Training loss by client', unit: 'number' as const }),
    ...{ label: 'slot', names: slots, width: 'full' },
  })
  return {
    title: 'Clients',
    note: `${
      isAccuracy
        ? "Accuracy of the final model on each client's own held-out examples."
        : 'The records hold no accuracy of single clients. This is the training loss of the last round that each took part in.'
    }${whiskers(subjects)}`,
    subjects: [...values.keys()],
    figures: [figure],
    ...(isAccuracy ? { body: fairnessTable(values) } : {}),
  }
}

function slotValues(run: RunRecord, kind: 'accuracy' | 'loss'): ReadonlyMap<number, number> {
  const values = clientValues(run)
  return values?.kind === kind ? values.bySlot : new Map()
}

/** How evenly a model serves its clients. */
function fairnessTable(of: ByName<number>): Html {
  const columns = ['lowest', 'lower quartile', 'median', 'upper quartile', 'highest']
  const rows = [...of].map(([subject, values]) => {
    const sorted = [...values.values()].map(({ mean }) => mean).sort((a, b) => a - b)
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
