import { dirname } from 'node:path'
import { FederationError, isErrorCode } from '#protocol/errors.js'
import type { RunId } from '#protocol/ids.js'
import type { RoundRecord, RunRecord } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { BackendChoice } from '#algorithms/tensor/choose-backend.js'
import { assertPossible } from '#algorithms/from-config.js'
import { gatherWanted } from '#coordinator/cohort.js'
import { createCompute } from '#coordinator/compute/create-compute.js'
import { RunManager, type RunManagerOptions } from '#coordinator/run.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import type { EventRow, Store } from '#coordinator/store/store.js'
import { sourcesOfConfig, type ClientSource } from './client-data.js'
import { ClientPool, type OnWorker } from './client-pool.js'
import { assertPersonal, writePersonalModels } from './personal-models.js'
import { pinBackend } from './pin-backend.js'
import { writeRunFiles, type SimulatedRun } from './run-files.js'
import { simulationClock } from './simulation-clock.js'
import { startBytes } from './start-from.js'
import { SimulatedFleet, type SimulatedFleetOptions } from './simulated-fleet.js'

export interface SimulateOptions {
  /** Worker processes; 0: everything in this one. The result is the same for any number. */
  readonly workers: number
  /** `<runId>/record.json` and `<runId>/model.bundle` are written here, and `<runId>/start.bundle` where a run starts from one. */
  readonly runsDirectory: string
  /** The encoded bundle that `config.startFrom` names. Default: the user's cache, where experiments leave it. */
  readonly start?: Uint8Array
  /** Also writes the clients' own models: `<runId>/personal/<slot>.bundle`. Only for methods that have them. */
  readonly personalModels?: boolean
  /** Ends the run after the work in hand. */
  readonly signal?: AbortSignal
  readonly onRound?: (round: RoundRecord) => void
  /** Told what was measured when the configuration leaves the backend to `auto`. */
  readonly onBackend?: (choice: BackendChoice) => void
  readonly onEvent?: (event: EventRow) => void
  /** What each worker's share of a round took. */
  readonly onWorker?: OnWorker
}

/** Runs a configuration with simulated clients. Throws what creating a run throws, and what made it fail. */
export async function simulate(config: RunConfig, options: SimulateOptions): Promise<SimulatedRun> {
  const sources = sourcesOfConfig(config)
  assertPossible(config)
  const pinned = await pinBackend(config, options.onBackend)
  return runSimulated({ config: pinned, sources, kind: 'simulated' }, options)
}

export interface Simulation
  extends
    Pick<RunManagerOptions, 'gather' | 'kind'>,
    Pick<SimulatedFleetOptions, 'rehearsals' | 'reporters' | 'roster'> {
  readonly config: RunConfig
  readonly sources: readonly (ClientSource | null)[]
}

/** The coordinator's own rounds, on a memory store, with a pool of clients as fleet. */
export async function runSimulated(
  simulation: Simulation,
  options: SimulateOptions,
): Promise<SimulatedRun> {
  const { config, sources, kind, gather = gatherWanted, ...replies } = simulation
  if (options.personalModels === true) assertPersonal(config)
  const start = await startBytes(config, options.start)
  const pool = await ClientPool.start({ config, sources }, options.workers, options.onWorker)
  try {
    if (start !== null) await pool.blobs.put(start)
    const store = new MemoryStore({ blobs: pool.blobs })
    const manager = new RunManager({
      store,
      fleet: new SimulatedFleet({
        ...{ pool, store, clients: sources.length, ...replies },
        note: async (runId, type, data) => {
          options.onEvent?.(await store.appendEvent(runId, type, data))
        },
      }),
      compute: createCompute({ blobs: pool.blobs }),
      clock: simulationClock,
      kind,
      garbage: { everyMs: 0, graceMs: 0 },
      gather,
    })
    const record = await runToEnd(manager, config, options)
    const model = await modelOfRun(store, record)
    const run = await writeRunFiles(options.runsDirectory, { record, model, start })
    if (record.state === 'failed') throw failureOf(record.reason ?? '')
    if (options.personalModels !== true) return run
    return { ...run, personalModels: await writePersonalModels(pool, record, dirname(run.model)) }
  } finally {
    await pool.stop()
  }
}

async function runToEnd(
  manager: RunManager,
  config: RunConfig,
  options: SimulateOptions,
): Promise<RunRecord> {
  const { signal, onEvent, onRound } = options
  manager.subscribe((_, event) => {
    onEvent?.(event)
    if (event.type === 'round:closed') onRound?.(event.data['record'] as unknown as RoundRecord)
  })
  const runId = await manager.create(config)
  let stopping = Promise.resolve()
  const interrupt = (): void => {
    stopping = stopUnlessOver(manager, runId)
  }
  if (signal?.aborted === true) interrupt()
  signal?.addEventListener('abort', interrupt, { once: true })
  await manager.ended(runId)
  signal?.removeEventListener('abort', interrupt)
  await stopping
  return manager.record(runId)
}

async function stopUnlessOver(manager: RunManager, runId: RunId): Promise<void> {
  try {
    await manager.stop(runId, 'Interrupted')
  } catch (error) {
    if (!(error instanceof FederationError) || error.code !== 'run/finished') throw error
  }
}

async function modelOfRun(store: Store, { modelHash }: RunRecord): Promise<Uint8Array> {
  const model = modelHash === null ? null : await store.blobs.get(modelHash)
  if (model === null) throw new FederationError('internal/bug', 'The run left no model')
  return model
}

/** The error that ended the run, by the code at the head of its reason. */
function failureOf(reason: string): FederationError {
  const [code = ''] = reason.split(':', 1)
  return isErrorCode(code)
    ? new FederationError(code, reason.slice(code.length + 1).trim())
    : new FederationError('algorithm/failed', `The simulation failed: ${reason}`)
}
