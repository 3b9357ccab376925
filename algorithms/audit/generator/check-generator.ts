/**
 * A generator of the user's own, held against what attacks rely on: a wrong one would not fail, it would make an audit look
 * harmless. Gifd specification §7.2; docs/generators.md.
 */
import { FederationError } from '#protocol/errors.js'
import { createStreams } from '#protocol/random.js'
import { oneHot } from '#algorithms/tensor/one-hot.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { layeredGenerator, type GeneratorParts } from './generator-blocks.js'
import type { LayeredGenerator } from './layered-generator.js'

const BATCH = 4
/** Of a picture computed alone and among others, or from its features: rounding only. */
const ROUNDING = 1e-5
/** Mean difference of two pictures from two latents, below which they are one picture. */
const LEAST_DIFFERENCE = 1e-3

const bad = (why: string): FederationError =>
  new FederationError('audit/bad-generator', `The generator breaks its contract: ${why}`)

const isSize = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1
const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isShape = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(isSize)
const isBlock = (value: unknown): boolean => {
  const { outputShape, apply } = (value ?? {}) as Partial<Record<string, unknown>>
  return isShape(outputShape) && typeof apply === 'function'
}
const isProjection = (value: unknown): boolean => {
  if (value === undefined || value === null) return true
  const { latent, stages, classMean } = value as Partial<Record<string, unknown>>
  return [latent, stages, classMean].every(Number.isFinite)
}

/** What each part of a generator must be. */
const PARTS: readonly (readonly [
  key: keyof GeneratorParts,
  expected: string,
  is: (value: unknown) => boolean,
])[] = [
  ['name', 'a text', isText],
  ['trainedOn', 'a text that says on which data it was trained', isText],
  ['latentDim', 'a whole number of at least 1', isSize],
  ['classes', 'a whole number of at least 1', isSize],
  ['conditional', 'true or false', (value) => typeof value === 'boolean'],
  [
    'blocks',
    'at least three of { outputShape, apply(h, c, weights) }',
    (value) => Array.isArray(value) && value.length >= 3 && value.every(isBlock),
  ],
  [
    'weights',
    'a list of tensors, made with the tf that was handed over',
    (value) => Array.isArray(value) && value.every((one) => one instanceof tf.Tensor),
  ],
  [
    'trainingRecords',
    'a list of hashes of 16 hexadecimal digits, or left out',
    (value) =>
      value === undefined ||
      [...(value as Iterable<unknown>)].every((one) => /^[0-9a-f]{16}$/.test(String(one))),
  ],
  ['projection', '{ latent, stages, classMean } in dB, or left out', isProjection],
]

function assertParts(value: unknown): asserts value is GeneratorParts {
  if (typeof value !== 'object' || value === null) throw bad('it is not an object')
  const parts = value as Readonly<Record<string, unknown>>
  for (const [key, expected, is] of PARTS) {
    if (!is(parts[key])) throw bad(`${key} must be ${expected}`)
  }
  const picture = (value as GeneratorParts).blocks.at(-1)?.outputShape ?? []
  if (picture.length !== 3) {
    throw bad(`the last block must give [height, width, channels], it says [${picture.join(', ')}]`)
  }
}

/** The generator of these parts. Throws `audit/bad-generator` and says which promise is not kept. */
export async function checkedGenerator(value: unknown, hash: string): Promise<LayeredGenerator> {
  assertParts(value)
  const generator = layeredGenerator(value, hash)
  try {
    await checkBehaviour(generator)
    return generator
  } catch (cause) {
    generator.dispose()
    throw cause instanceof FederationError ? cause : bad(reasonOf(cause))
  }
}
const reasonOf = (cause: unknown): string =>
  `a block throws: ${cause instanceof Error ? cause.message : String(cause)}`

interface Trial {
  readonly generator: LayeredGenerator
  readonly z: Tensor
  readonly c: Tensor | null
}

async function checkBehaviour(generator: LayeredGenerator): Promise<void> {
  const { latentDim, conditional, classes } = generator
  const streams = createStreams(0)
  const latents = generator.sample(streams('generator-check', 0, 0), BATCH)
  const z = tf.tensor(latents, [BATCH, latentDim])
  const labels = Array.from({ length: BATCH }, (_, i) => i % classes)
  const c = conditional ? oneHot(labels, classes) : null
  try {
    const trial = { generator, z, c }
    await checkShapes(trial)
    await checkPictures(trial)
    await checkGradients(trial)
  } finally {
    tf.dispose(c === null ? [z] : [z, c])
  }
}

/** Every block gives what it says, and the picture from there is the picture from the latent. */
async function checkShapes({ generator, z, c }: Trial): Promise<void> {
  const whole = await valuesOf(() => generator.run(0, z, c))
  for (let i = 0; i <= generator.lastFeature; i++) {
    const said = i < generator.lastFeature ? generator.featureShape(i + 1) : generator.imageShape
    const shape = tf.tidy(() => features(generator, { z, c }, i + 1).shape)
    if (String(shape) !== String([BATCH, ...said])) {
      throw bad(
        `block ${i} gives [${shape.join(', ')}], its outputShape says [batch, ${said.join(', ')}]`,
      )
    }
    const from = await valuesOf(() => generator.run(i, features(generator, { z, c }, i), c))
    if (largestDifference(from, whole) > ROUNDING) {
      throw bad(`from block ${i} on another picture comes out than from the latent`)
    }
  }
}

/** h_i of these latents; h_0 are the latents. */
function features(
  generator: LayeredGenerator,
  { z, c }: Omit<Trial, 'generator'>,
  i: number,
): Tensor {
  let h = z
  for (let at = 0; at < i; at++) h = generator.block(at, h, c)
  return h
}

async function checkPictures({ generator, z, c }: Trial): Promise<void> {
  const [first, again] = [
    await valuesOf(() => generator.run(0, z, c)),
    await valuesOf(() => generator.run(0, z, c)),
  ]
  if (!first.every((value) => value >= 0 && value <= 1)) {
    throw bad('pictures must have values in [0, 1]')
  }
  if (first.some((value, i) => value !== again[i])) {
    throw bad('the same latents give other pictures the second time')
  }
  const size = first.length / BATCH
  const alone = await valuesOf(() => {
    const row = (x: Tensor): Tensor => tf.slice(x, [1, 0], [1, x.shape[1] ?? 0])
    return generator.run(0, row(z), c === null ? null : row(c))
  })
  if (largestDifference(alone, first.subarray(size, 2 * size)) > ROUNDING) {
    throw bad('a picture depends on the others of its batch')
  }
  const [one, two] = [first.subarray(0, size), first.subarray(size, 2 * size)]
  const apart = one.reduce((sum, value, i) => sum + Math.abs(value - two[i]!), 0) / size
  if (apart < LEAST_DIFFERENCE) throw bad('all latents give the same picture')
}

/** Each searchable point has a slope, and so have the weights, which GIAS moves. */
async function checkGradients({ generator, z, c }: Trial): Promise<void> {
  for (let i = 0; i <= generator.lastFeature; i++) {
    const slope = tf.grad((x) => tf.sum(tf.square(generator.run(i, x, c))))
    const values = await ofPath(`block ${i} has no slope`, () =>
      valuesOf(() => slope(features(generator, { z, c }, i))),
    )
    if (!values.every(Number.isFinite)) throw bad(`the slope of block ${i} is not finite`)
    if (values.every((value) => value === 0)) throw bad(`block ${i} has no slope`)
  }
  if (generator.weights.length === 0) return
  const ofWeights = tf.grads((...weights: Tensor[]) =>
    tf.sum(tf.square(generator.run(0, z, c, weights))),
  )
  await ofPath('blocks do not use all the weights they are given', async () => {
    tf.dispose(tf.tidy(() => ofWeights([...generator.weights])))
  })
}

/** TensorFlow.js throws where nothing leads from what is differentiated to the result. */
async function ofPath<T>(otherwise: string, differentiate: () => Promise<T>): Promise<T> {
  try {
    return await differentiate()
  } catch (cause) {
    const isCut = cause instanceof Error && cause.message.includes('encloses all operations')
    throw isCut ? bad(otherwise) : cause
  }
}

async function valuesOf(make: () => Tensor): Promise<Float32Array> {
  const tensor = tf.tidy(make)
  const values = (await tensor.data()) as Float32Array
  tensor.dispose()
  return values
}
const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
