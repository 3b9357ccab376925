/**
 * Stochastic gradient descent, with heavy-ball momentum when `momentum` is above 0 (Polyak, Some methods of speeding up
 * the convergence of iteration methods, 1964; in the form of Sutskever et al., ICML 2013).
 *
 *   without momentum:  w ← w − η g
 *   with momentum μ:   v ← μ v + g,  w ← w − η v,  v = 0 at the start of every local training
 *
 * η = `learningRate`, g = `gradients`, v = `state`. Momentum costs one tensor per param while training, nothing on the wire.
 */
import { z } from 'zod'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { ClientOptimizer, ClientOptimizerEntry } from './client-optimizer.js'

const descend = (
  params: readonly Tensor[],
  directions: readonly Tensor[],
  rate: number,
): Tensor[] => params.map((param, i) => tf.sub(param, tf.mul(directions[i]!, rate)))

const plain: ClientOptimizer = {
  name: 'sgd',
  init: () => [],
  step: ({ params, gradients, learningRate }) => ({
    params: descend(params, gradients, learningRate),
    state: [],
  }),
}

const heavyBall = (momentum: number): ClientOptimizer => ({
  name: 'sgd',
  init: (params) => params.map((param) => tf.zerosLike(param)),
  step({ params, gradients, state, learningRate }) {
    const velocities = state.map((velocity, i) => tf.add(tf.mul(velocity, momentum), gradients[i]!))
    return { params: descend(params, velocities, learningRate), state: velocities }
  },
})

const options = z.strictObject({})

export const sgd: ClientOptimizerEntry<z.infer<typeof options>> = {
  name: 'sgd',
  options,
  isLinear: true,
  build: ({ momentum }) => (momentum === 0 ? plain : heavyBall(momentum)),
}
