import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { SeparableCmaEs } from './cma-es.js'

type Loss = (x: Float64Array) => number

function minimum(loss: Loss, size: number, generations: number): Float64Array {
  const stream = createStreams(4)('test/cma', 0, 0)
  const evolution = new SeparableCmaEs({ size, population: 16 })
  for (let i = 0; i < generations; i++) {
    evolution.tell(evolution.ask(stream).map((one) => loss(one)))
  }
  return evolution.mean
}

describe('separable CMA-ES', () => {
  it('finds the minimum of a bowl', () => {
    const found = minimum((x) => x.reduce((sum, value) => sum + (value - 1.5) ** 2, 0), 6, 150)
    found.forEach((value) => expect(value).toBeCloseTo(1.5, 3))
  })

  it('learns the scales of a bowl that is a thousand times steeper along some axes', () => {
    const loss: Loss = (x) =>
      x.reduce((sum, value, j) => sum + 1000 ** (j / 5) * (value + 0.5) ** 2, 0)
    minimum(loss, 6, 300).forEach((value) => expect(value).toBeCloseTo(-0.5, 3))
  })

  it('follows its formulas for one generation', () => {
    // λ = 2, so μ = 1: the mean goes to the better candidate, and y = (x − m) / s.
    const stream = createStreams(4)('test/cma', 0, 0)
    const evolution = new SeparableCmaEs({ size: 2, population: 2 })
    const [first] = evolution.ask(stream)
    evolution.tell([1, 2])
    expect([...evolution.mean]).toEqual([...first!])
    const [n, muEff] = [2, 1]
    const cs = (muEff + 2) / (n + muEff + 5)
    const ds = 1 + cs
    const chi = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
    const length = Math.sqrt(cs * (2 - cs)) * Math.hypot(first![0]! / 0.5, first![1]! / 0.5)
    expect(evolution.step).toBeCloseTo(0.5 * Math.exp((cs / ds) * (length / chi - 1)), 12)
  })

  it('takes a loss that is no number for the worst', () => {
    const found = minimum((x) => (x[0]! < 0 ? Number.NaN : (x[0]! - 1) ** 2), 1, 100)
    expect(found[0]).toBeCloseTo(1, 3)
  })

  it('draws the same from the same stream', () => {
    const bowl: Loss = (x) => x.reduce((sum, value) => sum + value * value, 0)
    expect(minimum(bowl, 3, 10)).toEqual(minimum(bowl, 3, 10))
  })
})
