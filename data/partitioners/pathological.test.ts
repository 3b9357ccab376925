import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describePartition, partition } from './partitioner-list.js'

/** `counts[label]` rows of each label, in turns. */
function labelsOf(counts: readonly number[]): Int32Array {
  const longest = Math.max(...counts)
  const turns = Array.from({ length: longest }, (_, turn) =>
    counts.flatMap((count, label) => (turn < count ? [label] : [])),
  )
  return Int32Array.from(turns.flat())
}
const countsIn = (spec: string, counts: readonly number[], clients: number) => {
  const labels = labelsOf(counts)
  const classes = counts.length
  return describePartition(partition(spec, labels, { classes, clients }), labels, classes)
}

describe('pathological', () => {
  /** Enough clients for all classes, enough rows of every class for its holders; some classes without rows. */
  const cases = fc
    .record({
      rows: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 12, max: 40 })), {
        minLength: 2,
        maxLength: 8,
      }),
      clients: fc.integer({ min: 1, max: 12 }),
      each: fc.integer({ min: 1, max: 8 }),
      seed: fc.nat(1000),
    })
    .filter(({ rows, clients, each }) => {
      const present = rows.filter((count) => count > 0).length
      return each <= present && each * clients >= present
    })

  it('gives every client rows of exactly C classes, and every class its holders, evenly', () => {
    fc.assert(
      fc.property(cases, ({ rows, clients, each, seed }) => {
        const shares = countsIn(`pathological:${each}:seed=${seed}`, rows, clients)
        for (const { perClass } of shares)
          expect(perClass.filter((count) => count > 0)).toHaveLength(each)
        const held = rows.map((_, label) =>
          shares.map(({ perClass }) => perClass[label]!).filter((count) => count > 0),
        )
        const holders = held.filter((_, label) => rows[label]! > 0).map((counts) => counts.length)
        expect(Math.min(...holders)).toBeGreaterThan(0)
        expect(Math.max(...holders) - Math.min(...holders)).toBeLessThanOrEqual(1)
        for (const counts of held.filter(({ length }) => length > 0))
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('gives one client all classes where there is one client', () => {
    expect(countsIn('pathological:3', [5, 2, 1], 1)).toEqual([{ total: 8, perClass: [5, 2, 1] }])
  })

  it('combines classes at random, and divides their rows at random', () => {
    const hands = countsIn('pathological:2:seed=4', new Array<number>(10).fill(60), 30).map(
      ({ perClass }) => perClass.map((count) => Math.sign(count)).join(''),
    )
    expect(new Set(hands).size).toBeGreaterThan(10)
    const [first] = partition('pathological:1', labelsOf([40]), { classes: 1, clients: 2 })
    expect([...first!]).not.toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  it.each([
    ['more classes than there are', 3, [5, 5, 0], 4, /needs rows of 3 classes, there are 2/],
    ['too few clients', 2, [9, 9, 9, 9, 9], 2, /needs at least 3 clients, .* 5 classes/],
    ['too few rows of a class', 2, [30, 30, 3], 6, /needs 4 rows of every class.* has 3/],
  ])('refuses %s', (_, each, rows, clients, message) => {
    const divide = () => countsIn(`pathological:${each}`, rows, clients)
    expect(divide).toThrow(expect.objectContaining({ code: 'data/bad-partition' }))
    expect(divide).toThrow(message)
  })
})
