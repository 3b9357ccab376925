/**
 * IG: pixels, cosine distance and total variation, Adam on the sign of the gradient, kept in [0, 1]. Geiping et al., Inverting
 * Gradients: How easy is it to break privacy in federated learning?, NeurIPS 2020, https://arxiv.org/abs/2003.14053. Gifd
 * specification §12 number 4, with the rate and weight of §20.1.
 */
import type { Attack } from '#algorithms/audit/attack.js'
import { totalVariation } from '#algorithms/audit/matching/regularisers.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { allPixelIterations, greyStart, intoBox, pixelIterations, pixelRestarts } from './pixels.js'
import { descendFrom } from './restarts.js'
import { stepDecay } from './schedule.js'
import { Search, type Descent } from './search.js'

const RATE = 0.05
const TV = 1e-2

function pixelDescent(search: Search, start: Tensor): Descent {
  const { problem, budget } = search.input
  const iterations = pixelIterations(budget)
  return {
    ...{ stage: 0, start: [start], iterations, isSigned: true },
    rate: (k) => RATE * stepDecay(k, iterations),
    objective: ([x]) =>
      tf.add(problem.loss(x!, problem.labels, 'cosine'), tf.mul(TV, totalVariation(x!))),
    show: ([x]) => ({ x: x!, y: problem.labels }),
    constrain: intoBox,
  }
}

export const ig: Attack = {
  name: 'ig',
  needsGenerator: false,
  describes: 'Searches pixels by the sign of the gradient, with a preference for smooth pictures.',
  iterations: allPixelIterations,
  excluded: () => null,
  async run(input) {
    const search = new Search(input)
    return descendFrom(search, {
      name: 'ig',
      restarts: pixelRestarts(input.budget),
      make: async () => pixelDescent(search, greyStart(search)),
    })
  },
}
