import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle, makeBundle, tensorOf } from '#protocol/bundle.js'
import { sha256, type Hash } from '#protocol/ids.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import type { Compute, PlannedRound } from '#coordinator/compute/compute.js'
import { createCompute } from '#coordinator/compute/create-compute.js'
import { MemoryBlobs } from '#coordinator/store/memory-blobs.js'

const CONFIG = unwrap(
  parseRunConfig(
    {
      task: { inputShape: [4], classes: ['0', '1', '2'] },
      model: { name: 'logistic' },
      compute: { backend: 'cpu', threads: 1 },
      rounds: 2,
    },
    configCatalogue(),
  ),
)
type Named = Parameters<typeof makeBundle>[0][number]
type Change = (tensors: Named[]) => readonly Named[]

/** Bits of float32 that are no finite number: quiet, signalling and negative NaN with payloads, and the infinities. */
const NOT_FINITE = [
  ...[
    0x7fc00000, 0x7f800001, 0xffc00000, 0xffffffff, 0x7fbfffff, 0x7fc0dead, 0x7f800000, 0xff800000,
  ],
]

describe('SEC-T9: updates that are not what was asked for', () => {
  const blobs = new MemoryBlobs()
  let compute: Compute
  let plan: PlannedRound
  let stateHash: Hash
  let tensors: readonly Named[]
  beforeAll(async () => {
    compute = createCompute({ blobs })
    ;({ stateHash } = await compute.start(CONFIG))
    const next = await compute.next(CONFIG, stateHash)
    if (next === 'done') throw new Error('done')
    plan = next
    tensors = plan.uplink.flatMap((group) =>
      group.tensors.map(({ name, shape }) => {
        const sizes = shape.map((size) => size ?? 1)
        const data = Float32Array.from(
          { length: sizes.reduce((a, b) => a * b, 1) },
          (_, i) => i / 8,
        )
        return { name: `${group.name}/${name}`, shape: sizes, dtype: 'float32' as const, data }
      }),
    )
  })
  const copies = (): Named[] =>
    tensors.map((tensor) => ({ ...tensor, data: (tensor.data as Float32Array).slice() }))
  const inspect = async (bytes: Uint8Array, weight = 5): Promise<string> => {
    const blob = await blobs.put(bytes)
    return (await compute.inspect(CONFIG, plan, { slot: 0, blob, weight }))?.code ?? 'ok'
  }
  const changed = (change: Change, weight?: number): Promise<string> =>
    inspect(encodeBundle(makeBundle([...change(copies())])), weight)

  it('SEC-T9: what is asked for counts, with zeros of either sign and denormal numbers', async () => {
    expect(await changed((all) => all)).toBe('ok')
    const odd = await changed((all) => {
      ;(all[0]!.data as Float32Array).set([-0, 1e-45, -1e-45, 1.17549421e-38])
      return all
    })
    expect(odd).toBe('ok')
  })
  it('SEC-T9: one element that is not finite, or too large, is found wherever it is', async () => {
    const tensor = fc.nat({ max: tensors.length - 1 })
    const large = fc.constantFrom(65, -65, 1e30, -3e38)
    const bits = fc.constantFrom(...NOT_FINITE)
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(tensor, fc.nat(), fc.oneof(bits, large), async (which, at, value) => {
        const code = await changed((all) => {
          const data = all[which]!.data as Float32Array
          const index = at % data.length
          if (NOT_FINITE.includes(value)) new Uint32Array(data.buffer)[index] = value
          else data[index] = value
          return all
        })
        seen.add(code)
        expect(['update/not-finite', 'update/out-of-range']).toContain(code)
      }),
      { numRuns: 400, seed: 9 },
    )
    expect([...seen].sort()).toEqual(['update/not-finite', 'update/out-of-range'])
  })
  const first = ([one]: readonly Named[]): Named => one!
  it.each<readonly [string, Change]>([
    ['a tensor too few', (all) => all.slice(1)],
    ['a tensor too many', (all) => [...all, { ...first(all), name: 'delta/more' }]],
    ['no tensors', () => []],
    ['another order', (all) => all.toReversed()],
    ['another name', (all) => [{ ...first(all), name: 'delta/other' }, ...all.slice(1)]],
    [
      'a shape of the same size',
      (all) => [{ ...first(all), shape: first(all).shape.toReversed() }, ...all.slice(1)],
    ],
    [
      'one dimension',
      (all) => [{ ...first(all), shape: [first(all).data.length] }, ...all.slice(1)],
    ],
    [
      'numbers of another kind',
      (all) => [
        { ...first(all), dtype: 'float64', data: Float64Array.from(first(all).data) },
        ...all.slice(1),
      ],
    ],
    [
      'whole numbers',
      (all) => [
        { ...first(all), dtype: 'int32', data: Int32Array.from(first(all).data) },
        ...all.slice(1),
      ],
    ],
  ])('SEC-T9: %s is refused by type', async (_what, change) => {
    expect(await changed(change)).toBe('update/malformed')
  })
  it('SEC-T9: a name that is there twice is no bundle', () => {
    expect(() => makeBundle([first(copies()), first(copies())])).toThrow()
  })
  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 31, 1e308])(
    'SEC-T9: a weight of %s is refused',
    async (weight) => {
      expect(await changed((all) => all, weight)).toBe('update/bad-weight')
    },
  )
  it('SEC-T9: bytes changed at random give a typed refusal, or a sound update', async () => {
    const sound = encodeBundle(makeBundle(copies()))
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(sound)
        bytes[at % bytes.length]! ^= flip
        const code = await inspect(bytes)
        expect(['ok', 'update/malformed', 'update/not-finite', 'update/out-of-range']).toContain(
          code,
        )
        if (code !== 'ok') return
        const bundle = unwrap(decodeBundle(bytes))
        for (const { name } of bundle.tensors)
          for (const value of tensorOf(bundle, name).data) expect(Math.abs(value) <= 64).toBe(true)
      }),
      { numRuns: 600, seed: 9 },
    )
  })
  it('SEC-T9: what was refused has left no trace in what the round becomes', async () => {
    const blob = await blobs.put(encodeBundle(makeBundle(copies())))
    const update = { slot: 0, weight: 5, updateId: sha256('0'), sha256: blob, blob, metrics: {} }
    const close = () =>
      compute.close(CONFIG, { round: 1, stateHash, plan, accepted: [update], population: 2 })
    const before = await close()
    const bad = copies()
    ;(bad[0]!.data as Float32Array)[0] = NaN
    expect(await inspect(encodeBundle(makeBundle(bad)))).toBe('update/not-finite')
    expect(await close()).toEqual(before)
  })
})
