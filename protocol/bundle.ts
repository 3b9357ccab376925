import type { JsonObject } from './json.js'
import type { Hash } from './ids.js'
import type { Result } from './result.js'

export type DType = 'float64' | 'float32' | 'float16' | 'int32' | 'uint8' | 'uint16'
export const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  int32: 4,
  uint8: 1,
  uint16: 2,
}
/** float16 data are held as their bit patterns in a Uint16Array. */
export type TypedArray = Float64Array | Float32Array | Int32Array | Uint8Array | Uint16Array

export interface TensorSpec {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: DType
}
export interface NamedTensor extends TensorSpec {
  readonly data: TypedArray
}

/** Named tensors in one buffer, with small JSON beside them. See docs/protocol.md for the bytes. */
export interface Bundle {
  readonly tensors: readonly TensorSpec[]
  readonly meta: JsonObject
  /** Little-endian, in the order of `tensors`, without gaps. */
  readonly payload: Uint8Array
}
