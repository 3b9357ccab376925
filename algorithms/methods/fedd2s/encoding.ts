/** How features travel: as they are, as halves, or as bytes between the ends of their row (fedd2s specification §5.2). */
import type { NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { fromFloat16, toFloat16 } from '#protocol/float16.js'
import type { FedD2SHyper } from './hyper.js'
import { FEATURES, RANGE } from './wire.js'

type Quantization = FedD2SHyper['quantization']

/** Largest finite half; larger features stop there. */
const LARGEST_HALF = 65504
const STEPS = 255

/** `values` [rows, width] as the tensors `features` and, for uint8, `range` (smallest and largest value of each row). */
export function encodedFeatures(
  values: Float32Array,
  width: number,
  quantization: Quantization,
): readonly NamedTensor[] {
  const rows = values.length / width
  const features = { name: FEATURES, shape: [rows, width] }
  if (quantization === 'none') return [{ ...features, dtype: 'float32', data: values }]
  if (quantization === 'float16') {
    const held = values.map((value) => Math.max(-LARGEST_HALF, Math.min(LARGEST_HALF, value)))
    return [{ ...features, dtype: 'float16', data: toFloat16(held) }]
  }
  const data = new Uint8Array(values.length)
  const range = new Float32Array(2 * rows)
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * width, (row + 1) * width)
    const [least, most] = endsOf(own)
    range.set([least, most], 2 * row)
    if (most > least) {
      own.forEach((value, i) => {
        data[row * width + i] = Math.round(((value - least) / (most - least)) * STEPS)
      })
    }
  }
  return [
    { ...features, dtype: 'uint8', data },
    { name: RANGE, shape: [rows, 2], dtype: 'float32', data: range },
  ]
}

function endsOf(values: Float32Array): readonly [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    if (value < least) least = value
    if (value > most) most = value
  }
  return [least, most]
}

/**
 * The inverse of `encodedFeatures`, as far as there is one. Throws `update/malformed` for tensors that it cannot have made,
 * `update/not-finite` for a feature that is no number.
 */
export function decodedFeatures(
  tensors: Readonly<Record<string, NamedTensor>>,
  quantization: Quantization,
): Float32Array {
  const features = tensors[FEATURES]
  const dtype = quantization === 'none' ? 'float32' : quantization
  if (features === undefined || features.dtype !== dtype)
    throw malformed(`Features are not ${dtype}`)
  const values = valuesOf(features, tensors[RANGE])
  if (values.some((value) => !Number.isFinite(value)))
    throw new FederationError('update/not-finite', 'A feature is not a finite number')
  return values
}

function valuesOf({ dtype, data, shape }: NamedTensor, range: NamedTensor | undefined) {
  if (dtype === 'float16') return fromFloat16(data as Uint16Array)
  if (dtype !== 'uint8') return data as Float32Array
  const [rows = 0, width = 0] = shape
  if (range?.dtype !== 'float32' || range.data.length !== 2 * rows)
    throw malformed('Features have no range for each row')
  return Float32Array.from(data, (step, i) => {
    const row = Math.floor(i / width)
    const [least, most] = [range.data[2 * row]!, range.data[2 * row + 1]!]
    if (most < least) throw malformed(`The range of row ${row} ends before it begins`)
    return least + (step / STEPS) * (most - least)
  })
}

const malformed = (message: string): FederationError =>
  new FederationError('update/malformed', message)
