import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { transformed, type ObservedTransformation } from './transformation.js'

beforeAll(() => useBackend('cpu'))

const none: ObservedTransformation = {
  ...{ clipNorm: null, support: null, isMaskedFirst: false, shift: null },
}
const valuesOf = (tensors: readonly Tensor[]): number[] =>
  tensors.flatMap((tensor) => [...tensor.dataSync()])
const update = (): Tensor[] => [tf.tensor1d([3, 2]), tf.tensor1d([4])]

describe('the transformation of a simulated update', () => {
  it('is none where a client sends all of it', () => {
    expect(tf.tidy(() => valuesOf(transformed(update(), none)))).toEqual([3, 2, 4])
  })

  it('shortens what is longer than the clip, all tensors alike, and nothing else', () => {
    tf.tidy(() => {
      const short = valuesOf(transformed(update(), { ...none, clipNorm: Math.sqrt(29) / 2 }))
      expect(short).toEqual([1.5, 1, 2].map((value) => expect.closeTo(value, 5) as number))
      expect(valuesOf(transformed(update(), { ...none, clipNorm: 6 }))).toEqual([3, 2, 4])
    })
  })

  it('takes off what was taken off the observed one, then what was not sent', () => {
    tf.tidy(() => {
      const shift = [tf.tensor1d([1, 1]), tf.tensor1d([-1])]
      const support = [tf.tensor1d([1, 0]), tf.tensor1d([1])]
      expect(valuesOf(transformed(update(), { ...none, shift, support }))).toEqual([2, 0, 5])
    })
  })

  it('clips what was left, or leaves out of what was clipped, as the client does', () => {
    tf.tidy(() => {
      const support = [tf.tensor1d([1, 0]), tf.tensor1d([1])]
      const clipped = { ...none, support, clipNorm: 2.5 }
      expect(valuesOf(transformed(update(), { ...clipped, isMaskedFirst: true }))).toEqual([
        ...[1.5, 0, 2].map((value) => expect.closeTo(value, 5) as number),
      ])
      const [first] = valuesOf(transformed(update(), clipped))
      expect(first).toBeCloseTo((3 * 2.5) / Math.sqrt(29), 5)
    })
  })

  it('A3: is differentiated through the clip, however small an update and a clip are', () => {
    const weights = [1, -2, 0.5]
    const a = [3, 2, 4].map((value) => value / Math.sqrt(29))
    const along = a.reduce((sum, value, i) => sum + value * weights[i]!, 0)
    for (const [length, clipNorm] of [
      [1, 0.2],
      [1e-4, 1e-7],
      [1e-10, 1e-12],
      [1e-25, 1e-27],
    ] as const) {
      const slope = tf.tidy(() =>
        tf
          .grad((z: Tensor) => {
            const parts = [tf.slice(z, [0], [2]), tf.slice(z, [2], [1])]
            const [first, second] = transformed(parts, { ...none, clipNorm })
            return tf.sum(tf.mul(tf.concat([first!, second!]), weights))
          })(tf.tensor1d(a.map((value) => length * value)))
          .dataSync(),
      )
      a.forEach((value, i) =>
        expect(slope[i]! / (clipNorm / length)).toBeCloseTo(weights[i]! - value * along, 4),
      )
    }
  })

  it('has finite slopes at zeros', () => {
    const slope = tf.tidy(() =>
      tf
        .grad((z: Tensor) => tf.sum(transformed([z], { ...none, clipNorm: 1 })[0]!))(tf.zeros([3]))
        .dataSync(),
    )
    expect([...slope].every(Number.isFinite)).toBe(true)
  })
})
