import { everyIndex } from '#data/dataset.js'
import { cutEvenly } from './cut.js'
import type { Partitioner } from './partitioner.js'

/**
 * Every client gets a random sample of the whole: shuffle all rows, cut them evenly (sizes differ by at most one). The IID
 * setting of H. B. McMahan et al., "Communication-efficient learning of deep networks from decentralized data", AISTATS
 * 2017, https://arxiv.org/abs/1602.05629.
 */
export const iid: Partitioner = {
  name: 'iid',
  usage: 'iid[:seed=N]',
  summary: 'random shares of equal size',
  parameter: null,
  takesMin: false,
  split: ({ labels, clients, stream }) =>
    cutEvenly(stream(0, 0).shuffle(everyIndex(labels.length)), clients),
}
