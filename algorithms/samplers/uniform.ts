/**
 * Uniform sampling without replacement: every available member is equally likely to be in the cohort.
 *
 * Paper: H. B. McMahan et al., AISTATS 2017, https://arxiv.org/abs/1602.05629 (random fraction C of the clients)
 * Rule:  shuffle the available slots with the round's stream, take the first `size`
 * Symbols: S_t = the returned slots
 * Costs: nothing.
 */
import type { Sampler } from '#algorithms/catalogue-entry.js'

export const uniform: Sampler = {
  name: 'uniform',
  sample: (available, size, stream) =>
    stream
      .shuffle([...available])
      .slice(0, size)
      .sort((a, b) => a - b),
}
