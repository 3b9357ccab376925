/** Attacks in small: a generator of a few hundred numbers, pictures of 8 × 8 from it, targets that are made from them. For tests. */
import type { Choice, RunConfig } from '#protocol/run-config.js'
import { createStreams } from '#protocol/random.js'
import type { Examples } from '#data/dataset.js'
import type { AttackBudget, AttackInput } from '#algorithms/audit/attack.js'
import { layeredGenerator } from '#algorithms/audit/generator/generator-blocks.js'
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import { createProblem, type MatchingProblem } from '#algorithms/audit/matching/problem.js'
import { makeTarget } from '#algorithms/audit/target/match-target.js'
import { modelOf } from '#algorithms/from-config.js'
import { dense, relu, sigmoid } from '#algorithms/tensor/ops.js'
import { normalTensor } from '#algorithms/tensor/random-tensor.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { tinyConfig } from './tiny-federation.js'

export const LAB_SHAPE = [8, 8, 1] as const
export const LAB_CLASSES = ['ant', 'bee', 'cat'] as const
const SIZE = 64
const LATENT = 3
const FEATURES = [12, 24] as const

/** Three blocks with seeded weights: z, c → relu [12] → relu [24] → sigmoid [8, 8, 1]. */
export function labGenerator(
  options: { readonly conditional?: boolean; readonly classes?: number } = {},
): LayeredGenerator {
  const { conditional = true, classes = LAB_CLASSES.length } = options
  const stream = createStreams(5)('lab/generator', 0, 0)
  const inputs = LATENT + (conditional ? classes : 0)
  const weights = [
    normalTensor(stream, [inputs, FEATURES[0]], 0.8),
    normalTensor(stream, [FEATURES[0], FEATURES[1]], 0.5),
    normalTensor(stream, [FEATURES[1], SIZE], 0.5),
  ]
  const blocks = [
    {
      outputShape: [FEATURES[0]],
      apply: (z: Tensor, c: Tensor | null, w: readonly Tensor[]) =>
        relu(tf.add(dense(c === null ? z : tf.concat([z, tf.mul(4, c)], 1), w[0]!), 0.2)),
    },
    {
      outputShape: [FEATURES[1]],
      apply: (h: Tensor, _c: Tensor | null, w: readonly Tensor[]) =>
        relu(tf.add(dense(h, w[1]!), 0.1)),
    },
    {
      outputShape: [...LAB_SHAPE],
      apply: (h: Tensor, _c: Tensor | null, w: readonly Tensor[]) =>
        tf.reshape(sigmoid(tf.sub(dense(h, w[2]!), 0.5)), [-1, ...LAB_SHAPE]),
    },
  ]
  const parts = { name: 'lab', latentDim: LATENT, conditional, classes, trainedOn: 'nothing' }
  return layeredGenerator({ ...parts, blocks, weights }, 'f'.repeat(64))
}

/** Pictures of these classes from the generator, which its latents cannot quite express: a feature was moved. */
export function labPictures(
  generator: LayeredGenerator,
  labels: readonly number[],
  seed = 1,
): Float32Array {
  const stream = createStreams(seed)('lab/records', 0, 0)
  return tf.tidy(() => {
    const z = tf.tensor(generator.sample(stream, labels.length), [labels.length, LATENT])
    const c = tf.oneHot(tf.tensor1d([...labels], 'int32'), generator.classes, 1, 0, 'float32')
    const moved = normalTensor(stream, [labels.length, FEATURES[0]], 0.3)
    const h = tf.add(generator.block(0, z, c), moved)
    return Float32Array.from(generator.run(1, h, c).dataSync())
  })
}

export interface LabOptions {
  /** Of the records, any order. */
  readonly labels?: readonly number[]
  readonly model?: RunConfig['model']
  readonly localSteps?: number
  readonly updates?: readonly Choice[]
  readonly seed?: number
}

export interface Lab {
  readonly problem: MatchingProblem
  readonly generator: LayeredGenerator
  /** Row by row, in the order of their labels. */
  readonly pictures: Float32Array
  /** An attack's input; `over` in place of it. */
  input(over?: Partial<AttackInput>): AttackInput
  dispose(): void
}

export const LAB_BUDGET: AttackBudget = {
  stageIterations: 60,
  restarts: 2,
  cmaGenerations: 20,
  cmaPopulation: 10,
  radii: [0.2],
}

/** A model of one hidden layer that takes all of a picture. */
export const LAB_MODEL: RunConfig['model'] = {
  name: 'mlp',
  hidden: [8],
  activation: 'softplus',
}

function labConfig({ labels = [1], model = LAB_MODEL, localSteps = 1, updates }: LabOptions) {
  return tinyConfig((config) => ({
    ...config,
    task: { inputShape: [...LAB_SHAPE], classes: [...LAB_CLASSES] },
    model,
    ...(updates === undefined ? {} : { updates }),
    training: { ...config.training, localEpochs: localSteps, batchSize: labels.length },
  }))
}

function examplesOf(pictures: Float32Array, labels: readonly number[]): Examples {
  return {
    source: {
      ...{ name: 'lab', inputShape: [...LAB_SHAPE], classes: [...LAB_CLASSES] },
      ...{ count: labels.length, features: pictures, labels: Int32Array.from(labels) },
    },
    indices: Int32Array.from(labels.keys()),
  }
}

/** An update of pictures of these labels, by the product's own way, with the labels given. */
export async function attackLab(options: LabOptions = {}): Promise<Lab> {
  const { labels = [1], seed = 1 } = options
  const generator = labGenerator()
  const sorted = [...labels].sort((a, b) => a - b)
  const pictures = labPictures(generator, sorted, seed)
  const config = labConfig(options)
  const target = await makeTarget({
    config,
    params: modelOf(config).init(createStreams(3)('init', 0, 0)),
    records: { examples: examplesOf(pictures, sorted), basis: 'synthetic', description: 'lab' },
    ...{ clients: 1, slot: 0, approximation: 'unrolled', labels: 'given' },
  })
  const problem = createProblem(target)
  return {
    ...{ problem, generator, pictures },
    input: (over = {}) => ({
      ...{ problem, generator, budget: LAB_BUDGET, now: () => 0 },
      stream: createStreams(11)('lab/attack', 0, 0),
      ...over,
    }),
    dispose() {
      problem.dispose()
      target.dispose()
      generator.dispose()
    },
  }
}

/** Does the work in a lab, and closes it. */
export async function inLab<T>(
  work: (lab: Lab) => Promise<T>,
  options: LabOptions = {},
): Promise<T> {
  const lab = await attackLab(options)
  try {
    return await work(lab)
  } finally {
    lab.dispose()
  }
}

/** Mean squared error by record, where the order is known. */
export const meanSquaredError = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length
export const psnrOf = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  -10 * Math.log10(meanSquaredError(a, b))
