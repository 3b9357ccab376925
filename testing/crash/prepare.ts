/** A data directory as a coordinator left it: five nodes enrolled, and a run that waits for them. */
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunId } from '#protocol/ids.js'
import type { RunConfig } from '#protocol/run-config.js'
import { systemClock } from '#coordinator/clock.js'
import { createCompute } from '#coordinator/compute/create-compute.js'
import { RunManager } from '#coordinator/run.js'
import { openStore } from '#coordinator/store/open-store.js'
import { FakeFleet } from '../fake-fleet.js'
import { madeUpNode, type Identity } from '../synthetic-identity.js'
import { tinyConfig } from '../tiny-federation.js'

export const NODES = 5
export const ROUNDS = 4

export type Durability = 'durable' | 'ephemeral'
export interface Federation {
  readonly directory: string
  readonly dataDir: string
  /** Of the database with the records; undefined: they are in the data directory. */
  readonly storeUrl: string | undefined
  readonly runId: RunId
  readonly members: readonly { readonly name: string; readonly identity: Identity }[]
}

/** Kills keep the page cache, so nothing is lost by keeping files in memory, and much time is won. */
export const fastestDirectory = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir())

/** Everyone is asked in every round, and must answer; sums stay exact with witnesses of up to 10^4. */
export const crashConfig = (durability: Durability, rounds = ROUNDS): RunConfig =>
  tinyConfig((config) => ({
    ...config,
    durability,
    rounds,
    aggregation: { ...config.aggregation, weighting: 'uniform', maxExamples: 10, maxAbs: 16_384 },
    cohort: { ...config.cohort, minReporters: NODES, deadlineSeconds: 3600, graceSeconds: 600 },
    data: null,
  }))

export async function prepareFederation(
  durability: Durability,
  storeUrl?: string,
  rounds = ROUNDS,
): Promise<Federation> {
  const directory = await mkdtemp(join(fastestDirectory(), 'tributary-crash-'))
  const dataDir = join(directory, 'coordinator')
  const store = await openStore(dataDir, { url: storeUrl })
  try {
    const names = Array.from({ length: NODES }, (_, i) => `node-${i}`)
    const nodes = names.map((name) => ({ name, ...madeUpNode(name) }))
    for (const { row } of nodes) await store.addNode(row)
    const runs = new RunManager({
      ...{ store, clock: systemClock, kind: 'deployed' },
      fleet: new FakeFleet(store.blobs, []),
      compute: createCompute({ blobs: store.blobs }),
    })
    const runId = await runs.create(crashConfig(durability, rounds))
    await runs.shutdown()
    const members = nodes.map(({ name, identity }) => ({ name, identity }))
    return { directory, dataDir, storeUrl, runId, members }
  } finally {
    await store.close()
  }
}
