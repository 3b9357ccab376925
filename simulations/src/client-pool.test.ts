import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle, makeBundle } from '#protocol/bundle.js'
import { newRunId, type Hash } from '#protocol/ids.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import { isPartial } from '#algorithms/aggregators/fold.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { createCompute } from '#coordinator/compute/create-compute.js'
import type { Opening } from '#coordinator/fleet/fleet.js'
import { sourcesOfConfig } from './client-data.js'
import { ClientMemory } from './client-memory.js'
import { ClientPool } from './client-pool.js'
import type { Share } from './simulated-clients.js'

const config: RunConfig = unwrap(
  parseRunConfig(
    {
      task: { inputShape: [4], classes: ['0', '1'] },
      model: { name: 'logistic' },
      method: { name: 'scaffold' },
      data: { name: 'synthetic', path: 'blobs:count=60:classes=2:features=4', clients: 5 },
      compute: { backend: 'wasm' },
    },
    configCatalogue(),
  ),
)

async function openingOn(pool: ClientPool, slots: readonly number[]): Promise<Opening> {
  const compute = createCompute({ blobs: pool.blobs })
  const { stateHash } = await compute.start(config)
  const plan = await compute.next(config, stateHash)
  if (plan === 'done') throw new Error('done')
  const cohort = slots.map((slot) => ({ slot, lease: '00', personal: null }))
  return {
    runId: newRunId(),
    round: 1,
    attempt: 1,
    plan,
    cohort,
    population: 5,
    deadlineSeconds: 1,
    graceSeconds: 1,
  }
}
async function sharesOf(pool: ClientPool, opening: Opening): Promise<readonly Share[]> {
  const shares: Share[] = []
  for await (const share of pool.perform(
    opening,
    opening.cohort.map(({ slot }) => slot),
  ))
    shares.push(share)
  return shares
}

describe('a pool of clients', () => {
  it('in one process folds the whole cohort into one partial sum', async () => {
    const pool = await ClientPool.start({ config, sources: sourcesOfConfig(config) }, 0)
    try {
      const opening = await openingOn(pool, [0, 2, 4])
      const [share, ...others] = await sharesOf(pool, opening)
      expect(others).toEqual([])
      expect(share?.folded?.members.map(({ slot, weight }) => [slot, weight])).toEqual([
        [0, 11],
        [2, 11],
        [4, 11],
      ])
      expect(
        isPartial(unwrap(decodeBundle((await pool.blobs.get(share?.folded?.blob as Hash))!))),
      ).toBe(true)
      expect(share?.bytesDown).toBe(3 * opening.plan.shared.bytes)
      expect((await pool.cards([4, 1])).map(({ source }) => source?.shard)).toEqual(['2/5', '5/5'])
    } finally {
      await pool.stop()
    }
  })

  it('gives a client the memory of its accepted rounds only', async () => {
    const pool = await ClientPool.start({ config, sources: sourcesOfConfig(config) }, 0)
    try {
      const opening = await openingOn(pool, [0, 1])
      const hashes = async () =>
        (await sharesOf(pool, opening)).flatMap(({ folded }) =>
          folded?.members.map(({ sha256 }) => sha256),
        )
      const first = await hashes()
      await pool.settle(
        'method',
        new Map([
          [0, 'accepted'],
          [1, 'refused'],
        ]),
      )
      const second = await hashes()
      // Client 0 now trains with its own variate, so it sends another update; client 1 is where it was.
      expect(second[0]).not.toBe(first[0])
      expect(second[1]).toBe(first[1])
    } finally {
      await pool.stop()
    }
  })
})

describe('what a client keeps', () => {
  it('lies on disk by slot until it is removed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-memory-'))
    try {
      const memory = await ClientMemory.open(directory)
      const bundle = makeBundle([
        { name: 'v', shape: [1], dtype: 'float32', data: Float32Array.of(1.5) },
      ])
      expect(await memory.read('memory', 3)).toBeNull()
      await memory.write('memory', 3, bundle)
      const again = await ClientMemory.open(directory)
      expect(encodeBundle((await again.read('memory', 3))!)).toEqual(encodeBundle(bundle))
      expect(await again.read('pending', 3)).toBeNull()
      await memory.write('memory', 3, null)
      expect(await memory.read('memory', 3)).toBeNull()
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
})
