import type { BlobRef } from '#protocol/blob-ref.js'
import type { Hash, Slot } from '#protocol/ids.js'
import type { Diagnostics } from '#protocol/diagnostics.js'
import type { JsonObject } from '#protocol/json.js'
import type { Problem } from '#protocol/errors.js'
import type { AcceptedUpdate, Engine, Metrics, Purpose, RoundRecord } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import type { KeyMap } from '#algorithms/methods/fedins/key-map.js'
import type { Compartment } from '#coordinator/vault/sealed-blobs.js'

export type { BlobRef } from '#protocol/blob-ref.js'

/** A plan whose bundles lie in the blob store: what the coordinator's event loop sees of it. Plain JSON. */
export interface PlannedRound {
  readonly purpose: Purpose
  /** Which part of the composed program this is: 'method', 'evaluation', 'calibration'. Clients choose their half by it. */
  readonly part: string
  readonly task: JsonObject
  readonly shared: BlobRef
  readonly assets: readonly (BlobRef & { readonly name: string })[]
  readonly uplink: readonly UplinkGroup[]
  readonly audience: 'cohort' | 'everyone'
  /** As in `RoundPlan`. */
  readonly patience?: 'deadline'
}

export interface Started {
  readonly stateHash: Hash
  readonly modelHash: Hash
  /** Round 0: the initial evaluation, empty without central evaluation. */
  readonly metrics: Metrics
  readonly engine: Engine
  /** What updates of each kind of round hold that the run can have. */
  readonly kinds: readonly RoundKind[]
}
/** As in the program. */
export type RoundKind = Pick<PlannedRound, 'part' | 'audience' | 'uplink'>
export interface ArrivedUpdate {
  readonly slot: Slot
  readonly blob: Hash
  readonly weight: number
  /** Where it lies encrypted; null: among the blobs. */
  readonly updates?: Compartment | null
}
/** All that a round's result depends on. */
export interface FrozenRound {
  readonly round: number
  readonly stateHash: Hash
  readonly plan: PlannedRound
  /** In slot order. */
  readonly accepted: readonly AcceptedUpdate[]
  readonly population: number
  /** Where the updates lie encrypted; null: among the blobs. */
  readonly updates?: Compartment | null
  /** Where bundles for single members go; null: among the blobs. */
  readonly personal?: Compartment | null
}
export interface Closed {
  readonly stateHash: Hash
  readonly modelHash: Hash
  readonly metrics: Metrics
  readonly personal: readonly { readonly slot: Slot; readonly blob: BlobRef }[]
  readonly diagnostics?: Diagnostics
  readonly confusion?: RoundRecord['confusion']
}

/**
 * Everything that multiplies matrices for the coordinator. Stateless between calls (all state is in the blob store), so a
 * crash costs nothing. Keys of what is encrypted come with the request and are not kept. Two implementations: in this process (simulations, tests) and in a child process (coordinator).
 */
export interface Compute {
  start(config: RunConfig): Promise<Started>
  next(config: RunConfig, stateHash: Hash): Promise<PlannedRound | 'done'>
  /** Checks an arrived update against the plan: tensors, finiteness, range, weight. Null: it may count. */
  inspect(config: RunConfig, plan: PlannedRound, update: ArrivedUpdate): Promise<Problem | null>
  /** Folds the accepted updates (their blobs, in slot order) and closes the round. */
  close(config: RunConfig, round: FrozenRound): Promise<Closed>
  /** Where the keys of a released model lie, for people to look at; null: it has none. */
  keyMap(modelHash: Hash): Promise<KeyMap | null>
  stop(): Promise<void>
}
