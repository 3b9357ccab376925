/** Pictures an attacker could name without any gradient: what a reconstruction must be better than. Gifd specification §14.2. */
import type { AuditControl } from '#protocol/audit-report.js'
import type { Stream } from '#protocol/random.js'
import { rowSize, type Examples } from '#data/dataset.js'
import { pickFloats } from '#data/formats/floats.js'
import { meanPicture } from '#algorithms/audit/generator/class-means.js'
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import { oneHot } from '#algorithms/tensor/one-hot.js'
import { tf } from '#algorithms/tensor/tf.js'

interface ControlInput {
  /** Public records, at least one. */
  readonly auxiliary: Examples
  /** Of the slots, as the attacks are given them. */
  readonly labels: Int32Array
  /** Null: there is none, and no sample of it. */
  readonly generator: LayeredGenerator | null
  readonly stream: Stream
}

interface ControlPictures {
  readonly name: Exclude<AuditControl['name'], 'placebo'>
  /** [slots, ...inputShape] */
  readonly pictures: Float32Array
}

/** One picture for each slot, by each way of guessing. */
export async function controlPictures(input: ControlInput): Promise<readonly ControlPictures[]> {
  const { generator } = input
  const pictures: ControlPictures[] = [
    { name: 'class-mean', pictures: perSlot(input, meanPicture) },
    { name: 'random-same-class', pictures: perSlot(input, randomRecord(input.stream)) },
  ]
  if (generator !== null) {
    const sample = await generatorSample(generator, input.labels, input.stream)
    pictures.push({ name: 'generator-sample', pictures: sample })
  }
  return pictures
}

type Guess = (examples: Examples) => Float32Array

/** Guesses from the public records of the slot's class; from all, where there are none. */
function perSlot({ auxiliary, labels }: ControlInput, guess: Guess): Float32Array {
  const { source, indices } = auxiliary
  const size = rowSize(source.inputShape)
  const pictures = new Float32Array(labels.length * size)
  labels.forEach((label, slot) => {
    const own = indices.filter((row) => source.labels[row] === label)
    pictures.set(guess({ source, indices: own.length > 0 ? own : indices }), slot * size)
  })
  return pictures
}

const randomRecord =
  (stream: Stream): Guess =>
  ({ source: { features, inputShape }, indices }) => {
    const at = stream.integer(indices.length)
    return pickFloats(features, rowSize(inputShape), indices.subarray(at, at + 1))
  }

async function generatorSample(
  generator: LayeredGenerator,
  labels: Int32Array,
  stream: Stream,
): Promise<Float32Array> {
  const { classes, conditional, latentDim } = generator
  const latents = generator.sample(stream, labels.length)
  const pictures = tf.tidy(() => {
    const z = tf.tensor(latents, [labels.length, latentDim])
    // A class that the generator does not have leaves it unconditioned: a row of zeros.
    return generator.run(0, z, conditional ? oneHot(labels, classes) : null)
  })
  try {
    return Float32Array.from((await pictures.data()) as Float32Array)
  } finally {
    pictures.dispose()
  }
}
