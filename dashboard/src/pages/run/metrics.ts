/** How metrics of a run are put together into charts. What they are called: `look/metric-words.ts`. */
import type { Curve } from '#protocol/run-views.js'
import { bytes, count, duration } from '../../look/format.js'
import {
  familyWords,
  inOrderOfInterest,
  metricWords,
  SCORE_PREFIXES,
} from '../../look/metric-words.js'
import type { Axis, CurveLine } from '../../parts/curves.js'

/** What curves are drawn against. */
export const X_AXES = ['rounds', 'seconds', 'bytes'] as const
export type XAxis = (typeof X_AXES)[number]
export const X_LABELS: Readonly<Record<XAxis, Axis>> = {
  rounds: { label: 'Round', format: (value) => (Number.isInteger(value) ? count(value) : '') },
  seconds: { label: 'Time', format: duration },
  bytes: { label: 'Bytes', format: bytes, isWhole: true },
}

export const isShare = (name: string): boolean => metricWords(name).isShare

const AXES = new Map<string, Axis>()
/** The same object for a name each time: a chart of another axis is another chart. */
export function axisOf(name: string): Axis {
  const known = AXES.get(name)
  if (known !== undefined) return known
  const { format, tick } = metricWords(name)
  const axis: Axis = { label: 'Value', format, tick }
  AXES.set(name, axis)
  return axis
}

/** Names of the scores of that kind, the released model's first. */
export const scoresOf = (names: readonly string[], kind: 'accuracy' | 'loss'): readonly string[] =>
  SCORE_PREFIXES.map((prefix) => `${prefix}${kind}`).filter((name) => names.includes(name))

/** Metrics that are drawn together. */
export interface MetricGroup {
  readonly id: string
  readonly label: string
  readonly names: readonly string[]
}
/** Most lines that can be told apart. */
const MOST_LINES = 40
/** Of the metrics that are no score of their own, the most asked for first. */
export function groupsOf(names: readonly string[]): readonly MetricGroup[] {
  const scores = new Set([...scoresOf(names, 'accuracy'), ...scoresOf(names, 'loss')])
  const groups = new Map<string, string[]>()
  for (const name of inOrderOfInterest(names.filter((one) => !scores.has(one)))) {
    const family = name.slice(0, Math.max(0, name.lastIndexOf('/')))
    const id = familyWords(family) === null ? name : family
    groups.set(id, [...(groups.get(id) ?? []), name])
  }
  return [...groups].map(([id, members]) => ({
    id,
    label: familyWords(id) ?? metricWords(id).label,
    names: members.slice(0, MOST_LINES),
  }))
}
/** Within its group. */
export const partLabel = (name: string, { id, label }: MetricGroup): string =>
  name === id ? label : name.slice(id.length + 1)

export function linesOf(
  curves: readonly Curve[],
  x: XAxis,
  labelOf: (name: string) => string,
): readonly CurveLine[] {
  return curves.map((curve) => ({
    id: curve.name,
    label: labelOf(curve.name),
    x: curve[x].map((at) => at ?? 0),
    y: curve.values,
  }))
}
