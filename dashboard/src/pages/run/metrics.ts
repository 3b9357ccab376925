/** How metrics of runs are called, written and put together into charts. */
import type { Curve } from '#protocol/run-views.js'
import { bytes, count, duration } from '../../look/format.js'
import { inOrderOfInterest, metricWords } from '../../look/metric-words.js'
import type { Axis, CurveLine } from '../../parts/curves.js'

/** What curves are drawn against. */
export const X_AXES = ['rounds', 'seconds', 'bytes'] as const
export type XAxis = (typeof X_AXES)[number]
export const X_LABELS: Readonly<Record<XAxis, Axis>> = {
  rounds: { label: 'Round', format: (value) => (Number.isInteger(value) ? count(value) : '') },
  seconds: { label: 'Time', format: duration },
  bytes: { label: 'Bytes', format: bytes },
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

/** Metrics that are drawn together. */
export interface MetricGroup {
  readonly id: string
  readonly label: string
  readonly names: readonly string[]
}
/** Of these, each is told for many things that are alike. */
const FAMILIES: Readonly<Record<string, string>> = {
  recall: 'Recall by class',
  'federated/recall': "Recall by class, on clients' data",
  'accuracy/domain': 'Accuracy by domain',
  'federated/accuracy/domain': "Accuracy by domain, on clients' data",
  'routing/usage': 'Use of pool entries',
  'calibration/virtualLoss': 'Calibration: loss on virtual features',
  'calibration/virtualAccuracy': 'Calibration: accuracy on virtual features',
  'calibration/realLoss': 'Calibration: loss on real data',
  'calibration/realAccuracy': 'Calibration: accuracy on real data',
}
/** Most lines that can be told apart. */
const MOST_LINES = 40
/** Of the metrics that are no score of their own, the most asked for first. */
export function groupsOf(names: readonly string[]): readonly MetricGroup[] {
  const scores = new Set([...scoresOf(names, 'accuracy'), ...scoresOf(names, 'loss')])
  const groups = new Map<string, string[]>()
  for (const name of inOrderOfInterest(names.filter((one) => !scores.has(one)))) {
    const family = name.slice(0, Math.max(0, name.lastIndexOf('/')))
    const id = Object.hasOwn(FAMILIES, family) ? family : name
    groups.set(id, [...(groups.get(id) ?? []), name])
  }
  return [...groups].map(([id, members]) => ({
    id,
    label: FAMILIES[id] ?? metricWords(id).label,
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
