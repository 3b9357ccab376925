import type { DataCard } from '#protocol/data-card.js'
import type { Problem } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import type { Policy } from '#protocol/policy.js'
import type { JsonObject } from '#protocol/json.js'
import type { Engine, Fate, Metrics } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import type { BackendChoice } from '#algorithms/tensor/choose-backend.js'
import type { ClientDataRequest } from '#data/index.js'

/** Data by flags, or a module of the owner's that exports `openData(): Promise<ClientData>`. */
export type NodeData = ClientDataRequest | { readonly module: string }

/** A bundle in the node's state directory, whose bytes were checked against the hash. */
export interface AssetFile {
  readonly hash: Hash
  readonly path: string
}

/** What the child process is asked. Bundles travel as encoded bytes. */
export type Request =
  | { readonly kind: 'open'; readonly data: NodeData }
  | {
      readonly kind: 'perform'
      readonly config: RunConfig
      readonly part: string
      readonly round: number
      readonly slot: number
      readonly task: JsonObject
      readonly shared: Uint8Array
      /** Large, so left where they lie: the child reads each once and keeps it. */
      readonly assets: Readonly<Record<string, AssetFile>>
      readonly personal: Uint8Array | null
      readonly memory: Uint8Array | null
      readonly uplink: readonly UplinkGroup[]
      /** For this task alone: noise that only this node can draw hangs on it. */
      readonly noiseKey: Uint8Array
      /** Held against what the method itself says that it uploads: what a coordinator declares may be untrue. */
      readonly policy: Policy
      /** Training examples that the report of an audit speaks of at least, which the owner demands; 0: none is demanded. */
      readonly fewestExamples: number
      /** Where measured backend choices are remembered. */
      readonly stateDirectory: string
    }
  | {
      readonly kind: 'settle'
      readonly config: RunConfig
      readonly part: string
      readonly memory: Uint8Array | null
      readonly pending: Uint8Array | null
      readonly fate: Fate
    }
export interface Performed {
  readonly update: Uint8Array
  readonly weight: number
  readonly metrics: Metrics
  readonly pending: Uint8Array | null
  readonly engine: Engine
  /** Whether the memory of the run holds a model of this client's own. */
  readonly hasPersonalModel: boolean
}
export interface Answers {
  readonly open: DataCard
  readonly perform: Performed
  readonly settle: Uint8Array | null
}
export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: Answers[keyof Answers] }
  | { readonly id: number; readonly ok: false; readonly problem: Problem }
export type BackendChosen = Pick<BackendChoice, 'chosen' | 'measurements'>
/** Told without being asked: a backend that was chosen by measurement, and now and then how far training is. */
export type Note =
  | { readonly note: 'backend'; readonly choice: BackendChosen }
  | { readonly note: 'progress'; readonly done: number; readonly total: number }
