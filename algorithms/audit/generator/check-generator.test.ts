import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { checkedGenerator } from './check-generator.js'
import type { GeneratorBlock, GeneratorParts } from './generator-blocks.js'

const PIXELS = 4 * 4
const kernel = (): Tensor =>
  tf.tensor(
    Array.from({ length: 2 * PIXELS }, (_, i) => Math.sin(1 + i)),
    [2, PIXELS],
  )
const flat = (apply: GeneratorBlock['apply'], outputShape: readonly number[] = [PIXELS]) => ({
  ...{ outputShape, apply },
})
const start = flat((z, _c, [k]) => tf.matMul(z, k as tf.Tensor2D))
const bend = flat((h) => tf.tanh(h))
const picture = flat((h) => tf.reshape(tf.sigmoid(h), [h.shape[0], 4, 4, 1]), [4, 4, 1])

/** A generator that keeps its promises. */
const parts = (changed: object = {}): GeneratorParts => ({
  ...{ name: 'mine', latentDim: 2, conditional: false, classes: 3, trainedOn: 'public data' },
  ...{ blocks: [start, bend, picture], weights: [kernel()] },
  ...changed,
})

describe("a generator of the user's own", () => {
  beforeAll(() => useBackend('cpu'))

  it('is taken when it keeps its promises', async () => {
    const generator = await checkedGenerator(parts(), 'hash')
    expect(generator).toMatchObject({ hash: 'hash', lastFeature: 2, imageShape: [4, 4, 1] })
    expect(generator.featureShape(1)).toEqual([PIXELS])
    expect(generator.trainingRecords.size).toBe(0)
    expect(generator.projection).toBeNull()
    generator.dispose()
  })

  it('may take labels, and tell what it was trained on', async () => {
    const labelled = flat((z, c, [k]) =>
      tf.add(tf.matMul(z as tf.Tensor2D, k as tf.Tensor2D), tf.sum(c!, 1, true)),
    )
    const trainingRecords = ['0123456789abcdef']
    const generator = await checkedGenerator(
      parts({ conditional: true, blocks: [labelled, bend, picture], trainingRecords }),
      'hash',
    )
    expect([...generator.trainingRecords]).toEqual(trainingRecords)
    generator.dispose()
  })

  let calls = 0
  const batchMean = flat((h) => tf.sub(h, tf.mean(h, 0, true)))
  const ownKernel = flat((z) => tf.matMul(z, kernel()))
  it.each<[why: string, changed: () => unknown, says: RegExp]>([
    ['nothing', () => null, /not an object/],
    ['no name', () => parts({ name: '' }), /name must be/],
    ['no word on its data', () => parts({ trainedOn: undefined }), /trainedOn must be/],
    ['no latent', () => parts({ latentDim: 0 }), /latentDim must be/],
    ['two blocks', () => parts({ blocks: [start, picture] }), /at least three/],
    ['weights that are no tensors', () => parts({ weights: [[1, 2]] }), /list of tensors/],
    ['hashes that are none', () => parts({ trainingRecords: ['yes'] }), /16 hexadecimal/],
    ['a projection without numbers', () => parts({ projection: { latent: 1 } }), /projection must/],
    [
      'no picture at the end',
      () => parts({ blocks: [start, bend, bend] }),
      /height, width, channels/,
    ],
    [
      'another shape than it says',
      () => parts({ blocks: [{ ...start, outputShape: [5] }, bend, picture] }),
      /block 0 gives \[4, 16\]/,
    ],
    [
      'values above 1',
      () =>
        parts({
          blocks: [start, bend, flat((h) => tf.mul(2, picture.apply(h, null, [])), [4, 4, 1])],
        }),
      /in \[0, 1\]/,
    ],
    [
      'another picture every time',
      () => parts({ blocks: [start, flat((h) => tf.mul(h, (calls += 1))), picture] }),
      /another picture|second time/,
    ],
    [
      'pictures that see each other',
      () => parts({ blocks: [start, batchMean, picture] }),
      /its batch/,
    ],
    [
      'one picture for all latents',
      () => parts({ blocks: [start, flat((h) => tf.mul(h, 1e-6)), picture] }),
      /the same picture/,
    ],
    [
      'no slope',
      () => parts({ blocks: [start, flat((h) => tf.mul(tf.step(h), 3)), picture] }),
      /block 0 has no slope/,
    ],
    [
      'weights it does not use',
      () => parts({ blocks: [ownKernel, bend, picture] }),
      /do not use all the weights/,
    ],
    [
      'a block that throws',
      () =>
        parts({
          blocks: [
            start,
            flat(() => {
              throw new RangeError('out of ideas')
            }),
            picture,
          ],
        }),
      /a block throws: out of ideas/,
    ],
  ])('is refused with %s', async (_why, make, says) => {
    await expect(checkedGenerator(make(), 'hash')).rejects.toMatchObject({
      code: 'audit/bad-generator',
      message: expect.stringMatching(says) as unknown,
    })
  })
})
