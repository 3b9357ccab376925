import { encodeBundle, makeBundle, type NamedTensor, type TypedArray } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { TaskMessage } from '#protocol/messages.js'
import { createStreams } from '#protocol/random.js'
import { uplinkName } from '#protocol/uplink.js'

type Group = TaskMessage['uplink'][number]

/** Values of this size at most: any grid takes them. */
const LARGEST = 1e-3

/**
 * Makes updates as a task declares them: random numbers, for nothing real consists of zeros, and no two alike, for equal
 * bytes would be stored once. Throws `algorithm/failed` for an uplink that is not float32 throughout.
 */
export class RandomUpdates {
  readonly #template: Uint8Array
  readonly #firstValue: number

  constructor(uplink: readonly Group[], seed: number) {
    const stream = createStreams(seed)('load', 0, 0)
    const bundle = makeBundle(
      uplink.flatMap((group) => group.tensors.map((tensor) => filled(group, tensor, stream))),
    )
    this.#template = encodeBundle(bundle)
    this.#firstValue = this.#template.length - bundle.payload.length
  }

  get bytes(): number {
    return this.#template.length
  }
  /** The update number `index`. */
  make(index: number): Uint8Array {
    const bytes = this.#template.slice()
    const value = (LARGEST * (index + 1)) / (index + 2)
    new DataView(bytes.buffer).setFloat32(this.#firstValue, value, true)
    return bytes
  }
}

function filled(
  group: Group,
  { name, shape, dtype }: Group['tensors'][number],
  stream: { uniform(): number },
): NamedTensor {
  const sizes = shape.map((size) => size ?? 0)
  if (dtype !== 'float32' || sizes.includes(0)) {
    const message = `The load generator makes float32 updates; ${group.name}/${name} is ${dtype}`
    throw new FederationError('algorithm/failed', message)
  }
  const data: TypedArray = new Float32Array(sizes.reduce((product, size) => product * size, 1))
  for (let i = 0; i < data.length; i += 1) data[i] = (2 * stream.uniform() - 1) * LARGEST
  return { name: uplinkName(group.name, name), shape: sizes, dtype, data }
}
