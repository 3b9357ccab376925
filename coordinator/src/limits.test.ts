import { describe, expect, it } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { FakeCompute, FakeFleet } from '#testing/fake-fleet.js'
import { FakeClock } from '#testing/fake-clock.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import type { RoundKind } from './compute/compute.js'
import { createCompute } from './compute/create-compute.js'
import { assertWithin, type UplinkLimits } from './limits.js'
import { RunManager } from './run.js'
import { MemoryStore } from './store/memory-store.js'

const GATHERED = { reduce: 'gather', weight: 'none', grid: null } as const
/** 20,000 rows of 48 floats and a label: 193 bytes each. */
const SAMPLES: UplinkGroup = {
  ...{ ...GATHERED, name: 'samples', privacyClass: 'per-example', maxBytes: 193 * 20_000 },
  tensors: [
    { name: 'features', shape: [null, 48], dtype: 'float32' },
    { name: 'labels', shape: [null], dtype: 'uint8' },
  ],
}
const DELTA: UplinkGroup = {
  ...({ reduce: 'mean', weight: 'examples', privacyClass: 'model-delta' } as const),
  ...{ name: 'delta', grid: { bits: 20, maxAbs: 8 }, maxBytes: 4_000_000 },
  tensors: [{ name: 'w', shape: [1_000_000], dtype: 'float32' }],
}
const kind = (change: Partial<RoundKind> = {}): RoundKind => ({
  ...{ part: 'method', audience: 'cohort', uplink: [SAMPLES, DELTA] },
  ...change,
})
const limits = (updateMb: number, roundMb: number): UplinkLimits => ({
  maxUpdateBytes: updateMb * 1e6,
  maxRoundBytes: roundMb * 1e6,
})
type Cohort = Partial<RunConfig['cohort']>
const config = (cohort: Cohort = {}): RunConfig =>
  tinyConfig((base) => ({ ...base, cohort: { ...base.cohort, ...cohort } }))
const problemOf = (act: () => void): string | null => {
  try {
    act()
    return null
  } catch (error) {
    if (!(error instanceof FederationError)) throw error
    return `${error.code}: ${error.message}`
  }
}

describe('what a run may send', () => {
  const judged = (given: UplinkLimits, cohort: Cohort, kinds = [kind()], members = 0) =>
    problemOf(() => assertWithin(given, config(cohort), { kinds, members }))

  it('is refused when one update could be too large, with its formula and what makes it smaller', () => {
    expect(judged(limits(7.86, 100), {})).toBeNull()
    expect(judged(limits(7.85, 100), {})).toBe(
      "config/too-large: One update of a round of the method may have 7.86 MB, above this coordinator's limit of 7.85 MB: samples = features [rows, 48] float32 + labels [rows] uint8: 193 B × 20,000 rows = 3.86 MB; delta = w [1000000] float32 = 4 MB. What makes it smaller: aggregation.maxExamples",
    )
  })

  it('is refused when a cohort as large as configured could send too much that is gathered, not summed', () => {
    expect(judged(limits(10, 15.44), { take: { size: 4 } })).toBeNull()
    expect(judged(limits(10, 15.43), { take: { size: 4 } })).toMatch(
      /^config\/too-large: 4 members × 3.86 MB of an update = 15.44 MB may be gathered in a round of the method, above .* 15.43 MB: .*smaller: aggregation.maxExamples, cohort.size$/,
    )
    const score = { ...SAMPLES, name: 'score', maxBytes: 16 }
    const scored = judged(limits(1, 1), {}, [kind({ uplink: [SAMPLES, score] })])
    expect(scored).toMatch(/samples = /)
    expect(scored).not.toMatch(/score/)
    const summed = kind({ uplink: [DELTA] })
    expect(judged(limits(10, 1), { take: { size: 1000 } }, [summed])).toBeNull()
  })

  it('takes the members that are known for a cohort of no fixed size, and all of them where everyone is asked', () => {
    const within = limits(10, 3.86 * 3)
    expect(judged(within, { take: 'all' }, [kind()], 3)).toBeNull()
    expect(judged(within, { take: 'all' }, [kind()], 4)).toMatch(/^config\/too-large: 4 members/)
    expect(judged(within, { take: 'all', minReporters: 5 })).toMatch(/5 members/)
    expect(judged(within, { take: { fraction: 0.5 } }, [kind()], 6)).toBeNull()
    expect(judged(within, { take: { fraction: 0.5 } }, [kind()], 8)).toMatch(/4 members/)
    const everyone = [kind({ audience: 'everyone' })]
    expect(judged(within, { take: { size: 2 } }, everyone, 3)).toBeNull()
    expect(judged(within, { take: { size: 2 } }, everyone, 4)).toMatch(/4 members.*maxExamples$/)
  })

  it('is judged by the largest kind of round', () => {
    const larger = kind({ part: 'calibration', uplink: [{ ...SAMPLES, maxBytes: 193 * 40_000 }] })
    expect(judged(limits(7.7, 100), {}, [kind({ uplink: [SAMPLES] }), larger])).toMatch(
      /a round of the calibration may have 7.72 MB.*40,000 rows/,
    )
    const both = [kind({ uplink: [SAMPLES] }), larger]
    expect(judged(limits(100, 3), {}, both)).toMatch(/round of the calibration.*40,000 rows/)
    expect(judged(limits(100, 3), {}, both.toReversed())).toMatch(/round of the calibration/)
  })

  it('is known of a real program: its own groups, riders, calibration and the last evaluation', async () => {
    const real = tinyConfig((base) => ({
      ...{
        ...base,
        calibration: { name: 'ccvr', when: 'final' },
        model: { name: 'mlp', hidden: [5] },
      },
      evaluation: { ...base.evaluation, federated: true },
    }))
    const { kinds } = await createCompute({ blobs: new MemoryStore().blobs }).start(real)
    expect(
      kinds.map(({ part, audience, uplink }) => [part, audience, uplink.map(({ name }) => name)]),
    ).toEqual([
      ['method', 'cohort', ['delta', 'evaluation', 'score']],
      ['calibration', 'everyone', ['moments', 'evaluation', 'score']],
      ['evaluation', 'everyone', ['evaluation', 'score']],
    ])
  })

  it('is judged when a run is created: nothing of it is stored then', async () => {
    const store = new MemoryStore()
    const compute = new FakeCompute(store.blobs)
    compute.kinds = [kind()]
    const manager = (given: UplinkLimits): RunManager =>
      new RunManager({
        ...{ store, compute, clock: new FakeClock(), kind: 'deployed' },
        fleet: new FakeFleet(store.blobs, [0, 1]),
        limits: { ...given, members: () => 2 },
      })
    await expect(manager(limits(10, 7)).create(config())).rejects.toMatchObject({
      code: 'config/too-large',
      message: expect.stringContaining('2 members × 3.86 MB') as string,
    })
    expect(await store.runs()).toEqual([])
    const allowed = manager(limits(10, 8))
    await allowed.ended(await allowed.create(config()))
    expect(await store.runs()).toHaveLength(1)
  })
})
