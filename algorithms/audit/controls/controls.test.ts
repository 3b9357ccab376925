import { beforeAll, describe, expect, it } from 'vitest'
import { createStreams, type Stream } from '#protocol/random.js'
import { wholeDataset, type Dataset } from '#data/dataset.js'
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { controlPictures } from './controls.js'

/** Two pictures of two pixels in each of two classes; none of the third. */
const auxiliary: Dataset = {
  name: 'public',
  inputShape: [1, 2, 1],
  classes: ['a', 'b', 'c'],
  count: 4,
  features: Float32Array.of(0, 0.2, 0.2, 0.4, 0.6, 1, 1, 0.8),
  labels: Int32Array.of(0, 0, 1, 1),
}
const stream = (): Stream => createStreams(1)('test', 0, 0)

/** Pixels: the latent, and the number of the class (0: none). */
const generator = {
  ...{ latentDim: 1, classes: 2, conditional: true },
  sample: (from: Stream, batch: number) =>
    Float32Array.from({ length: batch }, () => from.uniform()),
  run: (_from: number, h: tf.Tensor, c: tf.Tensor) =>
    tf.reshape(tf.concat([h, tf.sum(tf.mul(c, tf.tensor([1, 2])), 1, true)], 1), [-1, 1, 2, 1]),
} as unknown as LayeredGenerator

const named = async (labels: number[], from: LayeredGenerator | null = null) => {
  const controls = await controlPictures({
    auxiliary: wholeDataset(auxiliary),
    labels: Int32Array.from(labels),
    generator: from,
    stream: stream(),
  })
  return new Map(controls.map(({ name, pictures }) => [name, pictures]))
}

describe('controls', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('the mean of the class, for every slot', async () => {
    const mean = (await named([0, 1, 1])).get('class-mean')!
    ;[0.1, 0.3, 0.8, 0.9, 0.8, 0.9].forEach((value, i) => expect(mean[i]).toBeCloseTo(value, 6))
  })

  it('a class without public records is guessed from all', async () => {
    const mean = (await named([2])).get('class-mean')!
    expect(mean[0]).toBeCloseTo(0.45, 6)
    expect(mean[1]).toBeCloseTo(0.6, 6)
  })

  it('a random record of the class', async () => {
    const pictures = (await named([0, 1, 0, 1, 0, 1])).get('random-same-class')!
    for (let slot = 0; slot < 6; slot++) {
      const own = [...pictures.slice(2 * slot, 2 * slot + 2)]
      const rows = slot % 2 === 0 ? [0, 1] : [2, 3]
      const possible = rows.map((row) => [...auxiliary.features.slice(2 * row, 2 * row + 2)])
      expect(possible).toContainEqual(own)
    }
  })

  it('a sample of the generator for the label, of none for a class it does not have', async () => {
    expect((await named([0])).has('generator-sample')).toBe(false)
    const before = tf.memory().numTensors
    const pictures = (await named([0, 1, 2], generator)).get('generator-sample')!
    expect(tf.memory().numTensors).toBe(before)
    expect([pictures[1], pictures[3], pictures[5]]).toEqual([1, 2, 0])
    expect(new Set([pictures[0], pictures[2], pictures[4]]).size).toBe(3)
  })
})
