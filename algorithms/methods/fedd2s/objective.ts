/** What a client's local training makes small (fedd2s specification §6.1 and §8.2). */
import type { Model } from '#algorithms/models/model.js'
import { product } from '#algorithms/models/blocks/block-maker.js'
import type { Tap } from '#algorithms/models/taps.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { Objective } from '#algorithms/training/objective.js'
import { adapted } from './adapter.js'
import { divergences, softened, weightedMean, type Softness } from './divergence.js'
import type { SoftLabelStore } from './soft-labels.js'
import { hasLabel } from './soft-labels.js'
import { aboveCut, belowCut, type Head } from './split.js'

export interface Distillation extends Softness {
  /** λ_c. */
  readonly weight: number
}

/**
 * CE + λ_c · (1/B) Σ m_i · T² · KL(q_i ‖ σ_T(v_i)), with m_i = 1 where the store has a soft label. Of the whole model: all
 * layers learn from it.
 */
export function towardsSoftLabels(
  model: Model,
  store: SoftLabelStore,
  { weight, ...softness }: Distillation,
): Objective {
  const { name, params, parameterCount, classes } = model
  return {
    ...{ name, params, parameterCount, tallies: [] },
    on({ x, y, positions }) {
      const q = rowsAt(store.values, positions, classes)
      const mask = tf.tensor1d(Array.from(positions, (place) => (hasLabel(store, place) ? 1 : 0)))
      return {
        loss(moving) {
          const v = model.forward(moving, x)
          const term = weightedMean(divergences(v, q, softness), mask)
          return tf.add<tf.Scalar>(crossEntropy(v, y), tf.mul(weight, term))
        },
      }
    },
  }
}

function rowsAt(values: Float32Array, places: Int32Array, width: number): Tensor {
  const rows = new Float32Array(places.length * width)
  places.forEach((place, i) =>
    rows.set(values.subarray(place * width, (place + 1) * width), i * width),
  )
  return tf.tensor2d(rows, [places.length, width])
}

/** A downloaded head, which stays as it is while the client trains. */
export interface HeadTeacher {
  readonly head: Head
  readonly params: readonly Tensor[]
  readonly tap: Tap
  /** From this client's activations to those that the head takes; null: they are the same. */
  readonly adapter: Tensor | null
}
export interface HeadDistillation extends Distillation {
  /** μ. */
  readonly pull: number
}

/** σ_T's argument of the teacher: g^{>ℓ} of the client's activations. */
export const headLogits = ({ head, params, adapter }: HeadTeacher, z: Tensor): Tensor =>
  head.logits(params, adapter === null ? z : adapted(z, adapter))

/** With μ > 0 the adapter learns too: without, nothing that it does has a gradient. */
export const movesAdapter = (
  { adapter }: Pick<HeadTeacher, 'adapter'>,
  { pull }: Pick<HeadDistillation, 'pull'>,
): boolean => adapter !== null && pull > 0

/**
 * CE + λ_c · T² · KL(σ_T(g(f^{≤ℓ}(x))) ‖ σ_T(v)) + μ · CE(y, g(f^{≤ℓ}(x))). The teacher has no gradient and is of the params as
 * they are before the step; the gradient of the last term goes into the layers up to the cut alone. λ_c = 0 leaves the teacher
 * out. Where the adapter moves (`movesAdapter`), it comes behind the model's params.
 */
export function towardsHead(
  model: Model,
  teacher: HeadTeacher,
  { weight, pull, ...softness }: HeadDistillation,
): Objective {
  const { tap, adapter } = teacher
  const isMoving = movesAdapter(teacher, { pull })
  const own = isMoving
    ? [{ name: 'adapter', shape: adapter!.shape, dtype: 'float32' as const }]
    : []
  const withAdapter = (tensors: readonly Tensor[]): HeadTeacher =>
    isMoving ? { ...teacher, adapter: tensors.at(-1)! } : teacher
  const modelsOf = (tensors: readonly Tensor[]) => tensors.slice(0, model.params.length)
  return {
    name: model.name,
    params: [...model.params, ...own],
    parameterCount: model.parameterCount + (isMoving ? product(adapter!.shape) : 0),
    tallies: [],
    on({ x, y }, before) {
      const current = withAdapter(before)
      const q =
        weight === 0
          ? null
          : softened(
              headLogits(current, belowCut(model, tap, { params: modelsOf(before), x })),
              softness.temperature,
            )
      return {
        loss(moving) {
          const params = modelsOf(moving)
          const z = belowCut(model, tap, { params, x })
          const v = aboveCut(model, tap, { params, z })
          const ce = crossEntropy(v, y) as tf.Scalar
          const kl = q === null ? null : tf.mean(divergences(v, q, softness))
          const taught = kl === null ? ce : tf.add<tf.Scalar>(ce, tf.mul(weight, kl))
          if (pull === 0) return taught
          const pulled = crossEntropy(headLogits(withAdapter(moving), z), y)
          return tf.add<tf.Scalar>(taught, tf.mul(pull, pulled))
        },
      }
    },
  }
}
