import type { Batch } from '#algorithms/training/batch.js'
import type { Objective } from '#algorithms/training/objective.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { FedInsHyper } from './hyper.js'
import { adaptedFeatures, headLogits, type Backbone } from './forward.js'
import { partsOf, poolLayout, type PoolShape } from './pool.js'
import { centred, cosines } from './routing.js'

/** Chooses entries for a batch: ones in [batch, M], `topK` a row. */
export type Router = (
  queries: Tensor,
  keys: Tensor | null,
  facts: Pick<Batch, 'rows' | 'domains'>,
) => Tensor

export interface PoolTraining {
  readonly shape: PoolShape
  readonly hyper: Pick<FedInsHyper, 'topK' | 'keyWeight'>
  readonly backbone: Backbone
  /** By place among the examples: [examples, D]. */
  readonly queries: Float32Array
  /** What the router sees is the query less this; null: the query. */
  readonly center: Float32Array | null
  readonly route: Router
}

/** Places of the tallies of `poolObjective`. */
export const TALLIES = { usage: 0, similarity: 1 } as const

/**
 * Loss = (1 − λ) · CE + λ · (1 − pull),  pull = mean over the batch of the sum of the chosen keys' cosines.
 * The choice is made with the keys as they are before the step and is not differentiated; so CE moves scales, shifts and
 * heads alone, and pull moves chosen keys alone. Tallies: how often each entry was chosen [M], and the sum of pulls [1].
 */
export function poolObjective(training: PoolTraining): Objective {
  const { shape, hyper, backbone, queries, center, route } = training
  const { keyWeight, topK } = hyper
  const layout = poolLayout(shape)
  return {
    ...layout,
    tallies: [
      { name: 'usage', shape: [shape.entries] },
      { name: 'similarity', shape: [1] },
    ],
    on(batch, params) {
      const bare = rowsAt(queries, batch.positions, shape.width)
      const q = centred(bare, center)
      const { keys } = partsOf(shape, params)
      const chosen = route(q, keys, batch)
      const selection = tf.div(chosen, topK)
      return {
        loss(moving) {
          const pool = partsOf(shape, moving)
          const f =
            shape.sites.length === 0
              ? bare
              : adaptedFeatures(backbone, batch.x, { pool, selection })
          const ce = crossEntropy(headLogits(pool, selection, f), batch.y)
          const weighted = tf.mul<tf.Scalar>(1 - keyWeight, ce)
          if (pool.keys === null) return weighted
          const pull = pullOf(cosines(q, pool.keys), chosen)
          return tf.add<tf.Scalar>(weighted, tf.mul(keyWeight, tf.sub(1, pull)))
        },
        tallies: [tf.sum(chosen, 0), similaritySum(q, keys, chosen)],
      }
    },
  }
}

/** Sum over the chosen entries, mean over the batch. */
const pullOf = (similarities: Tensor, chosen: Tensor): Tensor =>
  tf.div(tf.sum(tf.mul(similarities, chosen)), chosen.shape[0] ?? 1)

const similaritySum = (queries: Tensor, keys: Tensor | null, chosen: Tensor): Tensor =>
  keys === null ? tf.zeros([1]) : tf.reshape(tf.sum(tf.mul(cosines(queries, keys), chosen)), [1])

function rowsAt(values: Float32Array, places: Int32Array, width: number): Tensor {
  const rows = new Float32Array(places.length * width)
  places.forEach((place, i) =>
    rows.set(values.subarray(place * width, (place + 1) * width), i * width),
  )
  return tf.tensor(rows, [places.length, width])
}
