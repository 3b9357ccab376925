import { paramsPredictor } from '#algorithms/evaluation/evaluate.js'
import { paramsOf } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import { wholeModel, type Objective } from '#algorithms/training/objective.js'
import { trainObjective } from '#algorithms/training/train.js'
import type { LocalResult, LocalTraining } from '#algorithms/training/train.js'
import type { ClientHalf, MethodSetup, PerformInput } from './method.js'

export type GradientRule = NonNullable<LocalTraining['adjustGradients']>

/** What a method's local training has that plain local training has not. */
export interface LocalRule {
  readonly adjustGradients?: GradientRule
  /** Over the model's params; left out: the cross-entropy of the whole model. */
  readonly objective?: Objective
  /** Passes over the examples; left out: as configured. */
  readonly localEpochs?: number
}

export interface StartedRule extends LocalRule {
  /** A full set of params; not changed. */
  readonly start: Float32Array
}

export interface TrainedFrom extends LocalResult {
  /** The params that training started from. */
  readonly start: Float32Array
  /** Number of training examples: the update's weight. */
  readonly weight: number
}

/** The local training of the run on this client's examples, from the params in `shared`. */
export const trainFromShared = (
  setup: MethodSetup,
  input: PerformInput,
  rule: LocalRule = {},
): Promise<TrainedFrom> =>
  trainFrom(setup, input, { ...rule, start: paramsOf(setup.model, input.shared) })

/**
 * The same from any full set of params. Every training of a client in a round draws the same batches, whatever it starts
 * from and however often it is asked: models that are trained beside each other do not disturb one another.
 */
export async function trainFrom(
  { config, model, streams }: MethodSetup,
  { round, slot, data, onStep }: Pick<PerformInput, 'round' | 'slot' | 'data' | 'onStep'>,
  { start, adjustGradients, objective = wholeModel(model), localEpochs }: StartedRule,
): Promise<TrainedFrom> {
  const { training } = config
  const trained = await trainObjective({
    objective,
    start,
    examples: data.train,
    training: localEpochs === undefined ? training : { ...training, localEpochs },
    streams,
    round,
    rounds: config.rounds,
    slot,
    ...(adjustGradients === undefined ? {} : { adjustGradients }),
    ...(onStep === undefined ? {} : { onStep }),
  })
  return { ...trained, start, weight: data.train.indices.length }
}

/** For methods whose clients predict with the shared params. */
export const sharedPredictor =
  ({ model }: MethodSetup): ClientHalf['predictor'] =>
  ({ shared }) =>
    paramsPredictor(model, shared)

/** Runs `use` with tensors that live as long as it does. */
export async function holding<T>(
  tensors: readonly Tensor[],
  use: (tensors: readonly Tensor[]) => Promise<T>,
): Promise<T> {
  try {
    return await use(tensors)
  } finally {
    tf.dispose([...tensors])
  }
}
