import { difference, namedTensors } from '#algorithms/methods/delta.js'
import { keepingTraining } from '#algorithms/methods/kept-training.js'
import { holding, trainFrom, type TrainedFrom } from '#algorithms/methods/local-training.js'
import type { ClientHalf, PerformInput } from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'
import { paramsOf, toTensors } from '#algorithms/models/params.js'
import type { Tap } from '#algorithms/models/taps.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { Objective } from '#algorithms/training/objective.js'
import { architecturesOf, type FedD2SSetup } from './architectures.js'
import { divergences, softened } from './divergence.js'
import { memoryOf, personalHalf, personalOf, type Personal } from './memory.js'
import type { Distillation } from './objective.js'
import { aboveCut, belowCut, cutAt } from './split.js'
import { taskOf } from './wire.js'

/**
 * Profile M (fedd2s specification §8.3): the client's own model learns from the frozen global one through its upper layers; then
 * a copy of the global model, the student, learns from the client's lower layers, and is what goes up.
 */
export function modelsClient(setup: FedD2SSetup): ClientHalf {
  const architectures = architecturesOf(setup)
  return keepingTraining({
    async perform(input) {
      const personal = personalOf(setup, architectures, input)
      const { own, student } = await trainRound(setup, input, personal)
      return {
        update:
          student === null
            ? {}
            : { delta: namedTensors(setup.model, difference(student.params, student.start)) },
        weight: own.weight,
        metrics: {
          ...{ loss: own.loss, steps: own.steps },
          ...(student === null ? {} : { 'student/loss': student.loss }),
        },
        pending: memoryOf({ ...personal, params: own.params }),
      }
    },
    ...personalHalf(setup, architectures),
  })
}

interface TrainedPair {
  /** F_n */
  readonly own: TrainedFrom
  /** w_n; null: the federation is over. */
  readonly student: TrainedFrom | null
}

async function trainRound(
  setup: FedD2SSetup,
  input: PerformInput,
  { params: start, architecture: { cuts } }: Pick<Personal, 'params' | 'architecture'>,
): Promise<TrainedPair> {
  const { round, cut } = taskOf(input.task)
  if (cut === null) return { own: await trainFrom(setup, input, { start }), student: null }
  const { model, hyper } = setup
  const tap = cutAt(cuts, cut)
  const global = paramsOf(model, input.shared)
  const { temperature, scaleByT2, clientDivergence, serverDivergence } = hyper
  const softness = { temperature, scaleByT2 }
  const [first, second] = halvesOf(input)
  return holding(toTensors(model, global), async (frozen) => {
    // In round 0 the global model is as it was drawn, and has nothing to teach.
    const isTaught = clientDivergence > 0 && round > 0
    const ownRule = { weight: clientDivergence, ...softness }
    const own = await trainFrom(setup, first, {
      start,
      ...(isTaught ? { objective: throughFrozen({ model, tap, frozen }, ownRule) } : {}),
    })
    if (serverDivergence === 0)
      return { own, student: await trainFrom(setup, second, { start: global }) }
    const rule = { weight: serverDivergence, ...softness }
    const student = await holding(toTensors(model, own.params), (taught) =>
      trainFrom(setup, second, {
        start: global,
        objective: studentOf({ model, tap, frozen }, taught, rule),
      }),
    )
    return { own, student }
  })
}

/** For who watches, the two trainings of a round are one. */
function halvesOf(input: PerformInput): readonly [PerformInput, PerformInput] {
  const { onStep } = input
  if (onStep === undefined) return [input, input]
  return [
    { ...input, onStep: (done, total) => onStep(done, 2 * total) },
    { ...input, onStep: (done, total) => onStep(total + done, 2 * total) },
  ]
}

/** G, which stays as it is, cut at a tap. g^{>L} is the identity. */
export interface FrozenModel {
  readonly model: Model
  readonly tap: Tap
  /** All of the model's params. */
  readonly frozen: readonly Tensor[]
}

/** g^{>ℓ}(f^{≤ℓ}(x)), the upper layers frozen. */
const composed = ({ model, tap, frozen }: FrozenModel, params: readonly Tensor[], x: Tensor) =>
  aboveCut(model, tap, { params: frozen, z: belowCut(model, tap, { params, x }) })

/**
 * CE(y, F(x)) + λ_c T² KL( σ_T(G(x)) ‖ σ_T(g^{>ℓ}(f^{≤ℓ}(x))) ): only layers up to the cut learn from the global model, those
 * above it from labels alone.
 */
export function throughFrozen(
  global: FrozenModel,
  { weight, temperature, scaleByT2 }: Distillation,
): Objective {
  const { model, tap, frozen } = global
  const { name, params, parameterCount } = model
  return {
    ...{ name, params, parameterCount, tallies: [] },
    on({ x, y }) {
      const teacher = softened(model.forward(frozen, x), temperature)
      return {
        loss(moving) {
          const z = belowCut(model, tap, { params: moving, x })
          const ce = crossEntropy(aboveCut(model, tap, { params: moving, z }), y) as tf.Scalar
          const through = aboveCut(model, tap, { params: frozen, z })
          const kl = tf.mean(divergences(through, teacher, { temperature, scaleByT2 }))
          return tf.add<tf.Scalar>(ce, tf.mul(weight, kl))
        },
      }
    },
  }
}

/** CE(y, w(x)) + λ_s T² KL( σ_T(g^{>ℓ}(f^{≤ℓ}(x))) ‖ σ_T(w(x)) ), with f as the client has just trained it. */
export function studentOf(
  global: FrozenModel,
  taught: readonly Tensor[],
  { weight, temperature, scaleByT2 }: Distillation,
): Objective {
  const { model } = global
  const { name, params, parameterCount } = model
  return {
    ...{ name, params, parameterCount, tallies: [] },
    on({ x, y }) {
      const p = softened(composed(global, taught, x), temperature)
      return {
        loss(moving) {
          const logits = model.forward(moving, x)
          const kl = tf.mean(divergences(logits, p, { temperature, scaleByT2 }))
          return tf.add<tf.Scalar>(crossEntropy(logits, y), tf.mul(weight, kl))
        },
      }
    },
  }
}
