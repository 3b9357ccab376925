import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { groupDistance, pictureNorm, totalVariation } from './regularisers.js'

beforeAll(() => useBackend('cpu'))

const valueOf = (make: () => Tensor): number => tf.tidy(() => make().dataSync()[0]!)
/** 2 rows, 3 columns. */
const picture = (...values: number[]): Tensor => tf.tensor4d(values, [1, 2, 3, 1])

describe('regularisers', () => {
  it('total variation is a mean over horizontal neighbours plus one over vertical ones', () => {
    // Horizontal: 1, 2, 0, 3, of four pairs. Vertical: 4, 3, 2, of three.
    const value = valueOf(() => totalVariation(picture(0, 1, 3, 4, 4, 1)))
    expect(value).toBeCloseTo(6 / 4 + 9 / 3, 6)
    expect(valueOf(() => totalVariation(tf.fill([2, 4, 4, 3], 0.7)))).toBe(0)
  })

  it('total variation takes pictures of one row or one column', () => {
    expect(valueOf(() => totalVariation(tf.tensor4d([0, 2, 3], [1, 1, 3, 1])))).toBeCloseTo(1.5, 6)
    expect(valueOf(() => totalVariation(tf.tensor4d([0, 2, 3], [1, 3, 1, 1])))).toBeCloseTo(1.5, 6)
  })

  it('the norm of pictures is that of the whole batch by the pixels of one', () => {
    // √(1 + 4 + 4) / 6
    expect(valueOf(() => pictureNorm(picture(1, 0, 2, 0, 2, 0)))).toBeCloseTo(3 / 6, 6)
    const centre = () => picture(1, 1, 1, 1, 1, 1)
    expect(valueOf(() => groupDistance(picture(4, 1, 1, 5, 1, 1), centre()))).toBeCloseTo(5 / 6, 6)
  })

  it('have finite slopes where pictures are flat', () => {
    tf.tidy(() => {
      const zeros = tf.zeros([1, 4, 4, 1])
      for (const of of [totalVariation, pictureNorm, (x: Tensor) => groupDistance(x, zeros)]) {
        expect([...tf.grad(of)(zeros).dataSync()].every(Number.isFinite)).toBe(true)
      }
    })
  })
})
