import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bundleHash, decodeBundle, encodeBundle, makeBundle } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import { unwrap } from '#protocol/result.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import type { Folded, GatheredPayload } from '#algorithms/methods/method.js'
import { gatheredGroup, summedGroup } from '#algorithms/methods/update.js'
import { createFold } from './fold.js'
import { meanGridFor } from './grid.js'
import { validateUpdate } from './validate.js'

const SIZE = 3
const MAX_EXAMPLES = 1000
const grid = meanGridFor({ maxMembers: 20, maxExamples: MAX_EXAMPLES, maxAbs: 8 })

const group = (change: Partial<UplinkGroup>): UplinkGroup => ({
  name: 'delta',
  tensors: [{ name: 'w', shape: [SIZE], dtype: 'float32' }],
  reduce: 'mean',
  weight: 'examples',
  grid,
  privacyClass: 'model-delta',
  maxBytes: 4 * SIZE,
  ...change,
})
const delta = group({})
const equal = group({ name: 'equal', weight: 'uniform' })
const total = group({ name: 'total', reduce: 'sum', weight: 'none' })
const rows = group({
  name: 'rows',
  tensors: [{ name: 'x', shape: [null], dtype: 'float32' }],
  reduce: 'gather',
  weight: 'none',
  grid: null,
  maxBytes: 400,
})
const UPLINK = [delta, equal, total, rows]

interface Member {
  readonly slot: number
  readonly weight: number
  readonly values: readonly number[]
}
const tensor = (name: string, values: readonly number[]) => ({
  name,
  shape: [values.length],
  dtype: 'float32' as const,
  data: Float32Array.from(values),
})
const updateOf = ({ slot, values }: Member): Bundle =>
  makeBundle([
    tensor('delta/w', values),
    tensor('equal/w', values),
    tensor('total/w', values),
    tensor('rows/x', [slot, ...values]),
  ])
const foldOf = (members: readonly Member[]) => {
  const fold = createFold(UPLINK)
  for (const member of members) fold.add({ ...member, update: updateOf(member) })
  return fold
}
const gathered = async (folded: Folded): Promise<readonly GatheredPayload[]> => {
  const payloads: GatheredPayload[] = []
  for await (const payload of gatheredGroup(folded, 'rows').payloads()) payloads.push(payload)
  return payloads
}
/** Everything a round's close can see, as bytes. */
const fingerprint = async (folded: Folded): Promise<string> => {
  const values = (['delta', 'equal', 'total'] as const).flatMap((name) => {
    const { tensors, totalWeight, count } = summedGroup(folded, name)
    return [...(tensors['w'] ?? []), totalWeight, count]
  })
  const payloads = (await gathered(folded)).flatMap(({ slot, weight, tensors }) => [
    slot,
    weight,
    ...(tensors['x']?.data ?? []),
  ])
  return JSON.stringify([values, folded.reporters, payloads])
}

const memberValues = fc.record({
  weight: fc.integer({ min: 1, max: MAX_EXAMPLES }),
  values: fc.array(fc.float({ min: -8, max: 8, noNaN: true }), {
    minLength: SIZE,
    maxLength: SIZE,
  }),
})
const anyMembers = fc
  .array(memberValues, { minLength: 1, maxLength: 8 })
  .map((list) => list.map((member, slot) => ({ slot, ...member })))

describe('folding a round', () => {
  it('averages by weight, averages equally, sums, and gathers', async () => {
    // delta: (1·1 + 3·2)/4 = 1.75, (−2 + 3·4)/4 = 2.5; equal: 1.5, 1; total: 3, 2.
    const folded = foldOf([
      { slot: 4, weight: 3, values: [2, 4, 0] },
      { slot: 2, weight: 1, values: [1, -2, 0] },
    ]).finish({ population: 9 })
    expect(summedGroup(folded, 'delta')).toEqual({
      reduce: 'mean',
      tensors: { w: Float64Array.of(1.75, 2.5, 0) },
      totalWeight: 4,
      count: 2,
    })
    expect(summedGroup(folded, 'equal').tensors['w']).toEqual(Float64Array.of(1.5, 1, 0))
    expect(summedGroup(folded, 'total').tensors['w']).toEqual(Float64Array.of(3, 2, 0))
    expect((await gathered(folded)).map(({ slot, weight }) => [slot, weight])).toEqual([
      [2, 1],
      [4, 3],
    ])
    expect(folded).toMatchObject({ reporters: [2, 4], population: 9 })
  })

  it('gives the same bytes for every order of arrival', async () => {
    const inAnyOrder = anyMembers.chain((members) =>
      fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length })),
    )
    await fc.assert(
      fc.asyncProperty(inAnyOrder, async ([members, shuffled]) => {
        const expected = await fingerprint(foldOf(members).finish({ population: 20 }))
        expect(await fingerprint(foldOf(shuffled).finish({ population: 20 }))).toBe(expected)
      }),
    )
  })

  it('gives the same bytes for every grouping into partials of partials', async () => {
    const grouped = fc.tuple(anyMembers, fc.array(fc.nat(2), { minLength: 8, maxLength: 8 }))
    await fc.assert(
      fc.asyncProperty(grouped, async ([members, places]) => {
        const travel = (bundle: Bundle): Bundle => unwrap(decodeBundle(encodeBundle(bundle)))
        const inner = createFold(UPLINK)
        const outer = createFold(UPLINK)
        for (const place of [0, 1]) {
          const mine = members.filter((_, i) => places[i] === place)
          if (mine.length > 0) inner.addPartial(travel(foldOf(mine).toPartial()))
        }
        for (const member of members.filter((_, i) => places[i] === 2)) {
          outer.add({ ...member, update: updateOf(member) })
        }
        outer.addPartial(travel(inner.toPartial()))
        const expected = await fingerprint(foldOf(members).finish({ population: 20 }))
        expect(await fingerprint(outer.finish({ population: 20 }))).toBe(expected)
      }),
    )
  })

  it('leaves the same partial whatever the order was', () => {
    const members = [5, 1, 3].map((slot) => ({
      slot,
      weight: slot,
      values: [0.1 * slot, -slot, 1 / slot],
    }))
    expect(bundleHash(foldOf(members).toPartial())).toBe(
      bundleHash(foldOf(members.toReversed()).toPartial()),
    )
  })

  it('returns the update itself when all members send the same one', () => {
    const onGrid = fc.array(
      fc.integer({ min: -(2 ** 20), max: 2 ** 20 }).map((step) => step * 2 ** -18),
      { minLength: SIZE, maxLength: SIZE },
    )
    fc.assert(
      fc.property(onGrid, fc.integer({ min: 1, max: 9 }), (values, count) => {
        const members = Array.from({ length: count }, (_, slot) => ({
          slot,
          weight: 1 + 7 * slot,
          values,
        }))
        const { tensors } = summedGroup(foldOf(members).finish({ population: 9 }), 'delta')
        expect([...tensors['w']!].map((value) => value + 0)).toEqual(
          values.map((value) => value + 0),
        )
      }),
    )
  })

  it('rounds by at most half a step of the grid', () => {
    fc.assert(
      fc.property(anyMembers, (members) => {
        const weights = members.reduce((sum, { weight }) => sum + weight, 0)
        const { tensors } = summedGroup(foldOf(members).finish({ population: 20 }), 'delta')
        for (let i = 0; i < SIZE; i++) {
          const exact =
            members.reduce((sum, m) => sum + m.weight * Math.fround(m.values[i]!), 0) / weights
          expect(Math.abs(tensors['w']![i]! - exact)).toBeLessThanOrEqual(
            2 ** -(grid.bits + 1) + 1e-14,
          )
        }
      }),
    )
  })

  it('changes when one bit of one update changes', async () => {
    const members = [0, 1, 2].map((slot) => ({ slot, weight: 5, values: [0.5, -0.25, 3] }))
    const bits = new Uint32Array(Float32Array.of(0.5).buffer)
    bits[0]! ^= 1 << 3
    const flipped = new Float32Array(bits.buffer)[0]!
    const changed = members.map((m) => (m.slot === 1 ? { ...m, values: [flipped, -0.25, 3] } : m))
    const before = await fingerprint(foldOf(members).finish({ population: 3 }))
    expect(await fingerprint(foldOf(changed).finish({ population: 3 }))).not.toBe(before)
  })

  it('refuses the same slot twice, alone and inside a partial', () => {
    const member = { slot: 1, weight: 2, values: [1, 2, 3] }
    const fold = foldOf([member])
    const twice: unknown = expect.objectContaining({ code: 'algorithm/failed' })
    expect(() => fold.add({ ...member, update: updateOf(member) })).toThrow(twice)
    expect(() => fold.addPartial(foldOf([member]).toPartial())).toThrow(twice)
  })

  it('refuses to grow beyond what its grid sums exactly', () => {
    const narrow = createFold([group({ grid: { bits: 40, maxAbs: 8 } })])
    // 2^43 steps an element: 1023 · 2^43 is still below 2^53, 1024 · 2^43 is not.
    const update = makeBundle([tensor('delta/w', [8, 8, 8])])
    narrow.add({ slot: 0, weight: 1023, update })
    expect(() => narrow.add({ slot: 1, weight: 1, update })).toThrow(
      expect.objectContaining({ code: 'config/impossible' }),
    )
  })

  it('refuses to finish without a single update', () => {
    expect(() => createFold(UPLINK).finish({ population: 3 })).toThrow(
      expect.objectContaining({ code: 'round/too-few-reporters' }),
    )
  })

  it('finishes without one where a round may close empty: zeros, of no weight', async () => {
    const folded = createFold(UPLINK).finish({ population: 3, mayBeEmpty: true })
    expect(folded).toMatchObject({ reporters: [], population: 3 })
    for (const { name, reduce } of UPLINK) {
      if (reduce === 'gather') {
        for await (const _ of gatheredGroup(folded, name).payloads()) throw new Error('Nobody sent')
        continue
      }
      const { count, totalWeight, tensors } = summedGroup(folded, name)
      expect([count, totalWeight]).toEqual([0, 0])
      for (const values of Object.values(tensors)) expect(values.every((v) => v === 0)).toBe(true)
    }
  })

  it('reads gathered payloads one after the other, only when they are walked', async () => {
    const read: number[] = []
    const fold = createFold([rows])
    for (const slot of [2, 0, 1]) {
      const update = makeBundle([tensor('rows/x', [slot])])
      const reload = async () => {
        read.push(slot)
        return update
      }
      fold.add({ slot, weight: 1, update, reload })
    }
    const folded = fold.finish({ population: 3 })
    expect(read).toEqual([])
    for await (const { slot } of gatheredGroup(folded, 'rows').payloads()) {
      expect(read.at(-1)).toBe(slot)
    }
    expect(read).toEqual([0, 1, 2])
    expect(() => fold.toPartial()).toThrow(expect.objectContaining({ code: 'algorithm/failed' }))
  })
})

describe('checking an update before it counts', () => {
  const good = (): Member => ({ slot: 0, weight: 4, values: [1, 2, 3] })
  const check = (update: Bundle, weight = 4) =>
    validateUpdate(update, weight, { uplink: UPLINK, maxExamples: MAX_EXAMPLES })?.code ?? null
  const withDelta = (values: readonly number[]) =>
    makeBundle([
      tensor('delta/w', values),
      ...[equal, total].map((g) => tensor(`${g.name}/w`, [1, 2, 3])),
      tensor('rows/x', []),
    ])

  it('lets a good one pass', () => expect(check(updateOf(good()))).toBeNull())

  it.each([
    [NaN, 'update/not-finite'],
    [Infinity, 'update/not-finite'],
    [-Infinity, 'update/not-finite'],
    [8.001, 'update/out-of-range'],
    [-9, 'update/out-of-range'],
    [8, null],
    [-0, null],
  ])('with an element of %d says %s', (value, code) => {
    for (let place = 0; place < SIZE; place++) {
      expect(check(withDelta([1, 1, 1].with(place, value)))).toBe(code)
    }
  })

  it('looks for NaN in gathered tensors too', () => {
    expect(check(updateOf({ slot: NaN, weight: 1, values: [1, 2, 3] }))).toBe('update/not-finite')
  })

  it.each([0, -1, 1.5, 1001, NaN, Infinity])('refuses a weight of %d', (weight) => {
    expect(check(updateOf(good()), weight)).toBe('update/bad-weight')
  })

  it('refuses missing, extra, renamed and reordered tensors', () => {
    const tensors = [
      tensor('delta/w', [1, 2, 3]),
      tensor('equal/w', [1, 2, 3]),
      tensor('total/w', [1, 2, 3]),
      tensor('rows/x', []),
    ]
    expect(check(makeBundle(tensors))).toBeNull()
    expect(check(makeBundle(tensors.slice(1)))).toBe('update/malformed')
    expect(check(makeBundle([...tensors, tensor('more/w', [1])]))).toBe('update/malformed')
    expect(check(makeBundle(tensors.toReversed()))).toBe('update/malformed')
    expect(check(makeBundle(tensors.with(0, tensor('delta/v', [1, 2, 3]))))).toBe(
      'update/malformed',
    )
  })

  it('refuses another shape, another dtype, and more bytes than a varying group may have', () => {
    expect(check(withDelta([1, 2]))).toBe('update/malformed')
    const doubled = {
      ...tensor('delta/w', []),
      shape: [SIZE],
      dtype: 'float64' as const,
      data: Float64Array.of(1, 2, 3),
    }
    expect(
      check(
        makeBundle([
          doubled,
          tensor('equal/w', [1, 2, 3]),
          tensor('total/w', [1, 2, 3]),
          tensor('rows/x', []),
        ]),
      ),
    ).toBe('update/malformed')
    const long = Array.from({ length: 99 }, () => 1)
    expect(check(updateOf({ ...good(), values: [1, 2, 3] }))).toBeNull()
    const wide = makeBundle([
      ...['delta/w', 'equal/w', 'total/w'].map((name) => tensor(name, [1, 2, 3])),
      tensor('rows/x', [...long, 1, 1]),
    ])
    expect(check(wide)).toBe('update/malformed')
  })

  it('knows the bit patterns of float16 infinity and NaN', () => {
    const half = group({
      name: 'half',
      tensors: [{ name: 'x', shape: [1], dtype: 'float16' }],
      reduce: 'gather',
      grid: null,
    })
    const send = (pattern: number) =>
      validateUpdate(
        makeBundle([
          { name: 'half/x', shape: [1], dtype: 'float16', data: Uint16Array.of(pattern) },
        ]),
        1,
        { uplink: [half], maxExamples: 1 },
      )?.code ?? null
    expect(send(0x7bff)).toBeNull() // 65504, the largest
    expect(send(0x7c00)).toBe('update/not-finite') // infinity
    expect(send(0xfe00)).toBe('update/not-finite') // NaN
  })
})
