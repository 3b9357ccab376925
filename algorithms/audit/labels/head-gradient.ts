import { FederationError } from '#protocol/errors.js'
import type { Model } from '#algorithms/models/model.js'

/** Gradient of the last layer, logits = a · kernel + bias. Class c is column c of the kernel. */
export interface HeadGradient {
  readonly features: number
  readonly classes: number
  /** [features, classes], row by row. */
  readonly kernel: Float32Array
  /** [classes]; null: the layer has none. */
  readonly bias: Float32Array | null
  /** False: columns are scaled to length 1 first, and the sums of (4.2) hold roughly at most. */
  readonly isLinear: boolean
}

/** The last layer's part of a gradient, or of an update taken for one; `gradient` is in the order of the model's params. */
export function headGradientOf(model: Model, gradient: readonly Float32Array[]): HeadGradient {
  const head = model.blocks.at(-1)
  const own = gradient.slice(gradient.length - (head?.params.length ?? 0))
  const kernelAt = head?.params.findIndex(({ shape }) => shape.length === 2) ?? -1
  const biasAt = head?.params.findIndex(({ shape }) => shape.length === 1) ?? -1
  const [features, classes] = head?.params[kernelAt]?.shape ?? []
  const kernel = own[kernelAt]
  if (features === undefined || classes === undefined || kernel === undefined) {
    throw new FederationError('internal/bug', `${model.name} does not end in a dense layer`)
  }
  const bias = own[biasAt] ?? null
  return { features, classes, kernel, bias, isLinear: head?.layer?.unitColumns !== true }
}

/** Σ_j of each column: [classes]. */
export function columnSums({ features, classes, kernel }: HeadGradient): Float64Array {
  const sums = new Float64Array(classes)
  for (let j = 0; j < features; j++) {
    for (let c = 0; c < classes; c++) sums[c]! += kernel[j * classes + c]!
  }
  return sums
}

/** min_j of each column: [classes]. */
export function columnMinima({ features, classes, kernel }: HeadGradient): Float64Array {
  const minima = new Float64Array(classes).fill(Infinity)
  for (let j = 0; j < features; j++) {
    for (let c = 0; c < classes; c++) {
      minima[c] = Math.min(minima[c]!, kernel[j * classes + c]!)
    }
  }
  return minima
}
