/** What a calibration takes: of a client, and of the coordinator, step by step. */
import { decodeBundle, encodeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { type Hash, type RunId, type Slot } from '#protocol/ids.js'
import { updateIdOf } from '#protocol/messages.js'
import type { AcceptedUpdate, Engine, Metrics } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import type { RunConfig } from '#protocol/run-config.js'
import { createFold } from '#algorithms/aggregators/fold.js'
import type { CcvrHyper } from '#algorithms/calibration/ccvr/hyper.js'
import { readStatistics } from '#algorithms/calibration/ccvr/gathered.js'
import { calibrationSetup } from '#algorithms/from-config.js'
import type { MethodSetup } from '#algorithms/methods/method.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import { createProgram } from '#algorithms/programs/create-program.js'
import type { BackendName } from '#algorithms/tensor/backends.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { computeUpdate } from '#client/compute-update.js'
import type { FrozenRound, PlannedRound } from '#coordinator/compute/compute.js'
import { createCompute } from '#coordinator/compute/create-compute.js'
import { FileBlobs } from '#coordinator/store/file-blobs.js'
import { measured, type ProcessUse } from '../process-use.js'
import { clientOf, runOf, type CcvrSetting } from './ccvr-setting.js'

/** Where the steps leave their blobs for each other. */
export interface CcvrStep {
  readonly setting: CcvrSetting
  readonly directory: string
}
export interface ClientsMeasurement {
  readonly engine: Engine
  /** Of each client, from its examples to the update's bytes. The first was in a process that had done nothing else. */
  readonly uses: readonly ProcessUse[]
  /** Of each update, with its header. */
  readonly updateBytes: readonly number[]
  /** Most that the task lets the update hold, without its header. */
  readonly declaredBytes: number
  /** What the coordinator needs to close the round. */
  readonly round: FrozenRound
}
export interface MergeMeasurement {
  /** From the blobs to the moments of all clients. */
  readonly use: ProcessUse
}
export interface CloseMeasurement {
  /** Mean of the checks of one update when it arrives. */
  readonly inspect: Pick<ProcessUse, 'seconds' | 'cpuSeconds'>
  /** From the blobs to the calibrated model. */
  readonly use: ProcessUse
  readonly metrics: Metrics
}

const RUN = 'run-000000000000' as RunId
const LEASE = '0'.repeat(32)
const openBlobs = (directory: string): Promise<FileBlobs> =>
  FileBlobs.open(directory, { durable: false })

const engineOf = ({ compute: { backend, threads } }: RunConfig): Promise<Engine> =>
  useBackend(backend as BackendName, { threads })

async function bundleAt(blobs: FileBlobs, hash: Hash): Promise<Bundle> {
  const bytes = await blobs.get(hash)
  if (bytes === null) throw new FederationError('store/corrupt', `The blob ${hash} is missing`)
  return unwrap(decodeBundle(bytes))
}

/** Every client computes its update, one after another. */
export async function measureClients({
  setting,
  directory,
}: CcvrStep): Promise<ClientsMeasurement> {
  const run = runOf(setting)
  const { config, start } = run
  const engine = await engineOf(config)
  const blobs = await openBlobs(directory)
  await blobs.put(start)
  const compute = createCompute({ blobs })
  const { stateHash } = await compute.start(config)
  const plan = await compute.next(config, stateHash)
  if (plan === 'done') throw new FederationError('internal/bug', 'The benchmark calibrates nothing')
  const task = { plan, shared: await bundleAt(blobs, plan.shared.hash) }
  const halves = createClientHalves(config)
  const taken: {
    readonly use: ProcessUse
    readonly bytes: number
    readonly update: AcceptedUpdate
  }[] = []
  for (let slot = 0; slot < setting.clients; slot++) {
    const data = clientOf(run, setting, slot)
    const { value, use } = await measured(() => perform(halves, task, { slot, data }))
    const blob = await blobs.put(value.bytes)
    const { weight, metrics } = value
    const key = { runId: RUN, round: 1, attempt: 1, slot, lease: LEASE, sha256: blob }
    const update = { slot, updateId: updateIdOf(key), sha256: blob, weight, metrics, blob }
    taken.push({ use, bytes: value.bytes.length, update })
  }
  const accepted = taken.map(({ update }) => update)
  return {
    engine,
    uses: taken.map(({ use }) => use),
    updateBytes: taken.map(({ bytes }) => bytes),
    declaredBytes: plan.uplink.reduce((sum, { maxBytes }) => sum + maxBytes, 0),
    round: { round: 1, stateHash, plan, accepted, population: setting.clients },
  }
}

async function perform(
  halves: ReturnType<typeof createClientHalves>,
  { plan, shared }: { readonly plan: PlannedRound; readonly shared: Bundle },
  { slot, data }: { readonly slot: Slot; readonly data: ReturnType<typeof clientOf> },
) {
  const { update, weight, metrics } = await computeUpdate(halves, plan.part, {
    ...{ round: 1, slot, task: plan.task, shared, assets: {}, personal: null, memory: null },
    ...{ data, uplink: plan.uplink },
  })
  return { bytes: encodeBundle(update), weight, metrics }
}

/** The first half of the close, alone. */
export async function measureMerge(
  { setting, directory }: CcvrStep,
  round: FrozenRound,
): Promise<MergeMeasurement> {
  const { config } = runOf(setting)
  await engineOf(config)
  const blobs = await openBlobs(directory)
  const plan = createProgram(config).next(await bundleAt(blobs, round.stateHash))
  if (plan === 'done') throw new FederationError('internal/bug', 'The benchmark calibrates nothing')
  const { use } = await measured(async () => {
    const fold = createFold(plan.uplink)
    for (const { slot, weight, blob } of round.accepted) {
      const reload = (): Promise<Bundle> => bundleAt(blobs, blob)
      fold.add({ slot, weight, update: await reload(), reload })
    }
    return readStatistics(setupOf(config), fold.finish(round), plan)
  })
  return { use }
}

/** Null only where the configuration names no calibration. */
function setupOf(config: RunConfig): MethodSetup<CcvrHyper> {
  const setup = calibrationSetup(config)
  if (setup === null || config.calibration?.name !== 'ccvr')
    throw new FederationError('usage/bad-value', 'The benchmark measures the calibration ccvr')
  return setup as MethodSetup<CcvrHyper>
}

/** As the coordinator's compute process does it. */
export async function measureClose(
  { setting, directory }: CcvrStep,
  round: FrozenRound,
): Promise<CloseMeasurement> {
  const { config } = runOf(setting)
  await engineOf(config)
  const compute = createCompute({ blobs: await openBlobs(directory) })
  const inspected = await measured(async () => {
    for (const update of round.accepted) {
      const problem = await compute.inspect(config, round.plan, update)
      if (problem !== null) throw new FederationError(problem.code, problem.message)
    }
  })
  const each = 1 / round.accepted.length
  const { seconds, cpuSeconds } = inspected.use
  const { value, use } = await measured(() => compute.close(config, round))
  return {
    inspect: { seconds: seconds * each, cpuSeconds: cpuSeconds * each },
    ...{ use, metrics: value.metrics },
  }
}
