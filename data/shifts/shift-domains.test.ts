import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { everyIndex } from '#data/dataset.js'
import { parseShift } from './shift.js'
import { describeShift, domainsOfRows } from './shift-domains.js'

const ROWS = everyIndex(4000)
const four = 'none,invert,scale=2,offset=1'
const domainsOf = (spec: string, slot: number, split: 'train' | 'test' = 'train') =>
  domainsOfRows(parseShift(spec), ROWS, { slot, split })
const sharesOf = (of: Uint8Array): number[] =>
  [0, 1, 2, 3].map((domain) => of.filter((one) => one === domain).length / of.length)

describe('the domain of a row', () => {
  it('hangs on specification, split, row and slot alone, whichever rows come with it', () => {
    const modes = fc.constantFrom('mixed', 'split', 'skewed=0.3')
    const rows = fc.uniqueArray(fc.nat(1_000_000), { minLength: 1, maxLength: 30 })
    const cases = fc.record({ mode: modes, seed: fc.nat(99), rows, slot: fc.nat(20) })
    fc.assert(
      fc.property(cases, ({ mode, seed, rows: some, slot }) => {
        const shift = parseShift(`${mode}:${four}:seed=${seed}`)
        const place = { slot, split: 'train' } as const
        const together = domainsOfRows(shift, Int32Array.from(some), place)
        const alone = some.map((row) => domainsOfRows(shift, Int32Array.of(row), place)[0])
        expect([...together]).toEqual(alone)
      }),
      { numRuns: 60 },
    )
  })

  it('is uniformly random in mixed, the same for every client, another for another seed or split', () => {
    const of = domainsOf(`mixed:${four}`, 0)
    // The standard error of a share is √(¼ ¾ / 4000) ≈ 0.007.
    for (const share of sharesOf(of)) expect(Math.abs(share - 0.25)).toBeLessThan(0.03)
    expect(domainsOf(`mixed:${four}`, 5)).toEqual(of)
    expect(domainsOf(`mixed:${four}:seed=1`, 0)).not.toEqual(of)
    expect(domainsOf(`mixed:${four}`, 0, 'test')).not.toEqual(of)
  })

  it("is the client's own in split: client i has domain i mod the number of domains", () => {
    const ofSlots = [0, 3, 4, 6].map((slot) => new Set(domainsOf(`split:${four}`, slot)))
    expect(ofSlots).toEqual([new Set([0]), new Set([3]), new Set([0]), new Set([2])])
  })

  it("follows each client's own draw from a Dirichlet distribution in skewed", () => {
    const skewed = Array.from({ length: 30 }, (_, slot) =>
      sharesOf(domainsOf(`skewed=0.1:${four}:seed=3`, slot)),
    )
    expect(new Set(skewed.map(String)).size).toBeGreaterThan(25)
    // With alpha 0.1 and four domains the largest share is near 1 for most clients, and it is not always the same domain's.
    expect(skewed.filter((shares) => Math.max(...shares) > 0.7).length).toBeGreaterThan(15)
    const largest = skewed.map((shares) => shares.indexOf(Math.max(...shares)))
    expect(new Set(largest).size).toBe(4)
    const even = sharesOf(domainsOf(`skewed=1000000:${four}`, 0))
    for (const share of even) expect(Math.abs(share - 0.25)).toBeLessThan(0.03)
  })
})

describe('describeShift', () => {
  const parts = [Int32Array.of(0, 1, 2), Int32Array.of(3, 4), Int32Array.of(5)]
  const shared = { parts, inputShape: [2], split: 'train' } as const

  it('counts the rows of each domain for each client', () => {
    expect(describeShift('split:none,invert', shared)).toEqual({
      domains: ['none', 'invert'],
      perClient: [
        [3, 0],
        [0, 2],
        [1, 0],
      ],
    })
    const { perClient } = describeShift('mixed:none,invert', shared)
    expect(perClient.map(([a = 0, b = 0]) => a + b)).toEqual([3, 2, 1])
  })

  it('refuses what cannot be done to the rows', () => {
    expect(() => describeShift('mixed:rotate=90', shared)).toThrow(/rotate needs images/)
    expect(() => describeShift('mixed', shared)).toThrow(/Shift "mixed"/)
  })
})
