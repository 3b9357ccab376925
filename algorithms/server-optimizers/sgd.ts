/**
 * SGD: moves the params along the mean delta. With a learning rate of 1 the new params are the plain mean of the clients'.
 *
 * Paper: H. B. McMahan et al., AISTATS 2017, https://arxiv.org/abs/1602.05629 (plain mean); server learning rate as in
 *   S. J. Reddi et al., "Adaptive Federated Optimization", ICLR 2021, https://arxiv.org/abs/2003.00295
 * Rule:  x ← x + η Δ
 * Symbols: η = `learningRate`, x = `params`, Δ = `meanDelta`
 * Costs: no memory.
 */
import { z } from 'zod'
import { makeBundle } from '#protocol/bundle.js'
import type { ServerOptimizerEntry } from '#algorithms/catalogue-entry.js'
import { serverLearningRate } from './options.js'

const options = z.strictObject({ learningRate: serverLearningRate(1) })

export const sgd: ServerOptimizerEntry<z.infer<typeof options>> = {
  name: 'sgd',
  options,
  build: ({ learningRate }) => ({
    name: 'sgd',
    init: () => makeBundle([]),
    step: (params, meanDelta, state) => ({
      params: params.map((value, i) => value + learningRate * meanDelta[i]!),
      state,
    }),
  }),
}
