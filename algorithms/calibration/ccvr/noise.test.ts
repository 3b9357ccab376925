/** Invariant 20 of the ccvr specification (§15), and what else privacy of the statistics is made of (§10). */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { FEDERATION, gatheredFrom, mergedOf, streamOf, unevenClients } from '#testing/ccvr-lab.js'
import {
  apart,
  covarianceOf,
  distance,
  eigenvalues,
  largest,
  matrixOf,
} from '#testing/naive-moments.js'
import { diagonalAt, triangle } from '#algorithms/matrix/packed.js'
import { globalClasses } from './covariance.js'
import { noiseDeviation } from './gaussian-mechanism.js'
import { ccvrHyper, type CcvrHyper } from './hyper.js'
import { linearSums } from './merge.js'
import { scatterSize } from './moments.js'
import type { ClassStatistics, ScatterShape } from './moments.js'
import { noisyStatistics, noisySums, privatised } from './noise.js'
import { clipRow } from './transform.js'

beforeAll(async () => void (await useBackend('cpu')))

const clients = unevenClients(7, { clients: 6, ...FEDERATION })
const clippedTo = (clipNorm: number) => (row: Float64Array) => clipRow(row, clipNorm)
const merged = (shape: ScatterShape = 'full', clipNorm = Infinity): Promise<ClassStatistics> =>
  mergedOf(clients, { ...FEDERATION, shape, transform: clippedTo(clipNorm) })
const silent = { deviation: 0, radius: Infinity, streamOf: () => streamOf(1) }
const noisy = (deviation: number, radius = 2, seed = 1) => ({
  ...{ deviation, radius },
  streamOf: (label: number) => createStreams(seed)('noise', 0, label),
})
const deviationOf = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)

describe('differential privacy of the statistics', () => {
  it.each(['full', 'diag', 'none'] as const)(
    'I20: without noise and without a bound nothing changes (%s)',
    async (shape) => {
      const plain = await merged(shape)
      expect(apart(await noisyStatistics(plain, silent), plain)).toBeLessThan(1e-10)
    },
  )

  it('I20: clipping never makes a vector longer, turns none, and leaves short ones alone', () => {
    const row = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(row, fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (values, clipNorm) => {
        const clipped = Float64Array.from(values)
        clipRow(clipped, clipNorm)
        const [before, after] = [Math.hypot(...values), Math.hypot(...clipped)]
        expect(after).toBeLessThanOrEqual(Math.min(clipNorm, before * (1 + 1e-15)))
        if (before < 0.999 * clipNorm) expect([...clipped]).toEqual(values)
        const scale = before === 0 ? 1 : after / before
        expect(
          distance(
            [...clipped],
            values.map((value) => value * scale),
          ),
        ).toBeLessThan(1e-9)
      }),
    )
  })

  it('I20: noise has the deviation that it should have, in the units of each sum', () => {
    const d = 80
    const zeros = {
      ...{ n: 0, sum: new Float64Array(d) },
      products: new Float64Array(triangle(d)),
    }
    const [counts, sums, own, mixed] = [[], [], [], []] as number[][]
    for (let k = 0; k < 5000; k++) {
      const small = { ...zeros, sum: new Float64Array(1), products: new Float64Array(1) }
      const stream = createStreams(3)('noise', 0, k)
      counts!.push(noisySums(small, 'full', { deviation: 1.7, radius: 3, stream }).n)
    }
    for (let k = 0; k < 60; k++) {
      const stream = createStreams(4)('noise', 0, k)
      const { sum, products } = noisySums(zeros, 'full', { deviation: 1.7, radius: 3, stream })
      sums!.push(...sum)
      for (let i = 0; i < d; i++) own!.push(products[diagonalAt(i)]!)
      for (let i = 1; i < d; i++) mixed!.push(products[diagonalAt(i) - 1]!)
    }
    const expected = [1.7, 1.7 * 3, 1.7 * 9, (1.7 * 9) / Math.SQRT2]
    ;[counts, sums, own, mixed].forEach((values, i) => {
      const ratio = deviationOf(values!) / expected[i]!
      expect(ratio).toBeGreaterThan(0.95)
      expect(ratio).toBeLessThan(1.05)
    })
  })

  it('I20: the noise has the norm that the sensitivity is counted in', () => {
    // (n, Σz/R, Σzzᵀ/R²) of one vector of length R has the norm √3, with Σzzᵀ counted as a matrix.
    const z = Float64Array.of(1.2, -1.6)
    const { n, sum, products } = linearSums({ n: 1, mean: z, scatter: new Float64Array(3) }, 'full')
    const matrix = matrixOf(products, 2).flat()
    expect(Math.hypot(n, ...sum.map((v) => v / 2), ...matrix.map((v) => v / 4))).toBeCloseTo(
      Math.sqrt(3),
      12,
    )
  })

  it.each(['full', 'diag'] as const)(
    'I20: whatever the noise, no covariance has a negative eigenvalue (%s)',
    async (shape) => {
      for (const deviation of [0.5, 3, 20]) {
        const { byClass } = await noisyStatistics(await merged(shape), noisy(deviation))
        for (const moments of byClass.values()) {
          if (shape === 'diag')
            expect(Math.min(...moments.scatter) / (moments.n - 1)).toBeGreaterThanOrEqual(0.999e-6)
          else {
            const values = eigenvalues(covarianceOf(moments))
            expect(values[0]).toBeGreaterThan(1e-6 - 1e-12 * values.at(-1)!)
          }
        }
      }
    },
  )

  const lifted = 1.5 + 0.5e-6
  it.each([
    // Σ = [[1, 2], [2, 1]] has 3 along (1, 1) and −1 along (1, −1), which becomes 1e-6.
    { scatter: [10, 20, 10], expected: [10 * lifted, 15 - 5e-6, 10 * lifted] },
    { scatter: [0, 0, 40], expected: [1e-5, 0, 40] },
  ])('lifts the eigenvalues that are too small and leaves the others alone', async (one) => {
    const scatter = Float64Array.from(one.scatter)
    const byClass = new Map([[0, { n: 11, mean: new Float64Array(2), scatter }]])
    const known = await noisyStatistics({ d: 2, classes: 1, shape: 'full', byClass }, silent)
    expect(distance([...known.byClass.get(0)!.scatter], one.expected)).toBeLessThan(1e-12)
  })

  it('gives every class noise of its own, also one that nobody holds, and takes what is drowned as missing', async () => {
    const moments = { n: 50, mean: new Float64Array(1), scatter: new Float64Array(1) }
    const statistics = {
      d: 1,
      classes: 400,
      shape: 'full',
      byClass: new Map([[7, moments]]),
    } as const
    const { byClass } = await noisyStatistics(statistics, noisy(1))
    expect(byClass.has(7)).toBe(true)
    // P(ξ > 2) = 2.3 %: nine of 400 classes that are not there seem to be.
    expect(byClass.size).toBeGreaterThan(3)
    expect(byClass.size).toBeLessThan(20)
    for (const { n } of byClass.values()) {
      expect(Number.isInteger(n)).toBe(true)
      expect(n).toBeGreaterThanOrEqual(2)
    }
    expect(new Set([...byClass.values()].map(({ mean }) => mean[0])).size).toBe(byClass.size)
  })
})

describe('privatised statistics', () => {
  const options = (hyper: Partial<CcvrHyper>) => ({
    ...{ hyper: { ...ccvrHyper.parse({ clipNorm: 2 }), ...hyper } },
    ...{ streams: createStreams(2), trainingRounds: 3 },
  })

  it('I20: are what was gathered where no epsilon is given', async () => {
    const gathered = { ...gatheredFrom(await merged()), answered: [0, 1] }
    expect(await privatised(gathered, options({}))).toBe(gathered)
  })

  it('come nearer to what was gathered the larger epsilon is, and tell no exact number', async () => {
    const statistics = await merged('full', 2)
    const gathered = { ...gatheredFrom(statistics), answered: [0, 1] }
    const distances: number[] = []
    for (const epsilon of [1, 10, 1000]) {
      const known = await privatised(gathered, options({ epsilon }))
      expect(known).toMatchObject({
        clientsByClass: new Map(),
        betweenByClass: new Map(),
        answered: [0, 1],
      })
      const [label, { mean, n }] = [...statistics.byClass][0]!
      const own = known.statistics.byClass.get(label)
      distances.push(
        own === undefined ? Infinity : Math.abs(own.n - n) + distance([...own.mean], [...mean]),
      )
    }
    expect(distances.toSorted((a, b) => b - a)).toEqual(distances)
    expect(distances.at(-1)).toBeLessThan(0.5)
  })

  it.each([
    ['full', 3],
    ['diag', 3],
    ['none', 2],
  ] as const)('have the noise of the sensitivity of their sums (%s)', async (shape, parts) => {
    const d = 4000
    const size = scatterSize(1, shape)
    const moments = { n: 1000, mean: new Float64Array(1), scatter: new Float64Array(size) }
    const byClass = new Map(Array.from({ length: d }, (_, label) => [label, moments]))
    const statistics = { d: 1, classes: d, shape, byClass }
    const known = await privatised(
      { ...gatheredFrom(statistics), answered: [] },
      options({ epsilon: 0.5 }),
    )
    const deviation = await noiseDeviation({
      epsilon: 0.5,
      delta: 1e-5,
      sensitivity: Math.sqrt(parts),
    })
    const sums = [...known.statistics.byClass.values()].map(({ n, mean }) => n * mean[0]!)
    expect(deviationOf(sums) / (2 * deviation)).toBeCloseTo(1, 1)
  })

  it('are repeated with the same seed, and drawn anew after other training rounds', async () => {
    const gathered = { ...gatheredFrom(await merged('full', 2)), answered: [] }
    const own = options({ epsilon: 4 })
    const [first, again, later] = await Promise.all(
      [own, own, { ...own, trainingRounds: 4 }].map((one) => privatised(gathered, one)),
    )
    expect(again).toEqual(first)
    expect(later).not.toEqual(first)
  })

  it('make classes of finite numbers', async () => {
    const known = await privatised(
      { ...gatheredFrom(await merged('full', 2)), answered: [] },
      options({ epsilon: 1 }),
    )
    for (const { mean, covariance } of globalClasses(known, ccvrHyper.parse({}))) {
      expect(Number.isFinite(largest(mean))).toBe(true)
      expect(Number.isFinite(largest(covariance ?? []))).toBe(true)
    }
  })
})
