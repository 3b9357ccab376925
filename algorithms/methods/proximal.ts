import { paramsOf, toTensors, type ParamLayout } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import { holding, trainFrom } from './local-training.js'
import type { TrainedFrom } from './local-training.js'
import type { MethodSetup, PerformInput } from './method.js'

/**
 * g + mu · (w − anchor): the gradient of the loss plus mu/2 · ‖w − anchor‖². `anchor` is of the last params, as many as it
 * has; the gradients of those before stay as they are.
 */
export function proximalGradients(
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
): readonly Tensor[] {
  const first = gradients.length - anchor.length
  return gradients.map((gradient, i) =>
    i < first ? gradient : tf.add(gradient, tf.mul(tf.sub(params[i]!, anchor[i - first]!), mu)),
  )
}

export interface Pull {
  readonly mu: number
  /** The params that are pulled: the model's last ones. Left out: all. */
  readonly held?: ParamLayout
  /** What training starts from; left out: the received params, which are what it is pulled to in any case. */
  readonly start?: Float32Array
  /** Passes over the examples; left out: as configured. */
  readonly localEpochs?: number
}

/**
 * Local training that is held near the received params. With mu = 0 it is plain local training, bit for bit.
 */
export async function trainProximally(
  setup: MethodSetup,
  input: PerformInput,
  { mu, held = setup.model, start = paramsOf(setup.model, input.shared), ...rest }: Pull,
): Promise<TrainedFrom> {
  if (mu === 0) return trainFrom(setup, input, { start, ...rest })
  return holding(toTensors(held, paramsOf(held, input.shared)), (anchor) =>
    trainFrom(setup, input, {
      ...{ start, ...rest },
      adjustGradients: (gradients, params) => proximalGradients(gradients, { params, anchor, mu }),
    }),
  )
}
