import { decodeBundle, encodeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError, type Problem } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import type { Hash } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { AcceptedUpdate, Engine } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { createFold, type Fold } from '#algorithms/aggregators/fold.js'
import { CATALOGUE, type Catalogue } from '#algorithms/catalogue.js'
import { aggregatorOf } from '#algorithms/from-config.js'
import { keyMapOf, type KeyMap } from '#algorithms/methods/fedins/key-map.js'
import { asDeclared, receiveUpdate } from '#algorithms/methods/update.js'
import { labelReleased } from '#algorithms/model-file.js'
import { createProgram } from '#algorithms/programs/create-program.js'
import type { Program, ProgramPlan } from '#algorithms/programs/program.js'
import { decodeStart } from '#algorithms/start-from.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import type { BlobStore } from '#coordinator/store/store.js'
import { SealedBlobs, type Compartment } from '#coordinator/vault/sealed-blobs.js'
import { createCentralData } from './central-data.js'
import { createCentralEvaluation, type CentralEvaluation } from './central-evaluation.js'
import type {
  ArrivedUpdate,
  BlobRef,
  Closed,
  Compute,
  FrozenRound,
  PlannedRound,
  Started,
} from './compute.js'
import { createRoundDiagnostics, type RoundDiagnostics } from './diagnostics.js'

export interface ComputeSetup {
  readonly blobs: BlobStore
  readonly catalogue?: Catalogue
}

/** Programs kept ready. A coordinator rarely runs more at a time; one more is built again in milliseconds. */
const PROGRAMS_KEPT = 8
/** Room for a bundle's header beside the payload that the uplink declares. */
const HEADER_BYTES = 1_048_576

/** Compute in this process: for simulations and tests, and what the coordinator's compute process runs. */
export function createCompute(setup: ComputeSetup): Compute {
  return new LocalCompute(setup.blobs, setup.catalogue ?? CATALOGUE)
}

class LocalCompute implements Compute {
  readonly #blobs: BlobStore
  readonly #catalogue: Catalogue
  readonly #evaluate: CentralEvaluation
  readonly #diagnose: RoundDiagnostics
  readonly #programs = new Map<string, Program>()
  /** The tensor library has one backend at a time, so what uses it takes turns. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(blobs: BlobStore, catalogue: Catalogue) {
    this.#blobs = blobs
    this.#catalogue = catalogue
    const data = createCentralData()
    const bundleOf = (hash: Hash): Promise<Bundle> => this.#bundle(hash)
    this.#evaluate = createCentralEvaluation({ catalogue, data, bundleOf })
    this.#diagnose = createRoundDiagnostics(catalogue, data)
  }

  start(config: RunConfig): Promise<Started> {
    return this.#withBackend(config, async (engine) => {
      const program = this.#programOf(config)
      const startFrom =
        config.startFrom === null ? null : decodeStart(await this.#bytes(config.startFrom as Hash))
      const fresh = program.init(startFrom)
      const { metrics } = await this.#evaluate(config, program, fresh)
      return {
        ...(await this.#publish(config, program, program.observe(fresh, metrics))),
        metrics,
        engine,
        kinds: program.kinds(fresh),
      }
    })
  }

  async next(config: RunConfig, stateHash: Hash): Promise<PlannedRound | 'done'> {
    const plan = this.#programOf(config).next(await this.#bundle(stateHash))
    if (plan === 'done') return 'done'
    const { shared, assets, ...rest } = plan
    const named = Object.entries(assets).map(async ([name, hash]) => ({
      name,
      ...{ hash, bytes: await this.#size(hash) },
    }))
    return { ...rest, shared: await this.#put(shared), assets: await Promise.all(named) }
  }

  async inspect(
    config: RunConfig,
    plan: PlannedRound,
    update: ArrivedUpdate,
  ): Promise<Problem | null> {
    const { uplink } = plan
    const bytes = await this.#bytes(update.blob, update.updates)
    const decoded = decodeBundle(bytes, limitsOf(uplink))
    if (!decoded.ok) return { code: 'update/malformed', message: decoded.error.message }
    const { maxExamples } = config.aggregation
    const received = receiveUpdate(decoded.value, update.weight, { uplink, maxExamples })
    return received.ok
      ? this.#programOf(config).inspect(plan, received.value, update)
      : received.error.toProblem()
  }

  close(config: RunConfig, round: FrozenRound): Promise<Closed> {
    return this.#withBackend(config, async () => {
      const program = this.#programOf(config)
      const before = await this.#bundle(round.stateHash)
      const fold = createFold(round.plan.uplink, aggregatorOf(config, this.#catalogue))
      await this.#foldAll(fold, round)
      const mayBeEmpty = config.cohort.minReporters === 0
      const folded = fold.finish({ population: round.population, mayBeEmpty })
      const plan = planAgain(program, before)
      const closed = await program.close(before, plan, folded)
      const { metrics: scores, ...seen } = await this.#evaluate(config, program, closed.state)
      const metrics = { ...closed.metrics, ...scores }
      const personal = [...(closed.personal ?? [])].map(async ([slot, bundle]) => ({
        slot,
        blob: await this.#put(bundle, round.personal),
      }))
      const state = program.observe(closed.state, metrics)
      const diagnostics = await this.#diagnose({ config, program, plan, folded, closed, state })
      return {
        ...(await this.#publish(config, program, state)),
        ...{ metrics, ...seen },
        personal: await Promise.all(personal),
        ...(diagnostics === undefined ? {} : { diagnostics }),
      }
    })
  }

  async keyMap(modelHash: Hash): Promise<KeyMap | null> {
    return keyMapOf(await this.#bundle(modelHash))
  }

  async stop(): Promise<void> {
    await this.#turn
  }

  async #foldAll(fold: Fold, { accepted, plan, updates }: FrozenRound): Promise<void> {
    const folded = new Set<Hash>()
    for (const { slot, weight, blob, sha256 } of accepted) {
      if (folded.has(blob) && blob !== sha256) continue
      folded.add(blob)
      // A blob that is not the update itself is the partial sum that a simulation worker folded it into.
      const isUpdate = blob === sha256
      const reload = async (): Promise<Bundle> => {
        const bundle = await this.#bundle(blob, updates)
        return isUpdate ? asDeclared(bundle, plan.uplink) : bundle
      }
      const bundle = await reload()
      if (isUpdate) fold.add({ slot, weight, update: bundle, reload })
      else fold.addPartial(wholePartial(bundle, blob, accepted), reload)
      faultPoint('agg.mid')
    }
  }

  /** A published model says which model and task it is for: the file alone can be scored and used. */
  async #publish(
    config: RunConfig,
    program: Program,
    state: Bundle,
  ): Promise<{ readonly stateHash: Hash; readonly modelHash: Hash }> {
    const { hash: modelHash } = await this.#put(labelReleased(program.released(state), config))
    const { hash: stateHash } = await this.#put(state)
    return { stateHash, modelHash }
  }

  /** `auto` means wasm here: the coordinator's share is small beside training, and wasm is everywhere the same. */
  async #withBackend<T>(config: RunConfig, work: (engine: Engine) => Promise<T>): Promise<T> {
    const { backend, threads } = config.compute
    const run = async (): Promise<T> =>
      work(await useBackend(backend === 'auto' ? 'wasm' : backend, { threads }))
    const turn = this.#turn.then(run, run)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  #programOf(config: RunConfig): Program {
    const key = canonicalJson(config)
    const program = this.#programs.get(key) ?? createProgram(config, this.#catalogue)
    this.#programs.delete(key)
    this.#programs.set(key, program)
    for (const oldest of this.#programs.keys()) {
      if (this.#programs.size <= PROGRAMS_KEPT) break
      this.#programs.delete(oldest)
    }
    return program
  }

  async #bytes(hash: Hash, sealed: Compartment | null = null): Promise<Uint8Array> {
    const bytes = await this.#shelf(sealed).get(hash)
    if (bytes === null)
      throw new FederationError('store/corrupt', `The blob ${hash} is missing`, {
        details: { hash },
      })
    return bytes
  }
  async #size(hash: Hash): Promise<number> {
    return (await this.#blobs.size(hash)) ?? (await this.#bytes(hash)).byteLength
  }
  async #bundle(hash: Hash, sealed: Compartment | null = null): Promise<Bundle> {
    return unwrap(decodeBundle(await this.#bytes(hash, sealed)))
  }
  async #put(bundle: Bundle, sealed: Compartment | null = null): Promise<BlobRef> {
    const bytes = encodeBundle(bundle)
    return { hash: await this.#shelf(sealed).put(bytes), bytes: bytes.byteLength }
  }
  #shelf(sealed: Compartment | null): Pick<BlobStore, 'get' | 'put'> {
    return sealed === null ? this.#blobs : new SealedBlobs(sealed)
  }
}

/** A program is pure, so the plan with its bundles is asked for again instead of being carried along. */
function planAgain(program: Program, state: Bundle): ProgramPlan {
  const plan = program.next(state)
  if (plan === 'done')
    throw new FederationError('internal/bug', 'The program planned no round where one was closed')
  return plan
}

/** A partial sum cannot be taken apart: it counts if exactly its members were accepted with it. */
function wholePartial(partial: Bundle, blob: Hash, accepted: readonly AcceptedUpdate[]): Bundle {
  const counted = accepted
    .filter((update) => update.blob === blob)
    .map(({ slot, weight }) => [slot, weight])
  if (canonicalJson(partial.meta['members']) !== canonicalJson(counted)) {
    throw new FederationError(
      'algorithm/failed',
      `The partial sum ${blob} does not hold exactly its accepted members`,
    )
  }
  return partial
}

const limitsOf = (uplink: readonly UplinkGroup[]): { readonly maxBytes: number } => ({
  maxBytes: uplink.reduce((sum, group) => sum + group.maxBytes, HEADER_BYTES),
})
