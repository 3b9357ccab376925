import sjson from 'secure-json-parse'
import { FederationError } from './errors.js'
import { sha256, type Hash } from './ids.js'
import { canonicalJson, isShallow, type JsonObject } from './json.js'
import { fail, ok, type Result } from './result.js'

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

/** What a decoder accepts at most. */
export interface BundleLimits {
  readonly maxBytes: number
  readonly maxTensors: number
  readonly maxHeaderBytes: number
}
export const BUNDLE_LIMITS: BundleLimits = {
  maxBytes: 2 ** 32,
  maxTensors: 100_000,
  maxHeaderBytes: 16 * 2 ** 20,
}

const MAGIC = 0x31425254 // 'TRB1', little-endian
const PREFIX_BYTES = 8
const ALIGNMENT = 8
const MAX_RANK = 8
const NAME = /^[\x21-\x7e]{1,256}$/
const MAX_META_DEPTH = 32

const ARRAYS = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
} as const

const malformed = (message: string): FederationError =>
  new FederationError('bundle/malformed', message)
const elements = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1)
export const tensorBytes = ({ shape, dtype }: Pick<TensorSpec, 'shape' | 'dtype'>): number =>
  elements(shape) * BYTES_PER_ELEMENT[dtype]

/** Copies the tensors into one payload. Throws `bundle/malformed` for duplicate names or data that do not fill their shape. */
export function makeBundle(tensors: readonly NamedTensor[], meta: JsonObject = {}): Bundle {
  const payload = new Uint8Array(tensors.reduce((total, tensor) => total + tensorBytes(tensor), 0))
  const names = new Set<string>()
  let offset = 0
  for (const tensor of tensors) {
    const { name, shape, dtype, data } = tensor
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    if (!(data instanceof ARRAYS[dtype]) || bytes.length !== tensorBytes(tensor)) {
      throw malformed(
        `Tensor ${name} declares ${dtype} [${shape.join(', ')}], got ${data.constructor.name} of ${data.length}`,
      )
    }
    if (names.has(name) || !NAME.test(name))
      throw malformed(`Tensor name '${name}' is taken or not printable ASCII`)
    names.add(name)
    payload.set(bytes, offset)
    offset += bytes.length
  }
  const specs = tensors.map(({ name, shape, dtype }) => ({ name, shape: [...shape], dtype }))
  return { tensors: specs, meta, payload }
}

/** Deterministic: equal bundles have equal bytes. */
export function encodeBundle({ tensors, meta, payload }: Bundle): Uint8Array {
  const header = Buffer.from(canonicalJson({ meta, tensors }), 'utf8')
  const start = payloadStart(header.length)
  const bytes = new Uint8Array(start + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, header.length, true)
  bytes.set(header, PREFIX_BYTES)
  bytes.set(payload, start)
  return bytes
}
const payloadStart = (headerBytes: number): number =>
  Math.ceil((PREFIX_BYTES + headerBytes) / ALIGNMENT) * ALIGNMENT

export const bundleHash = (bundle: Bundle): Hash => sha256(encodeBundle(bundle))

/**
 * Pure; never throws. The payload is a view of `bytes`. Sizes a peer declared are compared with the bytes that are there
 * before anything is made from them. Only the canonical encoding is accepted: one bundle, one hash.
 */
export function decodeBundle(
  bytes: Uint8Array,
  limits: Partial<BundleLimits> = {},
): Result<Bundle> {
  const { maxBytes, maxTensors, maxHeaderBytes } = { ...BUNDLE_LIMITS, ...limits }
  if (bytes.length > maxBytes) {
    return fail(
      new FederationError(
        'bundle/too-large',
        `A bundle of ${bytes.length} bytes is above the limit of ${maxBytes}`,
      ),
    )
  }
  if (bytes.length < PREFIX_BYTES)
    return fail(malformed(`A bundle has at least ${PREFIX_BYTES} bytes, got ${bytes.length}`))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== MAGIC) return fail(malformed("A bundle starts with 'TRB1'"))
  const headerBytes = view.getUint32(4, true)
  const start = payloadStart(headerBytes)
  if (headerBytes > maxHeaderBytes || start > bytes.length) {
    return fail(malformed(`The header claims ${headerBytes} bytes`))
  }
  if (bytes.subarray(PREFIX_BYTES + headerBytes, start).some((byte) => byte !== 0)) {
    return fail(malformed('The padding before the payload is not zero'))
  }
  const header = parseHeader(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes))
  if (!header.ok) return header
  const problem = tensorsProblem(header.value.tensors, bytes.length - start, maxTensors)
  if (problem !== null) return fail(malformed(problem))
  const payload = new Uint8Array(bytes.buffer, bytes.byteOffset + start, bytes.length - start)
  return ok({ ...header.value, payload })
}

type Header = Pick<Bundle, 'tensors' | 'meta'>

function parseHeader(bytes: Uint8Array): Result<Header> {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let value: unknown
  try {
    value = sjson.parse(source.toString('utf8'), {
      protoAction: 'error',
      constructorAction: 'error',
    })
  } catch (cause) {
    return fail(new FederationError('bundle/malformed', 'The header is not JSON', { cause }))
  }
  if (!isHeader(value))
    return fail(malformed('The header is not {meta, tensors: [{name, shape, dtype}]}'))
  // Bytes, not text: invalid UTF-8 would read as replacement characters and give one bundle two hashes.
  if (!source.equals(Buffer.from(canonicalJson(value), 'utf8')))
    return fail(malformed('The header is not canonical JSON'))
  return ok(value)
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const hasExactly = (value: Record<string, unknown>, keys: readonly string[]): boolean =>
  Object.keys(value).length === keys.length && keys.every((key) => Object.hasOwn(value, key))
const isDType = (value: unknown): value is DType =>
  typeof value === 'string' && Object.hasOwn(BYTES_PER_ELEMENT, value)

function isHeader(value: unknown): value is Header {
  if (!isRecord(value) || !hasExactly(value, ['meta', 'tensors'])) return false
  const { meta, tensors } = value
  return (
    isRecord(meta) &&
    isShallow(meta, MAX_META_DEPTH) &&
    Array.isArray(tensors) &&
    tensors.every(isTensorSpec)
  )
}
function isTensorSpec(value: unknown): value is TensorSpec {
  if (!isRecord(value) || !hasExactly(value, ['dtype', 'name', 'shape'])) return false
  const { name, shape, dtype } = value
  const isShape =
    Array.isArray(shape) &&
    shape.length <= MAX_RANK &&
    shape.every(
      (size) => Number.isSafeInteger(size) && (size as number) >= 0 && !Object.is(size, -0),
    )
  return typeof name === 'string' && NAME.test(name) && isShape && isDType(dtype)
}
function tensorsProblem(
  tensors: readonly TensorSpec[],
  payloadBytes: number,
  maxTensors: number,
): string | null {
  if (tensors.length > maxTensors)
    return `A bundle has at most ${maxTensors} tensors, got ${tensors.length}`
  if (new Set(tensors.map(({ name }) => name)).size !== tensors.length)
    return 'Two tensors have the same name'
  let total = 0
  for (const tensor of tensors) {
    total += tensorBytes(tensor)
    if (!(total <= payloadBytes))
      return `The tensors need more than the ${payloadBytes} bytes that are there`
  }
  return total === payloadBytes
    ? null
    : `The tensors need ${total} bytes, ${payloadBytes} are there`
}

interface Place {
  readonly spec: TensorSpec
  readonly offset: number
}
/** Offsets are found once per bundle: models have few tensors, partial sums of large cohorts have thousands. */
const PLACES = new WeakMap<Bundle, ReadonlyMap<string, Place>>()
function placesOf(bundle: Bundle): ReadonlyMap<string, Place> {
  const known = PLACES.get(bundle)
  if (known !== undefined) return known
  let offset = 0
  const places = new Map<string, Place>()
  for (const spec of bundle.tensors) {
    places.set(spec.name, { spec, offset })
    offset += tensorBytes(spec)
  }
  PLACES.set(bundle, places)
  return places
}

export const hasTensor = (bundle: Bundle, name: string): boolean => placesOf(bundle).has(name)

/** A view where the bytes are aligned for the dtype, else a copy. Throws `bundle/malformed` when there is no such tensor. */
export function tensorOf(bundle: Bundle, name: string): NamedTensor {
  const place = placesOf(bundle).get(name)
  if (place === undefined) throw malformed(`The bundle has no tensor '${name}'`)
  const { spec, offset } = place
  return {
    ...spec,
    data: typedView(bundle.payload.subarray(offset, offset + tensorBytes(spec)), spec.dtype),
  }
}
/** Every tensor, in order. */
export const tensorsOf = (bundle: Bundle): readonly NamedTensor[] =>
  bundle.tensors.map(({ name }) => tensorOf(bundle, name))

function typedView(bytes: Uint8Array, dtype: DType): TypedArray {
  const size = BYTES_PER_ELEMENT[dtype]
  // The constructor copies; `slice` of a Buffer would not.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  return new ARRAYS[dtype](
    aligned.buffer as ArrayBuffer,
    aligned.byteOffset,
    aligned.byteLength / size,
  )
}

function dataOf<Expected extends DType>(bundle: Bundle, name: string, dtype: Expected): TypedArray {
  const tensor = tensorOf(bundle, name)
  if (tensor.dtype !== dtype) throw malformed(`Tensor ${name} is ${tensor.dtype}, not ${dtype}`)
  return tensor.data
}
export const float32Of = (bundle: Bundle, name: string): Float32Array =>
  dataOf(bundle, name, 'float32') as Float32Array
export const float64Of = (bundle: Bundle, name: string): Float64Array =>
  dataOf(bundle, name, 'float64') as Float64Array
export const int32Of = (bundle: Bundle, name: string): Int32Array =>
  dataOf(bundle, name, 'int32') as Int32Array

/** The whole payload as one flat array. Throws `bundle/malformed` unless every tensor is float32. */
export function payloadFloat32(bundle: Bundle): Float32Array {
  const other = bundle.tensors.find(({ dtype }) => dtype !== 'float32')
  if (other !== undefined) throw malformed(`Tensor ${other.name} is ${other.dtype}, not float32`)
  return typedView(bundle.payload, 'float32') as Float32Array
}

/** Bundles in one: tensors as `part/name`, meta under the part's key. Parts in the order of their keys. */
export function nestBundles(parts: Readonly<Record<string, Bundle>>): Bundle {
  const names = Object.keys(parts).sort()
  const nested = names.find((part) => part.includes('/'))
  if (nested !== undefined) throw malformed(`The name of a part has no '/', got '${nested}'`)
  const tensors = names.flatMap((part) =>
    tensorsOf(parts[part]!).map((tensor) => ({ ...tensor, name: `${part}/${tensor.name}` })),
  )
  return makeBundle(tensors, Object.fromEntries(names.map((part) => [part, parts[part]!.meta])))
}

/** The inverse of `nestBundles` for one part. Throws `bundle/malformed` when there is no such part. */
export function partOf(bundle: Bundle, part: string): Bundle {
  const meta = Object.hasOwn(bundle.meta, part) ? bundle.meta[part] : undefined
  if (!isRecord(meta)) throw malformed(`The bundle has no part '${part}'`)
  const prefix = `${part}/`
  const tensors = tensorsOf(bundle)
    .filter(({ name }) => name.startsWith(prefix))
    .map((tensor) => ({ ...tensor, name: tensor.name.slice(prefix.length) }))
  return makeBundle(tensors, meta)
}

/** Names of the parts that a bundle was nested from, sorted. */
export const partNames = ({ meta }: Bundle): readonly string[] =>
  Object.keys(meta)
    .filter((part) => isRecord(meta[part]))
    .sort()

/** The same bundle with one part replaced or added. */
export function withPart(bundle: Bundle, part: string, replacement: Bundle): Bundle {
  const others = partNames(bundle).filter((name) => name !== part)
  const kept = Object.fromEntries(others.map((name) => [name, partOf(bundle, name)]))
  return nestBundles({ ...kept, [part]: replacement })
}
