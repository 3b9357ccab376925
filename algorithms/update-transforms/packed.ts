/**
 * How a group travels that transforms made small: zeros do not travel, and few bits tell a number (`Packing` of
 * protocol/uplink.ts). What arrives is taken apart before anything looks at it, bit for bit as it left the transforms.
 */
import { tensorOf, type Bundle, type NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { uplinkName, type Packing, type UplinkGroup, type UplinkTensor } from '#protocol/uplink.js'
import { packBits, packGaps, unpackBits, unpackGaps } from './bit-packing.js'
import { codeOf, levelsOf, valueOf } from './codes.js'
import { largestOf } from './norm.js'
import type { ConfiguredTransform } from './update-transform.js'

const PLACES = '#places'
const PEAKS = '#peaks'
const VALUES = '#values'
const FLOAT_BITS = 32
/** A place takes about a byte. */
const PLACE_BITS = 8

/** The form in which what these transforms leave is smallest; null: tensor by tensor, as without them. */
export function packingFor(transforms: readonly ConfiguredTransform[]): Packing | null {
  let share = 1
  for (const { transform, options } of transforms) {
    share = Math.min(share, transform.keeps?.(options) ?? 1)
    // After noise no number is zero.
    if ((transform.noise?.(options) ?? 0) > 0) share = 1
  }
  const last = transforms.at(-1)
  const bits = last?.transform.bits?.(last.options)
  const width = bits ?? FLOAT_BITS
  const isSparse = share * (width + PLACE_BITS) < width
  if (!isSparse && bits === undefined) return null
  return {
    ...(isSparse ? { places: true as const } : {}),
    ...(bits === undefined ? {} : { bits }),
  }
}

/** A packed group's tensors as they travel, without the prefix. */
export function packedGroup(
  tensors: readonly NamedTensor[],
  { places, bits }: Packing,
): readonly NamedTensor[] {
  const parts = tensors.map(({ data }) => data as Float32Array)
  const peaks = Float32Array.from(parts, largestOf)
  const flat = joined(
    bits === undefined ? parts : parts.map((part, i) => coded(part, peaks[i]!, bits)),
  )
  const kept = places === true ? flat.filter((value) => value !== 0) : flat
  return [
    ...(places === true ? [bytes(PLACES, packGaps(flat))] : []),
    ...(bits === undefined
      ? [floats(VALUES, kept)]
      : [
          floats(PEAKS, peaks),
          bytes(
            VALUES,
            packBits(
              kept.map((code) => code + levelsOf(bits)),
              bits,
            ),
          ),
        ]),
  ]
}

const coded = (part: Float32Array, peak: number, bits: number): Float32Array =>
  part.map((value) => codeOf(value, { peak, bits }))

const bytes = (name: string, data: Uint8Array): NamedTensor => ({
  ...{ name, shape: [data.length], dtype: 'uint8', data },
})
const floats = (name: string, data: Float32Array): NamedTensor => ({
  ...{ name, shape: [data.length], dtype: 'float32', data },
})

function joined(parts: readonly Float32Array[]): Float32Array {
  const flat = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    flat.set(part, at)
    at += part.length
  }
  return flat
}

/** A packed group's tensors as they are declared, with the prefix. Throws `update/malformed` when it is not packed so. */
export function unpackedGroup(update: Bundle, group: UplinkGroup): readonly NamedTensor[] {
  const { name, tensors, packed = {} } = group
  const sizes = tensors.map(sizeOf)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const sent = sentTensors(update, name, packed)
  const places =
    packed.places === true ? unpackGaps(sent(PLACES, 'uint8') as Uint8Array, total) : null
  const count = places?.length ?? total
  const numbers = numbersIn(sent(VALUES, packed.bits === undefined ? 'float32' : 'uint8'), {
    ...{ name, count, bits: packed.bits },
  })
  const flat = places === null ? numbers : scattered(numbers, places, total)
  const peaks = packed.bits === undefined ? null : (sent(PEAKS, 'float32') as Float32Array)
  if (peaks !== null && peaks.length !== tensors.length)
    throw malformed(`Group ${name}: expected ${tensors.length} numbers in ${PEAKS}`)
  let at = 0
  return tensors.map(({ name: tensor, shape }, i) => {
    const own = flat.subarray(at, (at += sizes[i]!))
    const data = peaks === null ? own : decoded(own, peaks[i]!, packed.bits!)
    return {
      ...{
        name: uplinkName(name, tensor),
        shape: shape.map((d) => d ?? 0),
        dtype: 'float32',
        data,
      },
    }
  })
}

const decoded = (codes: Float32Array, peak: number, bits: number): Float32Array =>
  codes.map((code) => valueOf(code, { peak, bits }))

const sizeOf = ({ shape }: UplinkTensor): number =>
  shape.reduce<number>((product, size) => product * (size ?? 0), 1)

/** Finds what must be there, and nothing else may be. */
function sentTensors(update: Bundle, group: string, { places, bits }: Packing) {
  const expected = [
    ...(places === true ? [PLACES] : []),
    ...(bits === undefined ? [] : [PEAKS]),
    VALUES,
  ].map((name) => uplinkName(group, name))
  const own = update.tensors.filter(({ name }) => name.startsWith(`${group}/`))
  if (own.map(({ name }) => name).join() !== expected.join())
    throw malformed(`Group ${group}: expected the tensors ${expected.join(', ')}`)
  return (name: string, dtype: 'float32' | 'uint8'): Float32Array | Uint8Array => {
    const spec = own.find((one) => one.name === uplinkName(group, name))
    if (spec?.dtype !== dtype || spec.shape.length !== 1)
      throw malformed(`Tensor ${uplinkName(group, name)}: expected a list of ${dtype}`)
    return tensorOf(update, spec.name).data as Float32Array | Uint8Array
  }
}

interface Numbers {
  readonly name: string
  readonly count: number
  readonly bits: number | undefined
}
/** As many as must be there: values, or codes around zero. */
function numbersIn(sent: Float32Array | Uint8Array, { name, count, bits }: Numbers): Float32Array {
  const length = bits === undefined ? count : Math.ceil((count * bits) / 8)
  if (sent.length !== length)
    throw malformed(`Group ${name}: expected ${length} elements in ${VALUES}, got ${sent.length}`)
  if (bits === undefined) return sent as Float32Array
  const levels = levelsOf(bits)
  const codes = unpackBits(sent as Uint8Array, { bits, count })
  if (codes.some((code) => code > 2 * levels))
    throw malformed(`Group ${name}: a code of ${VALUES} is beyond ${2 * levels}`)
  return codes.map((code) => code - levels)
}

function scattered(values: Float32Array, places: Int32Array, total: number): Float32Array {
  const flat = new Float32Array(total)
  for (let i = 0; i < places.length; i++) flat[places[i]!] = values[i]!
  return flat
}

const malformed = (message: string): FederationError =>
  new FederationError('update/malformed', message)
