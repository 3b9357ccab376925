/** How metrics of runs are called, written and put together into charts. */
import type { Curve } from '#protocol/run-views.js'
import { bytes, count, duration, number, percent, percentTick } from '../../look/format.js'
import type { Axis, CurveLine } from '../../parts/curves.js'

/** What curves are drawn against. */
export const X_AXES = ['rounds', 'seconds', 'bytes'] as const
export type XAxis = (typeof X_AXES)[number]
export const X_LABELS: Readonly<Record<XAxis, Axis>> = {
  rounds: { label: 'Round', format: (value) => (Number.isInteger(value) ? count(value) : '') },
  seconds: { label: 'Time', format: duration },
  bytes: { label: 'Bytes', format: bytes },
}

const SHARES = /(^|\/)(accuracy|recall|precision|f1|singleClass|similarity|usage)(\/|$)|Accuracy\//
/** Whether a metric is a share, 0 to 1. */
export const isShare = (name: string): boolean => SHARES.test(name)

const SHARE_AXIS: Axis = { label: 'Value', format: percent, tick: percentTick }
const NUMBER_AXIS: Axis = { label: 'Value', format: number }
export const axisOf = (name: string): Axis => (isShare(name) ? SHARE_AXIS : NUMBER_AXIS)

const SCORES: Readonly<Record<string, string>> = {
  '': 'Released model',
  'federated/': "Released model, on clients' data",
  'clients/': "Clients' own models, mean",
}
/** What a score is of: the same for accuracy and loss. */
export function scoreLabel(name: string): string {
  const prefix = name.slice(0, name.lastIndexOf('/') + 1)
  return SCORES[prefix] ?? name
}
/** Names of the scores of that kind, the released model's first. */
export const scoresOf = (names: readonly string[], kind: 'accuracy' | 'loss'): readonly string[] =>
  Object.keys(SCORES)
    .map((prefix) => `${prefix}${kind}`)
    .filter((name) => names.includes(name))

/** Metrics that are drawn together: those that differ in their last part alone. */
export interface MetricGroup {
  readonly id: string
  readonly names: readonly string[]
}
/** Most lines that can be told apart. */
const MOST_LINES = 40
/** Of the metrics that are no score of their own, in the order in which they first occur. */
export function groupsOf(names: readonly string[]): readonly MetricGroup[] {
  const scores = new Set([...scoresOf(names, 'accuracy'), ...scoresOf(names, 'loss')])
  const groups = new Map<string, string[]>()
  for (const name of names.filter((one) => !scores.has(one))) {
    const id = name.slice(0, Math.max(0, name.lastIndexOf('/'))) || name
    groups.set(id, [...(groups.get(id) ?? []), name])
  }
  // What is alone is called by its whole name.
  return [...groups].map(([id, members]) => ({
    id: members.length === 1 ? (members[0] ?? id) : id,
    names: members.slice(0, MOST_LINES),
  }))
}
export const partLabel = (name: string, group: MetricGroup): string =>
  group.names.length === 1 ? name : name.slice(group.id.length + 1)

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
