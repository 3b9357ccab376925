import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { distanceTo, type Distance } from './distance.js'

beforeAll(() => useBackend('cpu'))

const vectors = (...parts: number[][]): Tensor[] => parts.map((part) => tf.tensor1d(part))
function distance(a: readonly number[][], b: readonly number[][], kind: Distance): number {
  return tf.tidy(() => {
    const to = distanceTo(vectors(...b))
    const value = to.from(vectors(...a), kind).dataSync()[0]!
    to.dispose()
    return value
  })
}

describe('distances of updates', () => {
  it('take all tensors for one vector', () => {
    // ⟨(1,2,2), (2,0,1)⟩ = 4, lengths 3 and √5; per tensor the cosines would be 1/√5 · … and differ.
    expect(distance([[1, 2], [2]], [[2, 0], [1]], 'cosine')).toBeCloseTo(
      1 - 4 / (3 * Math.sqrt(5)),
      6,
    )
    expect(distance([[1, 2], [2]], [[2, 0], [1]], 'relative')).toBeCloseTo((1 + 4 + 1) / 5, 6)
  })

  it('A1: are 0 between an update and itself: relative squares exactly, but for rounded lengths', () => {
    const update = [
      [0.3, -1.7],
      [2.2e-3, 5],
    ]
    const four = [
      [2, -2],
      [-2, 2],
    ]
    expect(distance(four, four, 'relative')).toBe(0)
    expect(distance(update, update, 'relative')).toBeLessThan(1e-13)
    expect(distance(update, update, 'cosine')).toBeLessThan(1e-6)
  })

  it('A2: by cosine do not see the length of either', () => {
    const [a, b] = [[[1, -2, 0.5]], [[0.2, 1, 3]]]
    const times = (factor: number, [part = []]: readonly number[][]) => [
      part.map((value) => factor * value),
    ]
    const plain = distance(a, b, 'cosine')
    for (const factor of [1e-30, 1e-10, 1e-3, 7, 1e4, 1e25]) {
      expect(distance(times(factor, a), b, 'cosine')).toBeCloseTo(plain, 5)
      expect(distance(a, times(factor, b), 'cosine')).toBeCloseTo(plain, 5)
    }
  })

  it('A2: by relative squares do not see a common length, and are 1 from zeros', () => {
    const [a, b] = [[[1, -2, 0.5]], [[0.2, 1, 3]]]
    const times = (factor: number, [part = []]: readonly number[][]) => [
      part.map((value) => factor * value),
    ]
    const [own, all] = [0.04 + 1 + 9, 0.64 + 9 + 6.25]
    for (const factor of [1e-30, 1e-10, 1, 1e25]) {
      expect(distance(times(factor, a), times(factor, b), 'relative')).toBeCloseTo(all / own, 5)
    }
    expect(distance([[0, 0, 0]], times(1e-25, b), 'relative')).toBeCloseTo(1, 6)
  })

  it('by cosine have a slope where squares of an update are no numbers any more, and none at zeros', () => {
    const to = distanceTo(vectors([1, 2, 2]))
    const slopeAt = (values: readonly number[]): Float32Array =>
      tf.tidy(() =>
        tf
          .grad((z: Tensor) => to.from([z], 'cosine'))(tf.tensor1d([...values]))
          .dataSync(),
      ) as Float32Array
    const plain = slopeAt([2, 0, 1])
    slopeAt([2e-25, 0, 1e-25]).forEach((value, i) =>
      expect(value * 1e-25).toBeCloseTo(plain[i]!, 5),
    )
    expect([...slopeAt([0, 0, 0])].map(Math.abs)).toEqual([0, 0, 0])
    to.dispose()
  })

  it('by cosine are no numbers where an update is none', () => {
    for (const wrong of [Number.NaN, Infinity]) {
      expect(distance([[1, wrong]], [[1, 2]], 'cosine')).toBeNaN()
    }
  })

  it('by cosine are 1 where directions have nothing in common, 2 where they are opposite', () => {
    expect(distance([[1, 0]], [[0, 3]], 'cosine')).toBeCloseTo(1, 6)
    expect(distance([[1, 2]], [[-2, -4]], 'cosine')).toBeCloseTo(2, 6)
  })

  it('by cosine are 1 from zeros, not less: nothing is no better than something unrelated', () => {
    expect(distance([[0, 0]], [[1, 2]], 'cosine')).toBeCloseTo(1, 6)
  })

  it('by cosine keep their digits where they are small', () => {
    // An angle of 1e-4: 1 − cos = 5e-9, of which 1 − cosine in float32 would leave nothing.
    expect(distance([[1, 1e-4]], [[1, 0]], 'cosine') / 5e-9).toBeCloseTo(1, 3)
  })

  it('have the slopes of 1 − cosine and of a squared distance by that of the observed update', () => {
    const to = distanceTo(vectors([1, 2, 2]))
    const a = tf.tensor1d([2, 0, 1])
    // −(b̂ − cos · â) / ‖a‖ with cos = 4 / (3 √5).
    const [length, cosine] = [Math.sqrt(5), 4 / (3 * Math.sqrt(5))]
    const expected = [1, 2, 2].map((b, i) => -(b / 3 - (cosine * [2, 0, 1][i]!) / length) / length)
    const slope = tf
      .grad((z: Tensor) => to.from([z], 'cosine'))(a)
      .dataSync()
    expected.forEach((value, i) => expect(slope[i]).toBeCloseTo(value, 5))
    // 2 (a − b) / ‖b‖²
    const square = tf
      .grad((z: Tensor) => to.from([z], 'relative'))(a)
      .dataSync()
    ;[2, -4, -2].forEach((value, i) => expect(square[i]).toBeCloseTo(value / 9, 6))
    to.dispose()
    a.dispose()
  })
})
