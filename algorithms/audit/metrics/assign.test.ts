import { describe, expect, it } from 'vitest'
import { createStreams, type Stream } from '#protocol/random.js'
import { assigned, cheapestAssignment } from './assign.js'

const stream = (seed: number): Stream => createStreams(seed)('test', 0, 0)
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

function permutations(values: readonly number[]): readonly (readonly number[])[] {
  if (values.length <= 1) return [values]
  return values.flatMap((first, i) =>
    permutations(values.toSpliced(i, 1)).map((rest) => [first, ...rest]),
  )
}
const costOf = (costs: readonly (readonly number[])[], order: readonly number[]): number =>
  order.reduce((sum, reconstruction, record) => sum + costs[reconstruction]![record]!, 0)

describe('assignment', () => {
  it('costs no more than any permutation', () => {
    for (let size = 1; size <= 6; size++) {
      for (let seed = 0; seed < 10; seed++) {
        const random = stream(100 * size + seed)
        const costs = range(size).map(() => range(size).map(() => random.uniform()))
        const order = cheapestAssignment(costs)
        const least = Math.min(...permutations(range(size)).map((one) => costOf(costs, one)))
        expect([...order].sort()).toEqual(range(size))
        expect(costOf(costs, order)).toBeCloseTo(least, 9)
      }
    }
  })

  it('equal reconstructions each get a record', () => {
    expect([...cheapestAssignment(range(5).map(() => range(5).map(() => 0.25)))].sort()).toEqual(
      range(5),
    )
  })

  it('a batch larger than permutations could be tried on comes back in order', () => {
    const random = stream(9)
    const records = range(32).map(() => Float32Array.from({ length: 9 }, () => random.uniform()))
    const order: readonly number[] = random.shuffle(range(32))
    const shuffled = order.map((i) => records[i]!.map((value) => value + 0.01))
    assigned(shuffled, records).forEach((found, i) => {
      expect(found[0]).toBeCloseTo(records[i]![0]! + 0.01, 6)
    })
  })
})
