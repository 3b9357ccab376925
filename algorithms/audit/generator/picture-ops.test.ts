import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { channelsToSquares, doubled } from './picture-ops.js'

beforeAll(() => useBackend('wasm'))

const values = (make: () => Tensor): number[] => [...tf.tidy(make).dataSync()]

describe('pictures that grow', () => {
  it('repeat each pixel twice along both axes, with its channels', () => {
    const x = tf.tensor([1, 10, 2, 20, 3, 30, 4, 40], [1, 2, 2, 2])
    expect(values(() => doubled(x))).toEqual(
      [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4].flatMap((value) => [value, 10 * value]),
    )
    expect(doubled(x).shape).toEqual([1, 4, 4, 2])
  })

  it('turn four groups of channels into a square of pixels', () => {
    // Two pixels beside each other, whose groups are left above, right above, left below, right below; two channels each.
    const groups = [1, 2, 3, 4, 5, 6, 7, 8]
    const x = tf.tensor([...groups, ...groups.map((value) => 10 * value)], [1, 1, 2, 8])
    expect(channelsToSquares(x).shape).toEqual([1, 2, 4, 2])
    expect(values(() => channelsToSquares(x))).toEqual([
      ...[1, 2, 3, 4, 10, 20, 30, 40],
      ...[5, 6, 7, 8, 50, 60, 70, 80],
    ])
  })

  it('have the slope of a sum over what was repeated, and of a permutation', () => {
    const x = tf.tensor([1, 2, 3, 4], [1, 2, 2, 1])
    const weights = tf.tensor(
      Array.from({ length: 16 }, (_, i) => i),
      [1, 4, 4, 1],
    )
    const slope = tf.grad((of) => tf.sum(tf.mul(doubled(of), weights)))
    expect(values(() => slope(x))).toEqual([10, 18, 42, 50])
    const wide = tf.tensor([1, 2, 3, 4], [1, 1, 1, 4])
    const square = tf.tensor([1, 2, 3, 4], [1, 2, 2, 1])
    const other = tf.grad((of) => tf.sum(tf.mul(channelsToSquares(of), square)))
    expect(values(() => other(wide))).toEqual([1, 2, 3, 4])
  })
})
