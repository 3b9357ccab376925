import { beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { wholeDataset } from '#data/dataset.js'
import { loadDataset } from '#data/index.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { classMeans } from '../class-means.js'
import { isInformative } from '../layered-generator.js'
import { assertUnseen } from '../record-hash.js'
import { tinyGenerator, tinyGeneratorBytes } from './tiny-generator.js'

describe('the tiny generator', () => {
  beforeAll(() => useBackend('wasm'))

  it('is small, and says that it tells an attacker something', () => {
    expect(tinyGeneratorBytes().length).toBeLessThan(64 * 1024)
    const generator = tinyGenerator()
    expect(generator).toMatchObject({ imageShape: [16, 16, 1], classes: 10, latentDim: 16 })
    const { projection } = generator
    expect(isInformative(projection!)).toBe(true)
    expect(projection!.stages).toBeGreaterThan(projection!.latent + 2)
    generator.dispose()
  })

  it('draws the digit it is asked for', async () => {
    const generator = tinyGenerator()
    const digits = await loadDataset({ name: 'synthetic', path: 'stroke-digits:count=1000' })
    const means = classMeans(digits)
    const right = tf.tidy(() => {
      const labels = Array.from({ length: 100 }, (_, i) => i % 10)
      const z = tf.tensor(generator.sample(createStreams(1)('z', 0, 0), 100), [100, 16])
      const c = tf.cast(tf.oneHot(tf.tensor1d(labels, 'int32'), 10), 'float32')
      const made = generator.run(0, z, c).dataSync()
      return labels.filter((label, row) => nearest(made.subarray(row * 256), means) === label)
    })
    expect(right.length).toBeGreaterThan(75)
    generator.dispose()
  })

  it('was trained on none of the digits that others draw', async () => {
    const generator = tinyGenerator()
    expect(generator.trainingRecords.size).toBeGreaterThan(2900)
    for (const seed of [0, 1, 2, 7]) {
      const path = `stroke-digits:count=300:seed=${seed}`
      const digits = await loadDataset({ name: 'synthetic', path })
      expect(() => assertUnseen(generator, wholeDataset(digits))).not.toThrow()
    }
    const path = 'stroke-digits:side=16:count=3000:seed=160160'
    const own = await loadDataset({ name: 'synthetic', path, limit: 300 })
    expect(() => assertUnseen(generator, wholeDataset(own))).toThrow(
      expect.objectContaining({ code: 'audit/record-known' }),
    )
    generator.dispose()
  })
})

/** The class whose mean picture is nearest. */
function nearest(picture: ArrayLike<number>, means: Float32Array): number {
  const distances = Array.from({ length: 10 }, (_, label) => {
    let sum = 0
    for (let i = 0; i < 256; i++) sum += (picture[i]! - means[label * 256 + i]!) ** 2
    return sum
  })
  return distances.indexOf(Math.min(...distances))
}
