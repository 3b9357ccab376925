import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle, makeBundle, tensorOf } from '#protocol/bundle.js'
import { sha256, type Hash, type Slot } from '#protocol/ids.js'
import type { AcceptedUpdate } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig, type RunConfigInput } from '#protocol/run-config.js'
import { createFold } from '#algorithms/aggregators/fold.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { FileBlobs } from '#coordinator/store/file-blobs.js'
import { MemoryBlobs } from '#coordinator/store/memory-blobs.js'
import type { BlobStore } from '#coordinator/store/store.js'
import type { Compute, PlannedRound } from './compute.js'
import { createCompute } from './create-compute.js'
import { forkCompute } from './fork-compute.js'

const root = await mkdtemp(join(tmpdir(), 'tributary-compute-'))
afterAll(() => rm(root, { recursive: true, force: true }))

const configOf = (change: RunConfigInput = {}): RunConfig =>
  unwrap(
    parseRunConfig(
      {
        task: { inputShape: [2], classes: ['0', '1'] },
        model: { name: 'logistic' },
        evaluation: {
          central: { name: 'synthetic', path: 'blobs:count=100:classes=2:features=2' },
        },
        rounds: 2,
        ...change,
      },
      configCatalogue(),
    ),
  )
const config = configOf()

/** An update of the logistic model (kernel [2, 2], bias [2]) all of whose elements are `value`. */
const updateOf = (plan: PlannedRound, value: number): Uint8Array =>
  encodeBundle(
    makeBundle(
      plan.uplink.flatMap((group) =>
        group.tensors.map(({ name, shape }) => {
          const sizes = shape.map((size) => size ?? 1)
          const data = new Float32Array(sizes.reduce((a, b) => a * b, 1)).fill(value)
          return { name: `${group.name}/${name}`, shape: sizes, dtype: 'float32' as const, data }
        }),
      ),
    ),
  )

async function acceptedOf(
  blobs: BlobStore,
  bytes: Uint8Array,
  by: { slot: Slot; weight: number },
): Promise<AcceptedUpdate> {
  const blob = await blobs.put(bytes)
  return { ...by, updateId: sha256(`${by.slot}`), sha256: blob, blob, metrics: {} }
}

async function planned(compute: Compute, stateHash: Hash): Promise<PlannedRound> {
  const plan = await compute.next(config, stateHash)
  if (plan === 'done') throw new Error('done')
  return plan
}

/** All numbers of the released model, in order. */
async function paramsIn(blobs: BlobStore, hash: Hash): Promise<readonly number[]> {
  const bundle = unwrap(decodeBundle((await blobs.get(hash))!))
  return bundle.tensors.flatMap(({ name }) => [...tensorOf(bundle, name).data])
}

describe('compute in this process', () => {
  let blobs: BlobStore
  let compute: Compute
  beforeEach(() => {
    blobs = new MemoryBlobs()
    compute = createCompute({ blobs })
  })

  it('starts a run with a state, a model and the initial evaluation', async () => {
    const started = await compute.start(config)
    expect(started.engine).toMatchObject({ backend: 'wasm' })
    expect(started.metrics['accuracy']).toBeGreaterThanOrEqual(0)
    expect(Object.keys(started.metrics)).toContain('recall/1')
    expect(await blobs.has(started.stateHash)).toBe(true)
    expect(await paramsIn(blobs, started.modelHash)).toHaveLength(6)
    expect(await createCompute({ blobs }).start(config)).toEqual(started)
  })

  it('closes a round at the weighted mean of its updates', async () => {
    const { stateHash, modelHash } = await compute.start(config)
    const plan = await planned(compute, stateHash)
    const accepted = [
      await acceptedOf(blobs, updateOf(plan, 0.5), { slot: 0, weight: 1 }),
      await acceptedOf(blobs, updateOf(plan, -0.25), { slot: 3, weight: 2 }),
    ]
    const closed = await compute.close(config, {
      round: 1,
      stateHash,
      plan,
      accepted,
      population: 4,
    })
    // (1 · 0.5 − 2 · 0.25) / 3 = 0: every param stays where it was.
    expect(await paramsIn(blobs, closed.modelHash)).toEqual(await paramsIn(blobs, modelHash))
    const [second] = accepted.slice(1)
    const alone = await compute.close(config, {
      round: 1,
      stateHash,
      plan,
      accepted: [second!],
      population: 4,
    })
    const before = await paramsIn(blobs, modelHash)
    expect(await paramsIn(blobs, alone.modelHash)).toEqual(
      before.map((param) => Math.fround(param - 0.25)),
    )
  })

  it('gives the same bytes whether updates arrive one by one or folded into partial sums', async () => {
    const { stateHash } = await compute.start(config)
    const plan = await planned(compute, stateHash)
    const values = [0.123, -0.7, 0.31]
    const single = await Promise.all(
      values.map((value, slot) =>
        acceptedOf(blobs, updateOf(plan, value), { slot, weight: slot + 1 }),
      ),
    )
    const fold = createFold(plan.uplink)
    for (const { slot, weight } of single.slice(0, 2)) {
      fold.add({ slot, weight, update: unwrap(decodeBundle(updateOf(plan, values[slot]!))) })
    }
    const partial = await blobs.put(encodeBundle(fold.toPartial()))
    const folded = [
      ...single.slice(0, 2).map((update) => ({ ...update, blob: partial })),
      single[2]!,
    ]
    const close = (accepted: readonly AcceptedUpdate[]) =>
      compute.close(config, { round: 1, stateHash, plan, accepted, population: 3 })
    expect(await close(folded)).toEqual(await close(single))
    await expect(close(folded.slice(1))).rejects.toMatchObject({ code: 'algorithm/failed' })
  })

  it('gives another model when one bit of one update differs', async () => {
    const { stateHash } = await compute.start(config)
    const plan = await planned(compute, stateHash)
    const close = async (change: (bytes: Uint8Array) => void) => {
      const bytes = updateOf(plan, 0.5)
      change(bytes)
      const accepted = [await acceptedOf(blobs, bytes, { slot: 0, weight: 1 })]
      return (await compute.close(config, { round: 1, stateHash, plan, accepted, population: 1 }))
        .modelHash
    }
    // Bit 16 of the last float32: 2^-8 at 0.5. Bits below half a step of the grid (here 2^-19) are rounded away by design.
    const flip = (bytes: Uint8Array): void => void (bytes[bytes.length - 2]! ^= 1)
    expect(await close(flip)).not.toBe(await close(() => undefined))
  })

  it('is done after the configured rounds', async () => {
    let { stateHash } = await compute.start(config)
    for (let round = 1; round <= 2; round += 1) {
      const plan = await planned(compute, stateHash)
      const accepted = [await acceptedOf(blobs, updateOf(plan, 0.1), { slot: 0, weight: 1 })]
      stateHash = (await compute.close(config, { round, stateHash, plan, accepted, population: 1 }))
        .stateHash
    }
    expect(await compute.next(config, stateHash)).toBe('done')
  })

  it('evaluates every so many rounds, and after the last', async () => {
    const sparse = configOf({
      rounds: 3,
      evaluation: {
        central: { name: 'synthetic', path: 'blobs:count=100:classes=2:features=2' },
        every: 2,
      },
    })
    let { stateHash } = await compute.start(sparse)
    const isEvaluated: boolean[] = []
    for (let round = 1; round <= 3; round += 1) {
      const plan = (await compute.next(sparse, stateHash)) as PlannedRound
      const accepted = [await acceptedOf(blobs, updateOf(plan, 0.1), { slot: 0, weight: 1 })]
      const closed = await compute.close(sparse, {
        round,
        stateHash,
        plan,
        accepted,
        population: 1,
      })
      const { metrics, confusion } = closed
      isEvaluated.push(metrics['accuracy'] !== undefined)
      const hits = confusion?.map((row, label) => row[label] ?? 0)
      const examples = confusion?.flat().reduce((sum, count) => sum + count, 0)
      expect(hits && hits.reduce((sum, count) => sum + count, 0) / (examples ?? 0)).toBe(
        metrics['accuracy'],
      )
      stateHash = closed.stateHash
    }
    expect(isEvaluated).toEqual([false, true, true])
  })

  it("refuses a held-out set whose classes are not the task's", async () => {
    const other = configOf({ task: { inputShape: [2], classes: ['1', '0'] } })
    await expect(compute.start(other)).rejects.toMatchObject({ code: 'data/mismatch' })
  })

  it.each([
    ['is no bundle', () => Buffer.from('nonsense'), 1, 'update/malformed'],
    ['holds NaN', (plan: PlannedRound) => updateOf(plan, NaN), 1, 'update/not-finite'],
    ['is out of range', (plan: PlannedRound) => updateOf(plan, 33), 1, 'update/out-of-range'],
    ['claims too much weight', (plan: PlannedRound) => updateOf(plan, 1), 1e9, 'update/bad-weight'],
    ['holds no tensors', () => encodeBundle(makeBundle([])), 1, 'update/malformed'],
  ])('finds that an update %s', async (_, bytes, weight, code) => {
    const plan = await planned(compute, (await compute.start(config)).stateHash)
    const blob = await blobs.put(bytes(plan))
    expect(await compute.inspect(config, plan, { slot: 0, blob, weight })).toMatchObject({ code })
  })

  it('finds nothing wrong with a valid update', async () => {
    const plan = await planned(compute, (await compute.start(config)).stateHash)
    const blob = await blobs.put(updateOf(plan, 1))
    expect(await compute.inspect(config, plan, { slot: 0, blob, weight: 5 })).toBeNull()
  })

  it('says which blob is missing', async () => {
    await expect(compute.next(config, sha256('gone'))).rejects.toMatchObject({
      code: 'store/corrupt',
      message: expect.stringContaining(sha256('gone')) as string,
    })
  })
})

describe('compute in a child process', () => {
  let forked: ReturnType<typeof forkCompute>
  let blobs: FileBlobs
  beforeEach(async () => {
    const directory = await mkdtemp(join(root, 'forked-'))
    blobs = await FileBlobs.open(directory)
    forked = forkCompute({ blobDirectory: directory })
  })
  afterEach(() => forked.stop())

  it('computes what this process computes, survives being killed, and passes errors on', async () => {
    const here = createCompute({ blobs })
    const started = await forked.start(config)
    expect(started).toEqual(await here.start(config))

    // Killed with a call under way: the call is repeated in a new process.
    const first = forked.pid
    const plan = forked.next(config, started.stateHash)
    process.kill(first!, 'SIGKILL')
    expect(await plan).toEqual(await here.next(config, started.stateHash))
    expect(forked.pid).not.toBe(first)

    await expect(forked.next(config, sha256('gone'))).rejects.toMatchObject({
      code: 'store/corrupt',
    })
    await forked.stop()
    await expect(forked.start(config)).rejects.toMatchObject({ code: 'algorithm/failed' })
  })
})
