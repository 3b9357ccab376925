import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { everyIndex, type Dataset } from '#data/dataset.js'
import { evenly } from './evenly.js'
import { drawCandidates, identificationOf, rankOf } from './identification.js'

const pool: Dataset = {
  name: 'pool',
  inputShape: [1, 1, 1],
  classes: ['a', 'b', 'c'],
  count: 60,
  features: new Float32Array(60),
  // 20 of each, but only 6 of c.
  labels: Int32Array.from({ length: 60 }, (_, i) => (i % 3 === 2 && i > 18 ? 0 : i % 3)),
}
const stream = () => createStreams(3)('test', 0, 0)

describe('a part of the examples', () => {
  it('is taken at even distances, and is all of them where there are few', () => {
    const all = { source: pool, indices: everyIndex(60) }
    expect([...evenly(all, 4).indices]).toEqual([0, 15, 30, 45])
    expect(evenly(all, 60).indices).toHaveLength(60)
  })
})

describe('identification', () => {
  it('the true record comes first only where it is strictly nearest', () => {
    expect(rankOf(0.1, [0.2, 0.3])).toBe(1)
    expect(rankOf(0.2, [0.2, 0.3])).toBe(2)
    expect(rankOf(0.4, [0.2, 0.3])).toBe(3)
    expect(rankOf(Number.NaN, [0.2])).toBe(2)
  })

  it('sums up ranks', async () => {
    const found = await identificationOf([1, 1, 3, 40], 100)
    expect(found).toMatchObject({ hits: 2, of: 4, candidates: 100, rate: 0.5, chance: 0.01 })
    expect(found.top5).toBe(0.75)
    expect(found.meanReciprocalRank).toBeCloseTo((1 + 1 + 1 / 3 + 1 / 40) / 4, 12)
    expect(found.pValue).toBeCloseTo(0.00059203, 7)
    expect(found.interval[0]).toBeCloseTo(0.0676, 4)
  })

  it('sets are drawn without repetition, of the right class, as large as the smallest class allows', () => {
    const labels = Int32Array.of(0, 1, 2, 0)
    const request = { labels, candidates: 15, stream: stream() }
    const sets = drawCandidates({ source: pool, indices: everyIndex(60) }, request)
    expect(sets).toHaveLength(4)
    sets.forEach(({ anyClass, sameClass }, i) => {
      expect(new Set(anyClass).size).toBe(14)
      expect(new Set(sameClass).size).toBe(6)
      expect([...sameClass].every((row) => pool.labels[row] === labels[i])).toBe(true)
    })
    expect([...sets[0]!.sameClass]).not.toEqual([...sets[3]!.sameClass])
  })

  it('only rows that are offered are drawn', () => {
    const indices = everyIndex(60).filter((row) => row % 2 === 0)
    const [set] = drawCandidates(
      { source: pool, indices },
      { labels: Int32Array.of(1), candidates: 100, stream: stream() },
    )
    expect([...set!.anyClass]).toEqual([...indices])
    expect([...set!.sameClass].every((row) => row % 2 === 0)).toBe(true)
  })

  it('a pool without others of the class is refused', () => {
    const indices = everyIndex(60).filter((row) => pool.labels[row] !== 2)
    expect(() =>
      drawCandidates(
        { source: pool, indices },
        { labels: Int32Array.of(2), candidates: 10, stream: stream() },
      ),
    ).toThrow(/no other records of the same class/)
  })
})
