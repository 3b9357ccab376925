import { paramsOf, toTensors } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import { holding, trainFromShared } from './local-training.js'
import type { TrainedFrom } from './local-training.js'
import type { MethodSetup, PerformInput } from './method.js'

/** g + mu · (w − anchor): the gradient of the loss plus mu/2 · ‖w − anchor‖². */
export const proximalGradients = (
  gradients: readonly Tensor[],
  {
    params,
    anchor,
    mu,
  }: {
    readonly params: readonly Tensor[]
    readonly anchor: readonly Tensor[]
    readonly mu: number
  },
): readonly Tensor[] =>
  gradients.map((gradient, i) => tf.add(gradient, tf.mul(tf.sub(params[i]!, anchor[i]!), mu)))

/** Local training that is held near the params it started from. With mu = 0 it is plain local training, bit for bit. */
export async function trainProximally(
  setup: MethodSetup,
  input: PerformInput,
  mu: number,
): Promise<TrainedFrom> {
  if (mu === 0) return trainFromShared(setup, input)
  const { model } = setup
  return holding(toTensors(model, paramsOf(model, input.shared)), (anchor) =>
    trainFromShared(setup, input, (gradients, params) =>
      proximalGradients(gradients, { params, anchor, mu }),
    ),
  )
}
