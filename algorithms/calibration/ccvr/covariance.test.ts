/** Covariances of classes with few examples, or none, and of covariance modes that tell less (ccvr specification §4.1, §7). */
import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import { gatheredFrom, mergedOf, PLAIN, type Labelled } from '#testing/ccvr-lab.js'
import { distance } from '#testing/naive-moments.js'
import { globalClasses, pooledCovariance } from './covariance.js'
import type { ClassStatistics } from './moments.js'

/**
 * By hand, d = 2. Class 0, 3 examples: mean (2, 1), scatter [[2, −2], [−2, 2]]. Class 1, 2 examples: mean (1, 4), scatter
 * [[2, 6], [6, 18]]. Class 2: one example. Class 3: none. Σ_W = [[4, 4], [4, 20]] / (2 + 1).
 */
const held: Labelled = {
  rows: [
    [1, 2],
    [3, 0],
    [2, 1],
    [0, 1],
    [2, 7],
    [5, 5],
  ],
  labels: [0, 0, 0, 1, 1, 2],
}
const statistics = (shape: 'full' | 'diag' | 'none' = 'full'): Promise<ClassStatistics> =>
  mergedOf([held], { width: 2, classes: 4, shape })
const WITHIN = [4 / 3, 4 / 3, 20 / 3]

beforeAll(async () => void (await useBackend('cpu')))

describe('classes as they are sampled from', () => {
  it('have a status by their number of examples, one entry for every label', async () => {
    const classes = globalClasses(gatheredFrom(await statistics()), PLAIN)
    expect(classes.map(({ label, n, status }) => [label, n, status])).toEqual([
      [0, 3, 'ok'],
      [1, 2, 'low-rank'],
      [2, 1, 'single'],
      [3, 0, 'missing'],
    ])
    expect(classes[3]).toMatchObject({
      covariance: null,
      mean: Float64Array.of(0, 0),
      clients: 0,
      betweenClients: null,
    })
    expect(classes[0]).toMatchObject({
      clients: 2,
      mean: Float64Array.of(2, 1),
      betweenClients: null,
    })
  })

  it('know how many clients hold them, and what lies between these, where that was told', async () => {
    const [own, , , missing] = globalClasses(
      {
        statistics: await statistics(),
        clientsByClass: new Map([[0, 5]]),
        betweenByClass: new Map([[0, 0.25]]),
      },
      PLAIN,
    )
    expect(own).toMatchObject({ clients: 5, betweenClients: 0.25 })
    expect(missing).toMatchObject({ clients: 0 })
    const [summed, , , absent] = globalClasses(
      { statistics: await statistics(), clientsByClass: new Map(), betweenByClass: new Map() },
      PLAIN,
    )
    expect([summed, absent]).toMatchObject([
      { clients: null, betweenClients: null },
      { clients: null },
    ])
  })

  it('of one example have the covariance within classes', async () => {
    const full = await statistics()
    expect(distance([...pooledCovariance(full)], WITHIN)).toBeLessThan(1e-14)
    const single = globalClasses(gatheredFrom(full), PLAIN)[2]!
    expect(distance([...single.covariance!], WITHIN)).toBeLessThan(1e-14)
    expect([...single.mean]).toEqual([5, 5])
  })

  it('of fewer examples than features are pulled towards it, and no others', async () => {
    // λ = κ / (κ + N − 1) = 3 / (3 + 1).
    const classes = globalClasses(gatheredFrom(await statistics()), { ...PLAIN, shrinkKappa: 3 })
    const own = [2, 6, 18]
    const expected = own.map((value, at) => 0.25 * value + 0.75 * WITHIN[at]!)
    expect(distance([...classes[1]!.covariance!], expected)).toBeLessThan(1e-14)
    expect([...classes[0]!.covariance!]).toEqual([1, -1, 1])
    const unpulled = globalClasses(gatheredFrom(await statistics()), PLAIN)
    expect([...unpulled[1]!.covariance!]).toEqual(own)
  })

  it('have zeros off the diagonal for covMode diag, and everywhere for none', async () => {
    const diag = globalClasses(gatheredFrom(await statistics('diag')), {
      ...PLAIN,
      covMode: 'diag',
    })
    expect([...diag[0]!.covariance!]).toEqual([1, 0, 1])
    expect([...diag[1]!.covariance!]).toEqual([2, 0, 18])
    expect(distance([...diag[2]!.covariance!], [WITHIN[0]!, 0, WITHIN[2]!])).toBeLessThan(1e-14)
    const none = globalClasses(gatheredFrom(await statistics('none')), {
      ...PLAIN,
      covMode: 'none',
    })
    expect(none.map(({ covariance }) => covariance && [...covariance])).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      null,
    ])
  })

  it('are estimated from the means of clients alone for covMode means-only', () => {
    // Two clients of 2 and 4 examples, means (0, 3) and (3, 0): μ = (2, 1), Σ n (μ_k − μ)(μ_k − μ)ᵀ = 12 [[1, −1], [−1, 1]].
    const moments = (n: number) => ({
      n,
      mean: Float64Array.of(2, 1),
      scatter: Float64Array.of(12, -12, 12),
    })
    const byClass = new Map([
      [0, moments(6)],
      [1, moments(6)],
      [2, { ...moments(1), scatter: new Float64Array(3) }],
    ])
    const gathered = {
      statistics: { d: 2, classes: 3, shape: 'full' as const, byClass },
      clientsByClass: new Map([
        [0, 2],
        [1, 4],
        [2, 1],
      ]),
      betweenByClass: new Map(),
    }
    const options = {
      ...PLAIN,
      covMode: 'means-only',
      meansOnlyFloor: 0.5,
      shrinkKappa: 10,
    } as const
    const classes = globalClasses(gathered, options)
    expect([...classes[0]!.covariance!]).toEqual([12.5, -12, 12.5])
    expect([...classes[1]!.covariance!]).toEqual([4.5, -4, 4.5])
    expect([...classes[2]!.covariance!]).toEqual([0.5, 0, 0.5])
  })
})
