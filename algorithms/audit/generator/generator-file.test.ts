import { beforeAll, describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle, makeBundle, tensorsOf } from '#protocol/bundle.js'
import { sha256 } from '#protocol/ids.js'
import { createStreams } from '#protocol/random.js'
import { unwrap } from '#protocol/result.js'
import { initialParams } from '#algorithms/models/initializers.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { decodeGenerator, encodeGenerator, generatorLabel } from './generator-file.js'
import { decoderShape } from './generator-options.js'
import { decoderParams } from './vae-decoder.js'

const shape = decoderShape([8, 8, 1], 3, { conditional: true, latentDim: 4, features: 5 })
const weights = initialParams(decoderParams(shape), createStreams(1)('init', 0, 0))
const content = {
  ...{ shape, weights, classNames: ['a', 'b', 'c'], trainedOn: 'public data' },
  trainingRecords: ['00ff00ff00ff00ff', '0123456789abcdef'],
  projection: { latent: 15, stages: 20, classMean: 12 },
  training: { options: { epochs: 1 } },
}
const bytes = encodeGenerator(content)

describe('file of a generator', () => {
  beforeAll(() => useBackend('wasm'))

  it('holds the weights, the labels and the hashes of what it was trained on', () => {
    const generator = decodeGenerator(bytes)
    expect(generator).toMatchObject({
      ...{ hash: sha256(bytes), latentDim: 4, lastFeature: 3, classes: 3, conditional: true },
      ...{ imageShape: [8, 8, 1], trainedOn: 'public data', projection: content.projection },
    })
    expect([...generator.trainingRecords]).toEqual(content.trainingRecords)
    expect(generator.weights.flatMap((weight) => [...weight.dataSync()])).toEqual([...weights])
    generator.dispose()
  })

  it('is the same for the same content', () => {
    expect(Buffer.compare(encodeGenerator(content), bytes)).toBe(0)
  })

  it('leaves no tensor behind', () => {
    const before = tf.memory().numTensors
    decodeGenerator(bytes).dispose()
    expect(tf.memory().numTensors).toBe(before)
  })

  const bundle = unwrap(decodeBundle(bytes))
  const without = (name: string) =>
    encodeBundle(
      makeBundle(
        tensorsOf(bundle).filter((tensor) => tensor.name !== name),
        bundle.meta,
      ),
    )
  const other = (changed: object) => {
    const generator = { ...(bundle.meta['generator'] as object), ...changed }
    return encodeBundle({ ...bundle, meta: { generator } })
  }
  it.each([
    ['other bytes', () => Uint8Array.of(1, 2, 3)],
    ['another bundle', () => encodeBundle(makeBundle([]))],
    ['a format of later', () => other({ format: 2 })],
    ['weights of another shape', () => other({ features: 6 })],
    ['no weights of a block', () => without('grow/kernel')],
    ['no hashes', () => without('training-records')],
  ])('is not read from %s', (_what, make) => {
    expect(() => decodeGenerator(make())).toThrow(
      expect.objectContaining({ code: 'audit/bad-generator' }),
    )
  })

  it('says what it is without being opened', () => {
    expect(generatorLabel(bytes)).toMatchObject({ classes: ['a', 'b', 'c'], features: 5 })
  })
})
