import { describe, expect, it } from 'vitest'
import { chanceOf, clopperPearson } from './binomial.js'

describe('exact binomial statements', () => {
  // By bisection of the binomial sum, in a program of its own.
  it.each([
    [0, 6, 0, 0.4592581264399005],
    [1, 6, 0.004210744514489468, 0.6412345789976748],
    [2, 6, 0.04327186829274167, 0.7772219044964876],
    [5, 6, 0.3587654210023251, 0.9957892554855104],
    [6, 6, 0.5407418735600994, 1],
    [3, 10, 0.06673951117773445, 0.6524528500599969],
    [17, 100, 0.1022649100355282, 0.2581754106321585],
    [0, 1, 0, 0.975],
    [1, 1, 0.025, 1],
  ])('interval of %i hits of %i', async (hits, of, low, high) => {
    const found = await clopperPearson({ hits, of })
    expect(found[0]).toBeCloseTo(low, 9)
    expect(found[1]).toBeCloseTo(high, 9)
  })

  it.each([
    [0, 6, 1],
    [1, 6, 0.058519850598999994],
    [2, 6, 0.001460447605],
    [3, 10, 0.00011384911790577965],
    [1, 1, 0.01],
  ])('probability of %i hits of %i or more at 1%%', async (hits, of, expected) => {
    expect(await chanceOf({ hits, of }, 0.01)).toBeCloseTo(expected, 12)
  })

  it('far tails keep their size', async () => {
    expect((await chanceOf({ hits: 17, of: 100 }, 0.01)) / 3.028309608779951e-16).toBeCloseTo(1, 6)
    expect(await chanceOf({ hits: 3, of: 3 }, 1)).toBe(1)
  })
})
