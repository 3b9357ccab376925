/**
 * Writes any bundle as a safetensors file (https://github.com/huggingface/safetensors), and reads it back: tensors keep their
 * names, and what else the bundle says stands in the file's metadata, so that the bundle that comes back has the same bytes.
 */
import { z } from 'zod'
import {
  BYTES_PER_ELEMENT,
  makeBundle,
  tensorBytes,
  type Bundle,
  type DType,
  type NamedTensor,
  type TensorSpec,
} from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import { metadataOf, readSafetensors } from '#algorithms/models/import/safetensors.js'

const DTYPES = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  int32: 'I32',
  uint8: 'U8',
  uint16: 'U16',
} as const satisfies Readonly<Record<DType, string>>

const FORMAT = 'tributary'
/** The header ends where the values begin: at a multiple of this. */
const ALIGNMENT = 8

interface Placed {
  readonly spec: TensorSpec
  readonly bytes: Uint8Array
}

export function toSafetensors(bundle: Bundle): Uint8Array {
  // Wide elements first, as the format's own library writes them: each tensor begins where its elements may lie in memory.
  const placed = placedTensors(bundle).toSorted(
    (a, b) => BYTES_PER_ELEMENT[b.spec.dtype] - BYTES_PER_ELEMENT[a.spec.dtype],
  )
  const entries: [string, JsonObject][] = []
  let at = 0
  for (const { spec, bytes } of placed) {
    const { name, shape, dtype } = spec
    const data_offsets = [at, at + bytes.length]
    entries.push([name, { dtype: DTYPES[dtype], shape: [...shape], data_offsets }])
    at += bytes.length
  }
  const order = JSON.stringify(bundle.tensors.map(({ name }) => name))
  const metadata = { format: FORMAT, meta: canonicalJson(bundle.meta), order }
  const json = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) })
  const header = Buffer.from(json)
  const padded = Buffer.alloc(Math.ceil(header.length / ALIGNMENT) * ALIGNMENT, ' ')
  header.copy(padded)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  return Buffer.concat([length, padded, ...placed.map(({ bytes }) => bytes)])
}

function placedTensors({ tensors, payload }: Bundle): readonly Placed[] {
  let at = 0
  return tensors.map((spec) => {
    const start = at
    at += tensorBytes(spec)
    return { spec, bytes: payload.subarray(start, at) }
  })
}

const metadataSchema = z.object({
  format: z.literal(FORMAT),
  meta: z.string().transform((text) => JSON.parse(text) as JsonObject),
  order: z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text))),
})
const ARRAYS = {
  ...{ F64: Float64Array, F32: Float32Array, F16: Uint16Array },
  ...{ I32: Int32Array, U8: Uint8Array, U16: Uint16Array },
} as const

/** The bundle that `toSafetensors` wrote; null for a file of somebody else. Throws `model/unreadable` for what is no such file. */
export function bundleInSafetensors(file: Uint8Array): Bundle | null {
  const metadata = metadataOf(file)
  if (metadata['format'] !== FORMAT) return null
  const { meta, order } = parsedMetadata(metadata)
  const tensors = readSafetensors(file)
  const named = order.map((name): NamedTensor => {
    const tensor = tensors.get(name)
    const found = Object.entries(DTYPES).find(([, theirs]) => theirs === tensor?.dtype)
    if (tensor === undefined || found === undefined)
      throw unreadable(`its metadata name a tensor ${name} that it has not`)
    const [dtype, theirs] = found
    const data = new ARRAYS[theirs](new Uint8Array(tensor.bytes).buffer)
    return { name, shape: tensor.shape, dtype: dtype as DType, data }
  })
  if (order.length !== tensors.size)
    throw unreadable('it has tensors that its metadata do not name')
  return makeBundle(named, meta)
}

function parsedMetadata(metadata: unknown): z.output<typeof metadataSchema> {
  try {
    return metadataSchema.parse(metadata)
  } catch (cause) {
    throw unreadable('its metadata are not as tributary writes them', cause)
  }
}

const unreadable = (message: string, cause?: unknown): FederationError =>
  new FederationError('model/unreadable', `No safetensors file of tributary: ${message}`, { cause })
