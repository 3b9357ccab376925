import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { eigenOf } from '#algorithms/matrix/eigen.js'
import { triangle } from '#algorithms/matrix/packed.js'
import { eigenvaluesOf, spectrumOf } from '#algorithms/matrix/spectrum.js'
import { cholesky, factorOf } from './factor.js'

/** Covariance of F1, the specification's fixture. */
const F1 = Float64Array.of(2.966666666666667, 1.6666666666666667, 7.466666666666667)

const packedOf = (matrix: readonly (readonly number[])[]): Float64Array =>
  Float64Array.from(matrix.flatMap((row, i) => row.slice(0, i + 1)))

/** F Fᵀ, packed. */
function square(factor: Float64Array, d: number): Float64Array {
  const result = new Float64Array(triangle(d))
  for (let i = 0, at = 0; i < d; i++) {
    for (let j = 0; j <= i; j++, at++) {
      for (let k = 0; k < d; k++) result[at]! += factor[i * d + k]! * factor[j * d + k]!
    }
  }
  return result
}
const farthest = (a: Float64Array, b: Float64Array): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))

/** Σ x xᵀ of `rows` seeded normal vectors: of rank min(rows, d). */
function scatterOf(d: number, rows: number, seed = 1): Float64Array {
  const stream = createStreams(seed)('scatter', d, rows)
  const result = new Float64Array(triangle(d))
  for (let row = 0; row < rows; row++) {
    const x = Float64Array.from({ length: d }, () => stream.normal())
    for (let i = 0, at = 0; i < d; i++)
      for (let j = 0; j <= i; j++, at++) result[at]! += x[i]! * x[j]!
  }
  return result
}

describe('Cholesky', () => {
  it('F1: gives the factor of the fixture', () => {
    const lower = [...cholesky(F1, 2, 0)!].map((value) => Number(value.toFixed(6)))
    expect(lower).toEqual([1.722401, 0, 0.967641, 2.555452])
  })

  it('says where a matrix is not positive definite', () => {
    expect(cholesky(packedOf([[1], [2, 1]]), 2, 0)).toBeNull()
    expect(cholesky(packedOf([[1], [1, 1]]), 2, 0)).toBeNull()
    expect(cholesky(packedOf([[1], [1, 1]]), 2, 1e-3)).not.toBeNull()
    expect(cholesky(Float64Array.of(Number.NaN), 1, 0)).toBeNull()
  })
})

describe('eigenvalues', () => {
  it('F1: are those of the fixture', () => {
    const [low, high] = eigenvaluesOf(F1, 2)
    // The specification gives six digits, of which the last of the larger one is a rounding off.
    expect(Math.abs(low! - 2.416617)).toBeLessThan(1e-6)
    expect(Math.abs(high! - 8.016717)).toBeLessThan(1e-6)
  })

  it.each([1, 2, 3, 7, 33, 64])('are those of the library for %i features', async (d) => {
    const matrix = scatterOf(d, 2 * d)
    const { values } = await eigenOf(matrix, d)
    const largest = values.at(-1)!
    eigenvaluesOf(matrix, d).forEach((value, i) =>
      expect(Math.abs(value - values[i]!) / largest).toBeLessThan(1e-13),
    )
  })

  it('come out for matrices that are diagonal, of rank one, of zeros and indefinite', () => {
    expect([...eigenvaluesOf(packedOf([[3], [0, 1], [0, 0, 2]]), 3)]).toEqual([1, 2, 3])
    expect([...eigenvaluesOf(new Float64Array(triangle(4)), 4)]).toEqual([0, 0, 0, 0])
    const ones = eigenvaluesOf(new Float64Array(triangle(5)).fill(1), 5)
    expect(ones[4]).toBeCloseTo(5, 12)
    expect(Math.max(...ones.subarray(0, 4).map(Math.abs))).toBeLessThan(1e-14)
    const [low, high] = eigenvaluesOf(packedOf([[0], [1, 0]]), 2)
    expect([low, high]).toEqual([expect.closeTo(-1, 12), expect.closeTo(1, 12)])
  })

  it('tell rank and condition: dead units and few examples take away from the rank', () => {
    expect(spectrumOf(scatterOf(8, 30), 8).rank).toBe(8)
    expect(spectrumOf(scatterOf(8, 3), 8).rank).toBe(3)
    expect(spectrumOf(packedOf([[4], [0, 0], [0, 0, 0.5]]), 3)).toEqual({ rank: 2, condition: 8 })
    expect(spectrumOf(new Float64Array(triangle(2)), 2)).toEqual({ rank: 0, condition: null })
  })
})

describe('factors of covariances', () => {
  it('multiply to the covariance with jitter of the share that they tell', async () => {
    const covariance = scatterOf(6, 20)
    const { values, jitter, isTriangular, rank } = await factorOf(covariance, 6, 1e-4)
    expect({ jitter, isTriangular, rank }).toEqual({ jitter: 1e-4, isTriangular: true, rank: 6 })
    const trace = [0, 2, 5, 9, 14, 20].reduce((sum, at) => sum + covariance[at]!, 0)
    const added = covariance.slice()
    for (const at of [0, 2, 5, 9, 14, 20]) added[at]! += (1e-4 * trace) / 6 + 1e-12
    expect(farthest(square(values, 6), added)).toBeLessThan(1e-12)
  })

  it('take as much jitter as they need, and tell it', async () => {
    // Eigenvalues 1.05 and −0.05, mean variance 0.5: 1e-2 of it is too little, 1e-1 hardly enough.
    const indefinite = packedOf([[0.5], [0.549, 0.5]])
    const { jitter, isTriangular } = await factorOf(indefinite, 2, 1e-4)
    expect({ jitter, isTriangular }).toEqual({
      jitter: expect.closeTo(0.1, 12) as number,
      isTriangular: true,
    })
    for (const [mixed, needed] of [
      [0.504, 1e-2],
      [0.5004, 1e-3],
    ] as const) {
      const factor = await factorOf(packedOf([[0.5], [mixed, 0.5]]), 2, 1e-4)
      expect(factor.jitter).toBeCloseTo(needed, 12)
    }
  })

  it('come from the nearest matrix without negative eigenvalues where no jitter helps', async () => {
    // Eigenvalues 3 and −1, with the vectors (1, 1)/√2 and (1, −1)/√2.
    const { values, isTriangular, jitter } = await factorOf(packedOf([[1], [2, 1]]), 2, 1e-4)
    expect({ isTriangular, jitter }).toEqual({
      isTriangular: false,
      jitter: expect.closeTo(0.1, 12) as number,
    })
    expect(farthest(square(values, 2), Float64Array.of(1.5, 1.5, 1.5))).toBeLessThan(1e-12)
  })

  it('come from the diagonal where even that has no finite result', async () => {
    const huge = packedOf([[1e308], [-1.7e308, 1e308]])
    const { values } = await factorOf(huge, 2, 1e-4)
    expect([...values]).toEqual([1e154, 0, 0, 1e154])
  })

  it('begin with the jitter that is asked for, also above the largest that is tried otherwise', async () => {
    expect((await factorOf(F1, 2, 0.5)).jitter).toBe(0.5)
  })

  it('refuse numbers that are not finite', async () => {
    await expect(factorOf(Float64Array.of(Number.NaN), 1, 1e-4)).rejects.toMatchObject({
      code: 'update/not-finite',
    })
  })
})
