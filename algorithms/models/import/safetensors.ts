/**
 * Reads the safetensors format (https://github.com/huggingface/safetensors): eight bytes with the length of a JSON header,
 * the header { name: { dtype, shape, data_offsets } }, then the values of all tensors, little-endian, without gaps.
 */
import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import { fromFloat16 } from '#protocol/float16.js'

const BYTES = {
  ...{ F64: 8, F32: 4, F16: 2, BF16: 2 },
  ...{ I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1 },
} as const
type Dtype = keyof typeof BYTES

const offset = z.int().min(0)
const tensorSchema = z.strictObject({
  dtype: z.enum(Object.keys(BYTES) as [Dtype, ...Dtype[]]),
  shape: z.array(offset).max(8),
  data_offsets: z.tuple([offset, offset]),
})
const metadataSchema = z.record(z.string(), z.string())

export interface SafeTensor {
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** A view of the file. */
  readonly bytes: Uint8Array
}

const PREFIX_BYTES = 8
const MAX_HEADER_BYTES = 100_000_000

const unreadable = (message: string, cause?: unknown): FederationError =>
  new FederationError('model/unreadable', `No safetensors file: ${message}`, { cause })

/** The tensors of a file by name. Throws `model/unreadable` for bytes that are anything but one whole file. */
export function readSafetensors(file: Uint8Array): ReadonlyMap<string, SafeTensor> {
  const header = headerOf(file)
  const values = file.subarray(PREFIX_BYTES + header.length)
  const tensors = Object.entries(parsed(header))
    .filter(([name, entry]) => !isMetadata(name, entry))
    .map(([name, entry]) => tensorOf(name, entry, values))
  assertNoGaps(tensors, values)
  return new Map(tensors.map((tensor) => [tensor.name, tensor]))
}

/** What the file says of itself; empty where it says nothing. Throws as `readSafetensors`. */
export function metadataOf(file: Uint8Array): Readonly<Record<string, string>> {
  const own = Object.entries(parsed(headerOf(file))).find(([name, entry]) =>
    isMetadata(name, entry),
  )
  return metadataSchema.parse(own?.[1] ?? {})
}

function headerOf(file: Uint8Array): Uint8Array {
  if (file.length < PREFIX_BYTES) throw unreadable(`it has ${file.length} bytes`)
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true)
  if (length > MAX_HEADER_BYTES || PREFIX_BYTES + Number(length) > file.length) {
    throw unreadable(`its header would have ${length} bytes, and the file has ${file.length}`)
  }
  return file.subarray(PREFIX_BYTES, PREFIX_BYTES + Number(length))
}

function parsed(header: Uint8Array): object {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(header)
    const value: unknown = JSON.parse(text)
    if (text.startsWith('{') && typeof value === 'object' && value !== null) return value
  } catch (cause) {
    throw unreadable('its header is not JSON', cause)
  }
  throw unreadable('its header is no JSON object')
}

function isMetadata(name: string, entry: unknown): boolean {
  if (name !== '__metadata__') return false
  if (metadataSchema.safeParse(entry).success) return true
  throw unreadable('__metadata__ holds something else than texts')
}

function tensorOf(name: string, entry: unknown, values: Uint8Array): SafeTensor {
  const result = tensorSchema.safeParse(entry)
  if (!result.success) throw unreadable(`tensor ${name}: ${z.prettifyError(result.error)}`)
  const { dtype, shape } = result.data
  const [begin, end] = result.data.data_offsets
  const expected = shape.reduce((product, size) => product * size, BYTES[dtype])
  if (end > values.length || end - begin !== expected) {
    throw unreadable(
      `tensor ${name}, ${dtype} [${shape.join(', ')}], needs ${expected} bytes; it claims ${begin} to ${end} of ${values.length}`,
    )
  }
  return { name, dtype, shape, bytes: values.subarray(begin, end) }
}

/** Every byte belongs to one tensor: nothing is hidden, and nothing is read twice. */
function assertNoGaps(tensors: readonly SafeTensor[], values: Uint8Array): void {
  const inOrder = tensors.toSorted(
    (a, b) => a.bytes.byteOffset - b.bytes.byteOffset || a.bytes.length - b.bytes.length,
  )
  let at = values.byteOffset
  for (const { name, bytes } of inOrder) {
    if (bytes.byteOffset !== at) throw unreadable(`tensor ${name} overlaps another or leaves a gap`)
    at += bytes.length
  }
  const rest = values.byteOffset + values.length - at
  if (rest !== 0) throw unreadable(`its last ${rest} bytes belong to no tensor`)
}

/** Values in float32, a copy. Throws `model/unreadable` for types that are not F32, F16 or BF16. */
export function valuesOf({ name, dtype, bytes }: SafeTensor): Float32Array {
  // Not slice: that of a Buffer shares memory.
  const { buffer } = new Uint8Array(bytes)
  if (dtype === 'F32') return new Float32Array(buffer)
  const halves = new Uint16Array(BYTES[dtype] === 2 ? buffer : [])
  if (dtype === 'F16') return fromFloat16(halves)
  // bfloat16 is the upper half of a float32.
  if (dtype === 'BF16')
    return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer)
  throw unreadable(`tensor ${name} is ${dtype}; weights are F32, F16 or BF16`)
}
