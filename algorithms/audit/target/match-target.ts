import type { Model } from '#algorithms/models/model.js'
import type { Tensor } from '#algorithms/tensor/tf.js'

declare const fromRecords: unique symbol

/** What the operator does not have to guess, and what an observer knows as well: gifd specification §3. */
export interface ObservedSettings {
  readonly model: Model
  /** Records in one update. */
  readonly batch: number
  /** Local steps, each on the whole batch or on its part, as the client takes them. */
  readonly localSteps: number
  readonly learningRate: number
  readonly weightDecay: number
}

/**
 * What an observer of one client sees. Only `makeTarget` makes one, from records and the client's own code: there is no way
 * from a stored or received update to it (gifd specification §1).
 */
export interface MatchTarget {
  readonly [fromRecords]: true
  readonly settings: ObservedSettings
  /** Params before the update, in the model's order. */
  readonly params: readonly Tensor[]
  /** The update as it left the client, after its transforms, as a gradient: −Δ / (η K). In the model's order. */
  readonly observed: readonly Tensor[]
  /** 1 where the observer can see that an entry counts, per tensor; null: everywhere. */
  readonly support: readonly Tensor[] | null
  /** Ascending; inferred from the update, or given in the worst case. */
  readonly labels: Int32Array
  /** Matching loss that remains at the true records because of noise (cosine, l2); null: none is known. */
  readonly floor: { readonly cosine: number; readonly l2: number } | null
  /** As the transforms of the run bound it; null: not clipped. */
  readonly clipNorm: number | null
  readonly approximation: 'unrolled' | 'one-gradient'
  dispose(): void
}
