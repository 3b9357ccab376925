import { beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { initialParams } from '#algorithms/models/initializers.js'
import { layoutOf, toTensors } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { layeredGenerator } from './generator-blocks.js'
import { decoderShape } from './generator-options.js'
import type { LayeredGenerator } from './layered-generator.js'
import { decoderBlocks, decoderParams } from './vae-decoder.js'

beforeAll(() => useBackend('wasm'))

function untrained(inputShape: readonly number[], conditional = true): LayeredGenerator {
  const shape = decoderShape(inputShape, 10, { conditional, latentDim: 16 })
  const specs = decoderParams(shape).map(({ name, shape: of }) => ({
    ...{ name, shape: of },
    dtype: 'float32' as const,
  }))
  const values = initialParams(decoderParams(shape), createStreams(1)('init', 0, 0))
  return layeredGenerator(
    {
      ...{ name: 'untrained', trainedOn: 'nothing', latentDim: 16, conditional, classes: 10 },
      blocks: decoderBlocks(shape),
      weights: toTensors(layoutOf('decoder', specs), values),
    },
    'none',
  )
}
const oneHot = (labels: readonly number[]): Tensor =>
  tf.cast(tf.oneHot(tf.tensor1d([...labels], 'int32'), 10), 'float32')
const latents = (generator: LayeredGenerator, batch: number): Tensor =>
  tf.tensor(generator.sample(createStreams(2)('z', 0, 0), batch), [batch, generator.latentDim])

describe('decoder of a variational autoencoder', () => {
  it.each([
    { input: [16, 16, 1], h1: [4, 4, 12], h2: [8, 8, 12], weights: 8236 },
    { input: [28, 28, 1], h1: [7, 7, 16], h2: [14, 14, 16], weights: 26_388 },
    { input: [8, 12, 3], h1: [2, 3, 12], h2: [4, 6, 12], weights: 5868 },
  ])('has the blocks of the specification for pictures $input', ({ input, h1, h2, weights }) => {
    const generator = untrained(input)
    expect(generator.lastFeature).toBe(3)
    expect([1, 2, 3].map((i) => generator.featureShape(i))).toEqual([h1, h2, h2])
    const numbers = generator.weights.reduce((sum, { size }) => sum + size, 0)
    expect(numbers).toBe(weights)
    tf.tidy(() => {
      let h = latents(generator, 3)
      const c = oneHot([1, 2, 3])
      for (let i = 0; i <= 3; i++) {
        h = generator.block(i, h, c)
        expect(h.shape).toEqual([3, ...(i < 3 ? generator.featureShape(i + 1) : input)])
      }
      const pixels = [...h.dataSync()]
      expect(Math.min(...pixels)).toBeGreaterThanOrEqual(0.001)
      expect(Math.max(...pixels)).toBeLessThanOrEqual(0.999)
    })
    generator.dispose()
  })

  it('A7: from every feature the same picture comes out as from the latent', () => {
    const generator = untrained([16, 16, 1])
    tf.tidy(() => {
      const c = oneHot([0, 5])
      const z = latents(generator, 2)
      const whole = generator.run(0, z, c).dataSync()
      let h = z
      for (let i = 0; i <= generator.lastFeature; i++) {
        const from = generator.run(i, h, c).dataSync()
        from.forEach((value, at) => expect(value).toBeCloseTo(whole[at]!, 5))
        h = generator.block(i, h, c)
      }
    })
    generator.dispose()
  })

  it('makes other pictures with other labels, unless it takes none', () => {
    for (const conditional of [true, false]) {
      const generator = untrained([16, 16, 1], conditional)
      tf.tidy(() => {
        const z = latents(generator, 1)
        const [one, two] = [1, 2].map((label) => generator.run(0, z, oneHot([label])).dataSync())
        expect(one!.every((value, i) => value === two![i])).toBe(!conditional)
      })
      generator.dispose()
    }
  })

  it('takes weights in place of its own, and has a slope in each of them', () => {
    const generator = untrained([16, 16, 1])
    tf.tidy(() => {
      const [z, c] = [latents(generator, 2), oneHot([0, 5])]
      const slopes = tf.grads((...weights: Tensor[]) =>
        tf.sum(tf.square(generator.run(0, z, c, weights))),
      )([...generator.weights])
      const sizes = slopes.map((slope) => tf.max(tf.abs(slope)).dataSync()[0]!)
      expect(sizes.every((size) => size > 0)).toBe(true)
      const doubled = generator.weights.map((weight) => tf.mul(weight, 2))
      const [own, other] = [generator.run(0, z, c), generator.run(0, z, c, doubled)]
      expect(tf.max(tf.abs(tf.sub(own, other))).dataSync()[0]).toBeGreaterThan(0.01)
    })
    generator.dispose()
  })

  it.each([{ inputShape: [16, 18, 1] }, { inputShape: [20] }, { inputShape: [10, 10, 3] }])(
    'cannot be made for inputs of $inputShape',
    ({ inputShape }) => {
      const make = () => decoderShape(inputShape, 10, { conditional: true, latentDim: 16 })
      expect(make).toThrow(expect.objectContaining({ code: 'model/does-not-fit' }))
    },
  )
})
