/** From what subjects measured to figures with their numbers: curves over rounds or bytes, markers by name. */
import type { RoundRecord } from '#protocol/record.js'
import type { BarSeries } from './bars.js'
import { textOf, type ChartValue } from './chart.js'
import type { CurveSeries } from './curves.js'
import { bySubject, type Numbers, type PageFigure } from './page-parts.js'
import { scaleFor, type Unit } from './scale.js'
import type { Subject } from './subjects.js'
import { trajectory, type About, type Range, type RoundPoint } from './trajectories.js'

export interface Curve {
  readonly subject: Subject
  readonly points: readonly RoundPoint[]
}
export interface Quantity {
  readonly title: string
  readonly unit: Unit
  readonly fromZero?: boolean
}
const BYTES = scaleFor('bytes', 0)
const CALIBRATED = ', calibrated'
export const valueOf = ({ mean, low, high }: Range): ChartValue => ({ y: mean, low, high })

/** The subjects that measured something, with what they measured round by round; `about` as in `trajectory`. */
export const curvesOf = (
  subjects: readonly Subject[],
  read: (round: RoundRecord) => number | undefined,
  about: About = 'round',
): readonly Curve[] =>
  subjects
    .map((subject) => ({ subject, points: trajectory(subject.runs, read, about) }))
    .filter(({ points }) => points.length > 0)

/** Nothing when there are no curves. */
export function againstRounds(curves: readonly Curve[], what: Quantity): readonly PageFigure[] {
  if (curves.length === 0) return []
  const series = curves.map((curve) =>
    seriesOf(curve, ({ round, isCalibrated }) => ({
      x: round,
      ...(isCalibrated ? { at: `round ${round}${CALIBRATED}` } : {}),
    })),
  )
  return [
    {
      kind: 'curves',
      title: `${what.title} by round`,
      width: 'half',
      chart: { x: { label: 'round', unit: 'count' }, y: yAxis(what), series },
      numbers: roundNumbers(curves, what),
    },
  ]
}

/** Nothing when there are no curves. */
export function againstBytes(curves: readonly Curve[], what: Quantity): readonly PageFigure[] {
  if (curves.length === 0) return []
  const series = curves.map((curve) =>
    seriesOf(curve, ({ bytes, round, isCalibrated }) => ({
      x: bytes,
      at: `${BYTES.text(bytes)}, round ${round}${isCalibrated ? CALIBRATED : ''}`,
    })),
  )
  return [
    {
      kind: 'curves',
      title: `${what.title} by bytes`,
      width: 'half',
      chart: { x: { label: 'sent in both directions', unit: 'bytes' }, y: yAxis(what), series },
    },
  ]
}

const yAxis = ({ title, unit, fromZero = false }: Quantity) => ({
  label: title.toLowerCase(),
  unit,
  fromZero,
})
const seriesOf = (
  { subject: { label, place, letter }, points }: Curve,
  where: (point: RoundPoint) => { readonly x: number; readonly at?: string },
): CurveSeries => ({
  ...{ name: label, look: place, letter },
  points: points.map((point) => ({
    ...valueOf(point),
    ...where(point),
    ...(point.isCalibrated ? { isAside: true } : {}),
  })),
})

function roundNumbers(curves: readonly Curve[], { title, unit }: Quantity): Numbers {
  const rounds = new Set(curves.flatMap(({ points }) => points.map(({ round }) => round)))
  const scale = scaleFor(unit, 0)
  return bySubject({
    caption: `${title} by round`,
    head: 'round',
    names: [...rounds].sort((a, b) => a - b),
    subjects: curves.map(({ subject }) => subject),
    cell: (round, subject) => {
      const curve = curves.find((one) => one.subject === subject)
      const point = curve?.points.find((one) => one.round === round)
      if (point === undefined) return null
      return `${textOf(valueOf(point), scale)}${point.isCalibrated ? CALIBRATED : ''}`
    },
  })
}

/** What subjects measured by name: of a class, of a client, of a domain. Subjects that measured nothing are not in it. */
export type ByName<Name> = ReadonlyMap<Subject, ReadonlyMap<Name, Range>>

export const byName = <Name>(
  subjects: readonly Subject[],
  read: (subject: Subject) => ReadonlyMap<Name, Range>,
): ByName<Name> =>
  new Map(
    subjects
      .map((subject) => [subject, read(subject)] as const)
      .filter(([, values]) => values.size > 0),
  )

export interface NamedFigure<Name> extends Quantity {
  /** What the names are. */
  readonly label: string
  readonly names: readonly Name[]
  readonly width: 'half' | 'full'
}

/** A marker for every name and subject, with whiskers over its runs. */
export function markersFigure<Name extends string | number>(
  of: ByName<Name>,
  what: NamedFigure<Name>,
): PageFigure {
  const { title, label, unit, names, width } = what
  const value = (subject: Subject, name: Name): ChartValue | null => {
    const range = of.get(subject)?.get(name)
    return range === undefined ? null : valueOf(range)
  }
  const series = [...of.keys()].map((subject): BarSeries => ({
    ...{ name: subject.label, look: subject.place, letter: subject.letter },
    values: names.map((name) => value(subject, name)),
  }))
  return {
    ...{ kind: 'bars', title, width },
    chart: { categories: names.map(String), label, y: yAxis(what), series, form: 'markers' },
    numbers: bySubject({
      ...{ caption: title, head: label, names, subjects: [...of.keys()] },
      cell: (name, subject) => {
        const one = value(subject, name)
        return one === null ? null : textOf(one, scaleFor(unit, 0))
      },
    }),
  }
}
