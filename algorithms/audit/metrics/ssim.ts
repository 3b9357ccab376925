/**
 * Structural similarity of pictures in [0, 1]. Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural
 * Similarity", IEEE TIP 13(4), 2004, https://doi.org/10.1109/TIP.2003.819861. Windows of the gifd specification, §13.2.
 */
import { clampedPixel, type PictureShape } from './pictures.js'

const [C1, C2] = [0.01 ** 2, 0.03 ** 2]

/** A separable window: the same weights along both axes, which sum to 1. */
interface Window {
  readonly weights: Float64Array
  /** Outside of the picture is black; else only windows inside it count. */
  readonly pads: boolean
}

function gaussian(size: number, deviation: number): Float64Array {
  const weights = Float64Array.from({ length: size }, (_, i) =>
    Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * deviation ** 2)),
  )
  const sum = weights.reduce((all, one) => all + one, 0)
  return weights.map((weight) => weight / sum)
}

/** 11x11 Gaussian with σ 1.5 over the padded picture; 7x7 uniform inside pictures with a side under 11. */
function windowFor(side: number): Window {
  if (side >= 11) return { weights: gaussian(11, 1.5), pads: true }
  const size = Math.min(7, side)
  return { weights: new Float64Array(size).fill(1 / size), pads: false }
}

/** One channel of a picture. */
interface Plane {
  readonly height: number
  readonly width: number
  readonly values: Float64Array
}

function planesOf(picture: Float32Array, shape: PictureShape): readonly Plane[] {
  const [height = 1, width = 1, channels = 1] = shape
  return Array.from({ length: channels }, (_, channel) => ({
    ...{ height, width },
    values: Float64Array.from({ length: height * width }, (_, i) =>
      clampedPixel(picture[i * channels + channel]!),
    ),
  }))
}

const transposed = ({ height, width, values }: Plane): Plane => ({
  ...{ height: width, width: height },
  values: values.map((_, i) => values[(i % height) * width + Math.floor(i / height)]!),
})

/** Weighted means along rows. */
function smoothedRows({ height, width, values }: Plane, { weights, pads }: Window): Plane {
  const size = weights.length
  const offset = pads ? -((size - 1) / 2) : 0
  const newWidth = pads ? width : width - size + 1
  const smooth = new Float64Array(height * newWidth)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      let sum = 0
      for (let i = 0; i < size; i++) {
        const from = x + i + offset
        if (from >= 0 && from < width) sum += weights[i]! * values[y * width + from]!
      }
      smooth[y * newWidth + x] = sum
    }
  }
  return { height, width: newWidth, values: smooth }
}

const smoothed = (plane: Plane, window: Window): Float64Array =>
  transposed(smoothedRows(transposed(smoothedRows(plane, window)), window)).values

function planeSsim(a: Plane, b: Plane, window: Window): number {
  const times = (left: Plane, right: Plane): Float64Array =>
    smoothed({ ...left, values: left.values.map((value, i) => value * right.values[i]!) }, window)
  const [meanA, meanB] = [smoothed(a, window), smoothed(b, window)]
  const [squareA, squareB, product] = [times(a, a), times(b, b), times(a, b)]
  let sum = 0
  for (let i = 0; i < meanA.length; i++) {
    const [ma, mb] = [meanA[i]!, meanB[i]!]
    const [varianceA, varianceB] = [squareA[i]! - ma ** 2, squareB[i]! - mb ** 2]
    const covariance = product[i]! - ma * mb
    sum +=
      ((2 * ma * mb + C1) * (2 * covariance + C2)) /
      ((ma ** 2 + mb ** 2 + C1) * (varianceA + varianceB + C2))
  }
  return sum / meanA.length
}

/** Mean over positions and channels, in [−1, 1]; 1 for equal pictures. */
export function ssim(a: Float32Array, b: Float32Array, shape: PictureShape): number {
  const window = windowFor(Math.min(shape[0] ?? 1, shape[1] ?? 1))
  const [left, right] = [planesOf(a, shape), planesOf(b, shape)]
  const sum = left.reduce((all, plane, i) => all + planeSsim(plane, right[i]!, window), 0)
  return sum / left.length
}
