/** Features of labelled examples, class by class. Every class counts the same, however many examples it has. */
import { addProducts } from '#algorithms/calibration/ccvr/merge.js'
import { triangle } from '#algorithms/matrix/packed.js'
import { eigenvaluesOf } from '#algorithms/matrix/spectrum.js'
import { dot, middleOf, packedProducts, type ClassFeatures, type Within } from './collapse.js'

/** Row by row, [examples, d], and the label of each. */
export interface LabelledFeatures {
  readonly values: Float32Array | Float64Array
  readonly labels: ArrayLike<number>
}

interface Classes extends Omit<ClassFeatures, 'within'> {
  /** By label: its place among those that occur. */
  readonly placeOf: ReadonlyMap<number, number>
  /** Examples of each. */
  readonly counts: readonly number[]
}

/** Means of the classes that occur, and how features spread around them. At least one example. */
export function classFeatures(features: LabelledFeatures): ClassFeatures & Classes {
  const classes = classesOf(features)
  const isSpread = classes.counts.some((count) => count > 1)
  return { ...classes, within: isSpread ? withinClasses(features, classes) : null }
}

function classesOf({ values, labels }: LabelledFeatures): Classes {
  const d = values.length / labels.length
  const present = [...new Set(Array.from(labels))].sort((a, b) => a - b)
  const placeOf = new Map(present.map((label, place) => [label, place]))
  const counts = present.map(() => 0)
  const means = present.map(() => new Float64Array(d))
  for (let row = 0; row < labels.length; row++) {
    const place = placeOf.get(labels[row]!)!
    counts[place]! += 1
    for (let i = 0; i < d; i++) means[place]![i]! += values[row * d + i]!
  }
  means.forEach((mean, place) => mean.forEach((sum, i) => (mean[i] = sum / counts[place]!)))
  return { labels: present, means, placeOf, counts }
}

/** Each example, its class, and what it counts in a mean over classes of means over their examples. */
function* rowsOf({ values, labels }: LabelledFeatures, { placeOf, counts }: Classes) {
  const d = values.length / labels.length
  for (let row = 0; row < labels.length; row++) {
    const place = placeOf.get(labels[row]!)!
    const share = 1 / (counts.length * counts[place]!)
    yield { feature: values.subarray(row * d, (row + 1) * d), place, share }
  }
}

function withinClasses(features: LabelledFeatures, classes: Classes): Within {
  const { means } = classes
  let trace = 0
  for (const { feature, place, share } of rowsOf(features, classes)) {
    const mean = means[place]!
    for (let i = 0; i < mean.length; i++) trace += share * (feature[i]! - mean[i]!) ** 2
  }
  return {
    trace,
    along(u) {
      const centres = means.map((mean) => dot(u, mean))
      let sum = 0
      for (const { feature, place, share } of rowsOf(features, classes))
        sum += share * (dot(u, feature) - centres[place]!) ** 2
      return sum
    },
  }
}

/** Eigenvalues of Σ_T = Σ_W + Σ_B = Z Zᵀ, with a column of Z for each example: by the smaller of Z Zᵀ and Zᵀ Z. */
export function spectrum(features: LabelledFeatures, classes: Classes): Float64Array {
  const middle = middleOf(classes.means)
  const [d, examples] = [middle.length, features.labels.length]
  const columns = Array.from(rowsOf(features, classes), ({ feature, share }) =>
    Float64Array.from(feature, (value, i) => (value - middle[i]!) * Math.sqrt(share)),
  )
  if (examples < d) return eigenvaluesOf(packedProducts(columns), examples)
  const total = new Float64Array(triangle(d))
  for (const column of columns) addProducts(total, column, { weight: 1, shape: 'full' })
  return eigenvaluesOf(total, d)
}

/** Mean L2 norm. */
export function meanNorm({ values, labels }: LabelledFeatures): number {
  const d = values.length / labels.length
  let total = 0
  for (let at = 0; at < values.length; at += d) {
    const feature = values.subarray(at, at + d)
    total += Math.sqrt(dot(feature, feature))
  }
  return total / labels.length
}

/** Share of the features that are the same for every example. */
export function deadShare({ values, labels }: LabelledFeatures): number {
  const d = values.length / labels.length
  const dead = new Set(Array.from({ length: d }, (_, i) => i))
  for (let at = d; at < values.length; at++) {
    if (values[at] !== values[at % d]) dead.delete(at % d)
  }
  return dead.size / d
}
