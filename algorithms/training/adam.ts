/**
 * Adam: steps scaled by running moments of the gradient. Kingma and Ba, Adam: A Method for Stochastic Optimization,
 * ICLR 2015, https://arxiv.org/abs/1412.6980, Algorithm 1.
 *
 *   m ← β1 m + (1 − β1) g,   v ← β2 v + (1 − β2) g²
 *   w ← w − η · (m / (1 − β1^t)) / (sqrt(v / (1 − β2^t)) + ε)
 *
 * β1 = `beta1`, β2 = `beta2`, ε = `epsilon`, t = `step`, counted from 1 in every local training; m, then v, are the state.
 * Weight decay is the common one, added to g before the moments (L2, not AdamW). Costs two tensors per param while
 * training, nothing on the wire.
 */
import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import { tf } from '#algorithms/tensor/tf.js'
import type {
  ClientOptimizer,
  ClientOptimizerEntry,
  StepInput,
  StepOutput,
} from './client-optimizer.js'

const options = z.strictObject({
  beta1: z.number().min(0).lt(1).default(0.9).describe('Decay of the first moment'),
  beta2: z.number().min(0).lt(1).default(0.999).describe('Decay of the second moment'),
  epsilon: z
    .number()
    .positive()
    .max(1)
    .default(1e-8)
    .describe('Added to the root of the second moment'),
})
type AdamOptions = z.infer<typeof options>

function adamStep({ beta1, beta2, epsilon }: AdamOptions, input: StepInput): StepOutput {
  const { params, gradients, state, learningRate, step } = input
  const first = gradients.map((g, i) => tf.add(tf.mul(state[i]!, beta1), tf.mul(g, 1 - beta1)))
  const second = gradients.map((g, i) =>
    tf.add(tf.mul(state[params.length + i]!, beta2), tf.mul(tf.square(g), 1 - beta2)),
  )
  const rate = learningRate / (1 - beta1 ** step)
  const correction = 1 / (1 - beta2 ** step)
  const moved = params.map((param, i) => {
    const scale = tf.add(tf.sqrt(tf.mul(second[i]!, correction)), epsilon)
    return tf.sub(param, tf.div(tf.mul(first[i]!, rate), scale))
  })
  return { params: moved, state: [...first, ...second] }
}

const withOptions = (chosen: AdamOptions): ClientOptimizer => ({
  name: 'adam',
  init: (params) => [...params, ...params].map((param) => tf.zerosLike(param)),
  step: (input) => adamStep(chosen, input),
})

export const adam: ClientOptimizerEntry<AdamOptions> = {
  name: 'adam',
  options,
  build({ momentum }, chosen) {
    if (momentum !== 0) {
      throw new FederationError(
        'config/impossible',
        'training.optimizer.momentum has no meaning for adam; set it to 0 and use beta1',
      )
    }
    return withOptions(chosen)
  },
}
