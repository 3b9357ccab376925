/** What stands before a model's first dense layer: nothing but a rearrangement and a scaling of pixels, or something to invert. */
import type { Model } from '#algorithms/models/model.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** A dense layer with a bias. */
export interface DensePlace {
  /** Of its block. */
  readonly block: number
  /** Of its kernel among the model's params; the bias is next. */
  readonly kernel: number
}

/** The first of them that takes vectors; null: the model has none. */
export function firstDense({ blocks }: Pick<Model, 'blocks'>): DensePlace | null {
  let kernel = 0
  for (const [block, { params, inputShape }] of blocks.entries()) {
    const [first, second] = params
    const isDense = params.length === 2 && first?.name === 'kernel' && second?.name === 'bias'
    if (isDense && inputShape.length === 1 && first.shape.length === 2) return { block, kernel }
    kernel += params.length
  }
  return null
}

/** What enters the dense layer: [batch, inputs]. Call inside tf.tidy. */
export const featuresOf = (
  model: Model,
  params: readonly Tensor[],
  { block, x }: { readonly block: number; readonly x: Tensor },
): Tensor => model.forward(params, x, { to: block })

/** Picture to features, feature by feature: f = offset + slope · x. */
export interface PixelMap {
  readonly offset: Float32Array
  readonly slope: Float32Array
}

/** Numbers between 0 and 1 without a pattern. */
const PROBE = (i: number): number => (i * 0.618_033_988_75 + 0.3) % 1
const TOLERANCE = 1e-4

/**
 * How features come from pixels where each comes from the pixel in its place by the same rule as ever; null where they do not.
 * Tried out with three pictures.
 */
export async function pixelMap(
  model: Model,
  params: readonly Tensor[],
  block: number,
): Promise<PixelMap | null> {
  const size = tf.util.sizeFromShape([...model.inputShape])
  const at = async (pixel: (i: number) => number): Promise<Float32Array> => {
    const picture = Float32Array.from({ length: size }, (_, i) => pixel(i))
    const features = tf.tidy(() =>
      featuresOf(model, params, { block, x: tf.tensor(picture, [1, ...model.inputShape]) }),
    )
    const values = Float32Array.from((await features.data()) as Float32Array)
    features.dispose()
    return values
  }
  const offset = await at(() => 0)
  if (offset.length !== size) return null
  const one = await at(() => 1)
  const slope = one.map((value, i) => value - offset[i]!)
  const probed = await at(PROBE)
  const isLinear = probed.every((value, i) => {
    const expected = offset[i]! + slope[i]! * PROBE(i)
    return slope[i] !== 0 && Math.abs(value - expected) <= TOLERANCE * Math.abs(slope[i]!)
  })
  return isLinear ? { offset, slope } : null
}

/** The picture with these features; a feature that is not known leaves its pixel black. */
export const pixelsOf = ({ offset, slope }: PixelMap, features: Float32Array): Float32Array =>
  features.map((value, i) => (Number.isNaN(value) ? 0 : (value - offset[i]!) / slope[i]!))
