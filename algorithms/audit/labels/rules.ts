/** Rules that read labels off the last layer's gradient and need nothing else. Gifd specification §4.1, §4.2, §4.3. */
import { columnMinima, type HeadGradient } from './head-gradient.js'

interface RuledLabel {
  readonly label: number
  /**
   * False: the gradient is none that a single record gives, so noise or another defence is in it. True says nothing where noise
   * was added, which can look like such a gradient.
   */
  readonly isCertain: boolean
}

/** Batch of one, by the bias: the only class with a negative entry (§4.1). The smallest entry where there is not exactly one. */
export function biasRule(bias: ArrayLike<number>): RuledLabel {
  let label = 0
  let negative = 0
  for (let c = 0; c < bias.length; c++) {
    if (bias[c]! < bias[label]!) label = c
    if (bias[c]! < 0) negative += 1
  }
  return { label, isCertain: negative === 1 }
}

/**
 * Batch of one, without a bias: columns are multiples of one vector, negative for the label only, so its column has no
 * positive inner product with another (§4.1). Under noise: the column with the smallest sum of them.
 */
export function innerProductRule(head: HeadGradient): RuledLabel {
  const { classes } = head
  const products = gram(head)
  let best = { label: 0, sum: Infinity }
  let candidates = 0
  for (let c = 0; c < classes; c++) {
    let sum = 0
    let positive = 0
    for (let other = 0; other < classes; other++) {
      if (other === c) continue
      const product = products[c * classes + other]!
      sum += product
      if (product > 0) positive += 1
    }
    if (positive === 0 && products[c * classes + c]! > 0) candidates += 1
    if (sum < best.sum) best = { label: c, sum }
  }
  return { label: best.label, isCertain: head.isLinear && candidates === 1 }
}

/** Inner products of all columns: [classes, classes]. */
function gram({ features, classes, kernel }: HeadGradient): Float64Array {
  const products = new Float64Array(classes * classes)
  for (let j = 0; j < features; j++) {
    for (let a = 0; a < classes; a++) {
      const left = kernel[j * classes + a]!
      for (let b = 0; b < classes; b++) {
        products[a * classes + b]! += left * kernel[j * classes + b]!
      }
    }
  }
  return products
}

/** The `batch` classes with the smallest values, ascending; at most as many as there are. */
const smallest = (values: ArrayLike<number>, batch: number): Int32Array =>
  Int32Array.from(values, (_, c) => c)
    .sort((a, b) => values[a]! - values[b]! || a - b)
    .slice(0, batch)
    .sort()

/**
 * Distinct labels, features that are not negative: the smallest column minima. H. Yin et al., "See through Gradients: Image
 * Batch Recovery via GradInversion", CVPR 2021, https://arxiv.org/abs/2104.07586 (§4.2).
 */
export const minRule = (head: HeadGradient, batch: number): Int32Array =>
  smallest(columnMinima(head), batch)

/**
 * Repeated labels, by the bias alone (§4.3, the greedy rule of https://github.com/JonasGeiping/breaching): one label for every
 * class with a negative entry; each label taken accounts for m = (sum of the negative entries) / batch; then the smallest
 * entry takes the next.
 */
export function greedyRule(bias: ArrayLike<number>, batch: number): Int32Array {
  const left = Float64Array.from(bias)
  const negative = smallest(left, left.length).filter((c) => left[c]! < 0)
  const first = [...negative].sort((a, b) => left[a]! - left[b]!).slice(0, batch)
  const sum = first.reduce((all, c) => all + left[c]!, 0)
  // Without a negative entry, which only a defence brings about, each label accounts for the most that one can.
  const impact = (first.length === 0 ? -1 : sum) / batch
  const labels = [...first]
  for (const c of first) left[c]! -= impact
  while (labels.length < batch) {
    const { label } = biasRule(left)
    labels.push(label)
    left[label]! -= impact
  }
  return Int32Array.from(labels).sort()
}
