import { beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { decodeBundle, encodeBundle, makeBundle } from '#protocol/bundle.js'
import { diagnosticsSchema, type Diagnostics } from '#protocol/diagnostics.js'
import { sha256, type Hash, type Slot } from '#protocol/ids.js'
import { createStreams } from '#protocol/random.js'
import type { AcceptedUpdate } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig, type RunConfigInput } from '#protocol/run-config.js'
import { createFold } from '#algorithms/aggregators/fold.js'
import type { Calibration } from '#algorithms/calibration/calibration.js'
import { CATALOGUE, configCatalogue, type Catalogue } from '#algorithms/catalogue.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { MemoryBlobs } from '#coordinator/store/memory-blobs.js'
import type { BlobStore } from '#coordinator/store/store.js'
import { createCentralData } from './central-data.js'
import type { Closed, Compute, PlannedRound } from './compute.js'
import { createCompute } from './create-compute.js'

const CENTRAL = { name: 'synthetic', path: 'blobs:count=200:classes=3:features=4' }
const DIAGNOSED = { central: CENTRAL, diagnostics: { probe: 20 } }

const told: Diagnostics = {
  calibration: {
    ...{ answered: [0], missing: [], classes: [] },
    virtual: { lossBefore: 1, lossAfter: 0.5, accuracyBefore: 0.5, accuracyAfter: 0.75 },
  },
  geometry: {
    ...{ of: 'moments', examples: 5, withinClassVariability: 1, equinorm: 1, equiangularity: 1 },
    ...{ maximalAngle: 1, selfDuality: 1, featureNorm: null, deadFeatures: 0, effectiveRank: 1 },
    betweenClassShare: 0.5,
  },
}
/** Gathers twice; then every class vector of the head is (3, 0, …), (4, 0, …), …. */
const fixed: Calibration = {
  name: 'fixed',
  hyper: z.strictObject({}),
  reveals: { classes: [], text: 'Nothing.' },
  requires: () => [],
  server: ({ model }) => ({
    next: ({ released }) => ({
      ...{ purpose: 'statistics', task: {}, shared: released, assets: {}, uplink: [] },
      audience: 'everyone',
    }),
    async close({ progress }) {
      if (progress === null) return { progress: makeBundle([]), metrics: {} }
      const params = new Float32Array(model.parameterCount)
      params.set([3, 4, 5], model.parameterCount - 9)
      return { calibrated: paramsBundle(model, params), metrics: {}, diagnostics: told }
    },
  }),
  client: () => ({
    perform: ({ memory }) =>
      Promise.resolve({ update: {}, weight: 1, metrics: {}, pending: memory }),
  }),
}
const catalogue: Catalogue = { ...CATALOGUE, calibrations: [fixed] }

const configOf = (change: RunConfigInput = {}): RunConfig =>
  unwrap(
    parseRunConfig(
      {
        task: { inputShape: [4], classes: ['0', '1', '2'] },
        model: { name: 'mlp', hidden: [6, 2] },
        evaluation: DIAGNOSED,
        rounds: 3,
        ...change,
      },
      configCatalogue(catalogue),
    ),
  )

/** Random numbers of the same seed for every group, so that a delta does not depend on the groups beside it. */
const updateOf = ({ uplink }: PlannedRound, seed: number) =>
  makeBundle(
    uplink.flatMap((group) => {
      const stream = createStreams(seed)(group.name, 0, 0)
      return group.tensors.map(({ name, shape }) => {
        const sizes = shape.map((size) => size ?? 1)
        const data = Float32Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, () =>
          stream.normal(),
        )
        return { name: `${group.name}/${name}`, shape: sizes, dtype: 'float32' as const, data }
      })
    }),
  )

describe('diagnostics of a closed round', () => {
  let blobs: BlobStore
  let compute: Compute
  beforeEach(() => {
    blobs = new MemoryBlobs()
    compute = createCompute({ blobs, catalogue })
  })

  const planned = async (config: RunConfig, stateHash: Hash): Promise<PlannedRound> => {
    const plan = await compute.next(config, stateHash)
    if (plan === 'done') throw new Error('done')
    return plan
  }
  /** One update for each seed, from slots 0, 2, 4 …. */
  const acceptedOf = (plan: PlannedRound, seeds: readonly number[]): Promise<AcceptedUpdate[]> =>
    Promise.all(
      seeds.map(async (seed, i) => {
        const blob = await blobs.put(encodeBundle(updateOf(plan, seed)))
        return { slot: 2 * i, weight: 1, updateId: sha256(`${i}`), sha256: blob, blob, metrics: {} }
      }),
    )
  const close = async (
    config: RunConfig,
    stateHash: Hash,
    change: (accepted: AcceptedUpdate[], plan: PlannedRound) => Promise<AcceptedUpdate[]> = (
      accepted,
    ) => Promise.resolve(accepted),
  ): Promise<Closed> => {
    const plan = await planned(config, stateHash)
    const accepted = await change(await acceptedOf(plan, [1, 2, 1]), plan)
    return compute.close(config, { round: 1, stateHash, plan, accepted, population: 5 })
  }
  /** All rounds until the run is over. */
  async function run(config: RunConfig): Promise<readonly (Closed & { readonly part: string })[]> {
    const rounds: (Closed & { readonly part: string })[] = []
    let { stateHash } = await compute.start(config)
    for (;;) {
      const plan = await compute.next(config, stateHash)
      if (plan === 'done') return rounds
      const closed = await close(config, stateHash)
      rounds.push({ ...closed, part: plan.part })
      stateHash = closed.stateHash
    }
  }

  it('compares the local models of the first and the last round, and describes the released one', async () => {
    const [first, second, third] = await run(configOf())
    expect(second).not.toHaveProperty('diagnostics')
    for (const { diagnostics } of [first!, third!]) {
      expect(diagnosticsSchema.parse(diagnostics)).toEqual(diagnostics)
      const { local, headNorms, geometry } = diagnostics!
      expect(local).toMatchObject({ slots: [0, 2, 4], probe: 20 })
      expect(local!.layers.map(({ name, width }) => [name, width])).toEqual([
        ['dense1', 6],
        ['dense2', 2],
        ['head', 3],
      ])
      // The first and the third client sent the same model.
      for (const { pairs } of local!.layers) {
        expect(pairs![0]![2]).toBe(1)
        expect(pairs![0]![1]).toBeLessThan(1)
        expect(pairs![1]![0]).toBe(pairs![1]![2])
      }
      expect(local!.headNorms[2]).toEqual(local!.headNorms[0])
      expect(local!.headNorms[1]).not.toEqual(local!.headNorms[0])
      expect(headNorms).toHaveLength(3)
      expect(geometry).toMatchObject({ of: 'probe', examples: 20 })
    }
    expect(first!.diagnostics!.geometry).not.toEqual(third!.diagnostics!.geometry)
  })

  it('changes no bytes of state or model, nor a metric', async () => {
    const with_ = await run(configOf())
    const without = await run(configOf({ evaluation: { central: CENTRAL } }))
    const bytes = ({ stateHash, modelHash, metrics }: Closed) => [stateHash, modelHash, metrics]
    // A published model says by which configuration of task and model it is used: neither knows of diagnostics.
    expect(with_.map(bytes)).toEqual(without.map(bytes))
    for (const closed of without) expect(closed).not.toHaveProperty('diagnostics')
  })

  it('finds the same in partial sums as in updates one by one', async () => {
    const config = configOf()
    const { stateHash } = await compute.start(config)
    const single = await close(config, stateHash)
    const folded = await close(config, stateHash, async (accepted, plan) => {
      const [first, ...others] = accepted
      const fold = createFold(plan.uplink)
      for (const { slot, weight, blob } of others.toReversed()) {
        const update = unwrap(decodeBundle((await blobs.get(blob))!))
        fold.add({ slot, weight, update })
      }
      const partial = await blobs.put(encodeBundle(fold.toPartial()))
      return [first!, ...others.map((update) => ({ ...update, blob: partial }))]
    })
    expect(folded.diagnostics?.local?.slots).toEqual([0, 2, 4] satisfies Slot[])
    expect(folded).toEqual(single)
  })

  it('describes the model before a calibration and the calibrated one, beside what the calibration tells', async () => {
    const calibration = { name: 'fixed', when: 'every-round' } as const
    const rounds = await run(configOf({ calibration }))
    const parts = ['method', 'calibration', 'calibration']
    expect(rounds.map(({ part }) => part)).toEqual([...parts, ...parts, ...parts])
    const keys = rounds.map(({ diagnostics }) => Object.keys(diagnostics ?? {}).sort())
    const described = ['geometry', 'headNorms']
    const after = ['calibration', ...described]
    expect(keys).toEqual([
      ...[[...described, 'local'], [], after],
      ...[described, [], after],
      ...[[...described, 'local'], [], after],
    ])
    for (const { diagnostics } of [rounds[2]!, rounds[5]!, rounds[8]!]) {
      expect(diagnostics).toMatchObject({ calibration: told.calibration, headNorms: [3, 4, 5] })
      expect(diagnostics!.geometry).toMatchObject({ of: 'probe', examples: 20 })
    }
    expect(rounds[3]!.diagnostics!.headNorms).not.toEqual([3, 4, 5])
  })

  it('describes it also where the run ended early, in a round that compared nothing', async () => {
    const rounds = await run(
      configOf({
        rounds: 9,
        calibration: { name: 'fixed' },
        evaluation: {
          ...DIAGNOSED,
          earlyStop: { metric: 'accuracy', patience: 2, minDelta: 2 },
        },
      }),
    )
    expect(rounds.map(({ part }) => part)).toEqual([
      'method',
      'method',
      'calibration',
      'calibration',
    ])
    expect(Object.keys(rounds[1]!.diagnostics!).sort()).toEqual(['geometry', 'headNorms'])
  })

  it('leaves what a calibration tells as it is where nothing else is asked for', async () => {
    const rounds = await run(
      configOf({ calibration: { name: 'fixed' }, evaluation: { central: CENTRAL } }),
    )
    expect(rounds.map(({ diagnostics }) => diagnostics)).toEqual([
      ...[undefined, undefined, undefined],
      ...[undefined, told],
    ])
  })

  it('is undefined where models diverged, and does not end the run', async () => {
    const config = configOf()
    const { stateHash } = await compute.start(config)
    const closed = await close(config, stateHash, async (accepted, plan) => {
      const update = updateOf(plan, 2)
      const huge = makeBundle(
        plan.uplink.flatMap(({ name: group, tensors }) =>
          tensors.map(({ name, shape }) => {
            const sizes = shape.map((size) => size ?? 1)
            const length = sizes.reduce((a, b) => a * b, 1)
            const data = new Float32Array(length).fill(group === 'delta' ? 0 : 3e38)
            return { name: `${group}/${name}`, shape: sizes, dtype: 'float32' as const, data }
          }),
        ),
      )
      expect(huge.tensors.map(({ name }) => name)).toEqual(update.tensors.map(({ name }) => name))
      const blob = await blobs.put(encodeBundle(huge))
      return [...accepted.slice(0, 2), { ...accepted[2]!, sha256: blob, blob }]
    })
    const { layers } = closed.diagnostics!.local!
    for (const { pairs, cka } of layers) {
      expect(pairs![2]).toEqual([null, null, null])
      expect(cka).toBeCloseTo(pairs![0]![1]!, 5)
    }
  })
})

describe("the coordinator's examples", () => {
  it('are compared on by the same few in every run, of all classes', async () => {
    const data = createCentralData()
    const some = (await data.probe(configOf({ seed: 1 })))!
    expect((await createCentralData().probe(configOf({ seed: 2 })))!.indices).toEqual(some.indices)
    expect(new Set(some.indices).size).toBe(20)
    expect(new Set(some.indices.map((row) => some.source.labels[row]!)).size).toBe(3)
    const all = (await data.whole(configOf()))!
    expect(all.source).toBe(some.source)
    const more = configOf({ evaluation: { central: CENTRAL, diagnostics: { probe: 2048 } } })
    expect((await data.probe(more))!.indices).toEqual(all.indices)
  })

  it('are none where none are configured, or no comparison is', async () => {
    const data = createCentralData()
    expect(await data.probe(configOf({ evaluation: { central: CENTRAL } }))).toBeNull()
    expect(await data.whole(configOf({ evaluation: {} }))).toBeNull()
  })

  it('must be what the task asks for', async () => {
    const other = configOf({ task: { inputShape: [4], classes: ['1', '0', '2'] } })
    await expect(createCentralData().probe(other)).rejects.toMatchObject({ code: 'data/mismatch' })
  })
})
