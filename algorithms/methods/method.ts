import type { z } from 'zod'
import type { Bundle, NamedTensor } from '#protocol/bundle.js'
import type { Diagnostics } from '#protocol/diagnostics.js'
import type { Hash, Slot } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import type { Fate, Metrics, Purpose } from '#protocol/record.js'
import type { RunConfig, TaskConfig } from '#protocol/run-config.js'
import type { Grid, PrivacyClass, UplinkGroup } from '#protocol/uplink.js'
import type { ClientData } from '#data/dataset.js'
import type { Model } from '#algorithms/models/model.js'
import type { ServerOptimizer } from '#algorithms/server-optimizers/server-optimizer.js'
import type { Streams } from '#algorithms/tensor/stream.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import type { NoiseStreams } from '#algorithms/update-transforms/apply.js'
import type { RowFacts } from '#algorithms/training/batch.js'

/** What both halves are built from. Pure: no socket, file, clock or randomness but `streams`. */
export interface MethodSetup<Hyper = unknown> {
  readonly config: RunConfig
  readonly hyper: Hyper
  readonly model: Model
  readonly streams: Streams
}
export interface ServerSetup<Hyper = unknown> extends MethodSetup<Hyper> {
  readonly serverOptimizer: ServerOptimizer
  /** The run's grid for a mean group: wide enough for every legal cohort and weight. */
  readonly meanGrid: Grid
}

/**
 * Bundles that are large and constant, by hash: they lie in the blob store before the run begins (`config.startFrom`), and a
 * client fetches them once and caches them.
 */
export type PlannedAssets = Readonly<Record<string, Hash>>

/** The bundles of a plan's or a release's assets, by name. `bundleOf` finds one by its hash. */
export async function assetBundles(
  assets: PlannedAssets,
  bundleOf: (hash: Hash, name: string) => Promise<Bundle>,
): Promise<Readonly<Record<string, Bundle>>> {
  const named = Object.entries(assets).map(
    async ([name, hash]) => [name, await bundleOf(hash, name)] as const,
  )
  return Object.fromEntries(await Promise.all(named))
}

/** One task for a cohort. `uplink` declares everything an update holds; nothing else is accepted. */
export interface RoundPlan {
  readonly purpose: Purpose
  /** Small JSON for the client half. */
  readonly task: JsonObject
  readonly shared: Bundle
  readonly assets: PlannedAssets
  readonly uplink: readonly UplinkGroup[]
  /** 'cohort': sampled as configured. 'everyone': the whole population, each once. */
  readonly audience: 'cohort' | 'everyone'
  /**
   * deadline: members that are away, or go away, are waited for until the round's deadline, and who cannot be reached when
   * it opens is asked as soon as it is back. Left out: only for the grace period, and only those who are there are asked.
   */
  readonly patience?: 'deadline'
}

export interface GatheredPayload {
  readonly slot: Slot
  readonly weight: number
  readonly tensors: Readonly<Record<string, NamedTensor>>
}
export type FoldedGroup =
  | {
      readonly reduce: 'mean' | 'sum'
      /** mean: already divided by totalWeight. Decoded from the grid to float64. */
      readonly tensors: Readonly<Record<string, Float64Array>>
      readonly totalWeight: number
      readonly count: number
    }
  | {
      readonly reduce: 'gather'
      readonly count: number
      /** In slot order, one in memory at a time. May be walked again. */ payloads(): AsyncIterable<GatheredPayload>
    }

export interface Folded {
  readonly groups: Readonly<Record<string, FoldedGroup>>
  readonly reporters: readonly Slot[]
  /** Size of the run's roster when the round opened. */
  readonly population: number
}

/** A valid update before it counts: its gather groups, by name. */
export interface ArrivedUpdate {
  readonly plan: Pick<RoundPlan, 'task' | 'uplink'>
  readonly payloads: Readonly<Record<string, GatheredPayload>>
}

export interface CloseResult {
  readonly state: Bundle
  readonly metrics: Metrics
  /** One private bundle per slot, delivered with that slot's next task. */
  readonly personal?: ReadonlyMap<Slot, Bundle>
  /** More than numbers by name: what people look at when they ask why. */
  readonly diagnostics?: Diagnostics
}

/** What is published, evaluated and calibrated. */
export interface Released {
  readonly bundle: Bundle
  /** Large and constant bundles that it needs beside it; none for a full set of params. */
  readonly assets: PlannedAssets
  /** True: it is a full set of params of the configured model. False: only the method's client half can use it. */
  readonly predicts: boolean
}

/** Runs on the coordinator, `close` in its compute worker. State is a bundle, so it survives encode → decode by construction. */
export interface ServerHalf {
  /** `startFrom`: initial params instead of the seeded ones. */
  init(startFrom: Bundle | null): Bundle
  next(state: Bundle): RoundPlan | 'done'
  close(state: Bundle, plan: RoundPlan, folded: Folded): Promise<CloseResult>
  released(state: Bundle): Released
  /**
   * Whether what a member sent can be true, beyond what its groups declare. Throws an `update/…` that says why not: the
   * update is refused, and the round goes on without it.
   */
  inspect?(arrived: ArrivedUpdate): void
  /** The state that goes on from other params than it would have released. Only of methods that release a model. */
  adopt?(state: Bundle, params: Bundle): Bundle
}

export interface PerformInput {
  readonly round: number
  readonly slot: Slot
  readonly task: JsonObject
  readonly shared: Bundle
  readonly assets: Readonly<Record<string, Bundle>>
  readonly personal: Bundle | null
  readonly data: ClientData
  readonly memory: Bundle | null
  readonly uplink: readonly UplinkGroup[]
  /** Out of what update transforms draw noise; needed where the run has one that does. */
  readonly noise?: NoiseStreams
  /** Told after each local step, for people who watch. */
  readonly onStep?: (done: number, total: number) => void
}
export interface PerformResult {
  /** By group, then the tensors of that group with names as declared (without the group prefix). */
  readonly update: Readonly<Record<string, readonly NamedTensor[]>>
  /** Number of examples behind this update, ≥ 1. */
  readonly weight: number
  readonly metrics: Metrics
  /** The memory if the update is accepted. */
  readonly pending: Bundle | null
  /** The client's own full set of params after training, where there is one. Leaves it only where a task asks for it. */
  readonly local?: Float32Array
}
/** Logits for a batch [batch, ...inputShape] → [batch, classes]. Call inside tf.tidy. */
export type Predictor = (x: Tensor, facts: RowFacts) => Tensor

/** Predicts with what it was made from. Holds tensors until `dispose`. */
export interface PredictorHandle {
  readonly predict: Predictor
  /** Where a method chooses among entries input by input: [batch, entries], 1 for those that it takes. */
  readonly route?: Predictor
  dispose(): void
}

/** A task's bundles or a released bundle with its assets; `memory` null: a client that has none, or none is meant. */
export interface PredictorInput extends Pick<PerformInput, 'shared' | 'assets' | 'memory'> {
  /** Whose; left out: nobody's in particular. */
  readonly slot?: Slot
}

/** A client's own model, as a file that predicts by itself would hold it. */
export interface PersonalModel {
  /** A full set of params of `model`. */
  readonly params: Bundle
  /** What the client trains; for most methods the configured model. */
  readonly model: RunConfig['model']
}

/** Runs on the node's child process, or in a simulation worker. */
export interface ClientHalf {
  perform(input: PerformInput): Promise<PerformResult>
  /** What the client keeps once it knows the fate. Without it: pending if accepted, else the memory as it was. */
  settle?(memory: Bundle | null, pending: Bundle | null, fate: Fate): Bundle | null
  /** Predicts with what this client has now; null before it can. */
  predictor(from: PredictorInput): PredictorHandle | null
  /** Only of methods with `personal`: the client's own model out of its memory. */
  personalModel?(memory: Bundle): PersonalModel
  /** What a record must hold of the memory, so that a replay comes to the same one. Goes out with every update's metrics. */
  told?(memory: Bundle | null): Metrics
}

/** What leaves clients beside params and sums over many examples. */
export interface Revealed {
  /** Those that an owner must allow. */
  readonly classes: readonly PrivacyClass[]
  /** For people who choose the method: what clients give away, and the options that make it less. Sentences. */
  readonly text: string
}

/** Local training as configured, from the received params, and how far they moved as group `delta`. */
export interface PlainTraining {
  /** What becomes of the gradients of a step before they are clipped; `start`: the received params. Left out: nothing. */
  readonly adjustGradients?: (
    gradients: readonly Tensor[],
    params: readonly Tensor[],
    start: readonly Tensor[],
  ) => readonly Tensor[]
  /** What the movement is divided by before it is sent, after so many local steps. Left out: 1. */
  readonly divisor?: (steps: number) => number
  /** For reports: what else an observer gets, or when this no longer holds. */
  readonly remark?: string
}

/** One published method: both halves, its hyper-parameters, and what it cannot work with. */
export interface Method<Hyper = unknown> {
  readonly name: string
  readonly hyper: z.ZodType<Hyper>
  /**
   * model: a full set of params of the configured model, the same for every client, so that it can be calibrated and
   * compared. own: something else, which only the method's client half can use.
   */
  readonly releases: 'model' | 'own'
  /**
   * Clients predict with a model of their own, kept as memory and never uploaded: evaluation by the clients scores that one.
   * Who was never asked predicts with what its method defines for it.
   */
  readonly personal?: true
  /** A round may close without any update (`cohort.minReporters` 0): nothing is averaged that would then be undefined. */
  readonly closesEmpty?: true
  /** Reasons why this combination cannot work; empty: it can. */
  requires(config: RunConfig, model: Model, task: TaskConfig): readonly string[]
  /** Settings that make updates smaller, such as `method.quantization`: for who is told that they are too large. */
  readonly smallerBy?: readonly string[]
  /**
   * Groups whose tensors say how a client's params moved: what the run's update transforms act on. Float32, of fixed shapes,
   * `reduce: 'mean'`. Left out: `delta`.
   */
  readonly deltas?: readonly string[]
  /**
   * What else clients send of their params or their examples, in groups that are none of `deltas`: no update transform would
   * act on it, so that such a run is refused. A sentence; null or left out: nothing.
   */
  uncovered?(setup: MethodSetup<Hyper>): string | null
  /** Null or left out: nothing but params and sums leaves a client. */
  reveals?(setup: MethodSetup<Hyper>): Revealed | null
  /**
   * What a client without memory does, where it is no more than local training: an audit simulates it to see what an update
   * gives away. Left out: something else, and the method cannot be audited.
   */
  plainTraining?(setup: MethodSetup<Hyper>): PlainTraining
  /** The groups of every kind of round that the method has, where they are not all as large as those of the first. */
  uplinks?(setup: ServerSetup<Hyper>): readonly (readonly UplinkGroup[])[]
  server(setup: ServerSetup<Hyper>): ServerHalf
  client(setup: MethodSetup<Hyper>): ClientHalf
}
