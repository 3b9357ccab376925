/** Distances of pictures, row-major [height, width, channels], clamped to [0, 1] first. Gifd specification §13. */
import { rowSize } from '#data/dataset.js'

/** [height, width, channels] */
export type PictureShape = readonly number[]

export const clampedPixel = (value: number): number => Math.min(1, Math.max(0, value))

/** Mean over all pixels and channels of the squared difference. */
export function meanSquaredError(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (clampedPixel(a[i]!) - clampedPixel(b[i]!)) ** 2
  return sum / a.length
}

/** What equal pictures get, so that a report holds no infinity (§13.1). */
export const PSNR_CAP = 99

/** Peak signal-to-noise ratio in dB, at most `PSNR_CAP`. */
export const psnrOf = (error: number): number =>
  error === 0 ? PSNR_CAP : Math.min(PSNR_CAP, -10 * Math.log10(error))

/** Peak signal-to-noise ratio in dB of values in [0, 1]. */
export const psnr = (a: Float32Array, b: Float32Array): number => psnrOf(meanSquaredError(a, b))

/** ‖x̂ − x‖ / ‖x‖; of a black picture the numerator alone. Not clamped. */
export function relativeError(reconstruction: Float32Array, truth: Float32Array): number {
  let [difference, norm] = [0, 0]
  for (let i = 0; i < truth.length; i++) {
    difference += (reconstruction[i]! - truth[i]!) ** 2
    norm += truth[i]! ** 2
  }
  return Math.sqrt(difference) / (norm === 0 ? 1 : Math.sqrt(norm))
}

/** The pictures of a batch [batch, ...shape], one by one; views, not copies. */
export function picturesOf(batch: Float32Array, shape: PictureShape): readonly Float32Array[] {
  const size = rowSize(shape)
  return Array.from({ length: batch.length / size }, (_, i) =>
    batch.subarray(i * size, (i + 1) * size),
  )
}

/** Pictures of one size, one after another. */
export function joined(pictures: readonly Float32Array[]): Float32Array {
  const size = pictures[0]?.length ?? 0
  const batch = new Float32Array(pictures.length * size)
  pictures.forEach((picture, i) => batch.set(picture, i * size))
  return batch
}
