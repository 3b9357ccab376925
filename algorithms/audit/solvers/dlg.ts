/**
 * DLG: pixels and soft labels together, squared distance, no regulariser. Zhu et al., Deep Leakage from Gradients, NeurIPS
 * 2019, https://arxiv.org/abs/1906.08935. Gifd specification §12 number 2; Adam with more iterations in place of L-BFGS.
 */
import type { Attack } from '#algorithms/audit/attack.js'
import { softmax } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { allPixelIterations, GREY_NOISE, noise, pixelIterations, pixelRestarts } from './pixels.js'
import { descendFrom } from './restarts.js'
import { warmUpCosine } from './schedule.js'
import { Search, type Descent } from './search.js'

/** Twice that of the others: without a regulariser, signs or a box the way is longer. */
const RATE = 0.1

/** DLG's search; with labels given it is iDLG's. */
export function leakageDescent(search: Search, labels: Tensor | null): Descent {
  const { problem, budget, stream } = search.input
  const iterations = pixelIterations(budget)
  const { batch, model } = problem.target.settings
  const targetOf = ([, logits]: readonly Tensor[]): Tensor => labels ?? softmax(logits!)
  const start = [noise(search, GREY_NOISE)]
  if (labels === null) {
    const drawn = Float32Array.from({ length: batch * model.classes }, () => stream.normal())
    start.push(tf.tensor(drawn, [batch, model.classes]))
  }
  return {
    ...{ stage: 0, start, iterations },
    rate: (k) => RATE * warmUpCosine(k, iterations),
    // By ‖g‖²: it changes nothing for Adam but where its epsilon begins to matter.
    objective: (variables) => problem.loss(variables[0]!, targetOf(variables), 'relative'),
    show: (variables) => ({ x: variables[0]!, y: targetOf(variables) }),
  }
}

export const dlg: Attack = {
  name: 'dlg',
  needsGenerator: false,
  describes: 'Searches pixels and labels together by the squared distance, and prefers nothing.',
  iterations: allPixelIterations,
  excluded: () => null,
  async run(input) {
    const search = new Search(input)
    const restarts = pixelRestarts(input.budget)
    const make = async (): Promise<Descent> => leakageDescent(search, null)
    return descendFrom(search, { name: 'dlg', restarts, make })
  },
}
