import { beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { wholeDataset, type Dataset } from '#data/dataset.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { classMeans } from './class-means.js'
import { layeredGenerator, type GeneratorBlock } from './generator-blocks.js'
import { isInformative } from './layered-generator.js'
import { project } from './project.js'

const dataset = (rows: readonly (readonly number[])[], labels: readonly number[]): Dataset => ({
  ...{ name: 'made up', inputShape: [2, 2, 1], classes: ['a', 'b'], count: rows.length },
  features: Float32Array.from(rows.flat()),
  labels: Int32Array.from(labels),
})
/** Class a is dark, class b bright; held out are pictures 0.1 away from their class mean in every pixel. */
const train = dataset(
  [
    [0.1, 0.1, 0.1, 0.1],
    [0.3, 0.3, 0.3, 0.3],
    [0.8, 0.8, 0.8, 0.8],
  ],
  [0, 0, 1],
)
const held = wholeDataset(
  dataset(
    [
      [0.1, 0.3, 0.1, 0.3],
      [0.9, 0.7, 0.9, 0.7],
    ],
    [0, 1],
  ),
)

const inRows = (h: Tensor): Tensor => tf.reshape(tf.sigmoid(h), [h.shape[0], 2, 2, 1])
const block = (outputShape: readonly number[], apply: GeneratorBlock['apply']) => ({
  ...{ outputShape, apply },
})
/** The latent says one grey for all four pixels; the features say each. */
const greyLatent = () =>
  layeredGenerator(
    {
      ...{ name: 'grey', latentDim: 1, conditional: false, classes: 2, trainedOn: 'nothing' },
      blocks: [
        block([4], (z) => tf.tile(z, [1, 4])),
        block([4], (h) => tf.mul(h, 1.5)),
        block([2, 2, 1], inRows),
      ],
      weights: [],
    },
    'hash',
  )

describe('projection of held-out pictures', () => {
  beforeAll(() => useBackend('cpu'))
  const run = (restarts = 2) =>
    project({
      ...{ generator: greyLatent(), held, train, restarts, iterations: 200 },
      stream: createStreams(1)('z', 0, 0),
    })

  it('takes class means from what the generator was trained on', () => {
    const means = classMeans(train)
    ;[0.2, 0.2, 0.2, 0.2, 0.8, 0.8, 0.8, 0.8].forEach((value, i) =>
      expect(means[i]).toBeCloseTo(value, 6),
    )
  })

  it('finds the best grey by the latent, and more by the features within their balls', async () => {
    const { latent, stages, classMean } = await run()
    // The best grey is the mean of the picture, 0.1 from every pixel; so is the class mean.
    expect(classMean).toBeCloseTo(20, 4)
    expect(latent).toBeCloseTo(20, 1)
    expect(stages).toBeGreaterThan(latent + 1)
    expect(isInformative({ latent, stages, classMean })).toBe(false)
    expect(isInformative({ latent: classMean + 1.1, stages, classMean })).toBe(true)
  })

  it('takes the best of all restarts of a picture', async () => {
    // The first iteration of a stage has a rate of 0: these are the greys of random latents, the worst of which is far off.
    const { latent } = await project({
      ...{ generator: greyLatent(), held, train, restarts: 40, iterations: 1 },
      stream: createStreams(1)('z', 0, 0),
    })
    expect(latent).toBeGreaterThan(18)
  })

  it('is the same again, and leaves no tensors', async () => {
    const before = tf.memory().numTensors
    const first = await run()
    expect(await run()).toEqual(first)
    expect(tf.memory().numTensors).toBe(before)
  })

  it('tells every iteration', async () => {
    let iterations = 0
    await project({
      ...{ generator: greyLatent(), held, train, restarts: 1, iterations: 5 },
      stream: createStreams(1)('z', 0, 0),
      onIteration: () => (iterations += 1),
    })
    expect(iterations).toBe(15)
  })
})
