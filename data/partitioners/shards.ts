import { everyIndex } from '#data/dataset.js'
import { rowsByClass } from './by-class.js'
import { concat, cutEvenly } from './cut.js'
import type { Partitioner } from './partitioner.js'

/**
 * The pathological label skew of the FedAvg paper: sort all rows by label (equal labels in their order), cut them into
 * S × clients shards, give every client S shards at random. With S = 2 most clients hold two classes. H. B. McMahan et al.,
 * "Communication-efficient learning of deep networks from decentralized data", AISTATS 2017,
 * https://arxiv.org/abs/1602.05629 (there: 200 shards of 300 rows for 100 clients). Where the rows do not divide evenly,
 * shards differ by one row and none is dropped. Symbols: S = `parameter`.
 */
export const shards: Partitioner = {
  name: 'shards',
  usage: 'shards:S[:seed=N]',
  summary: 'label skew: S pieces of the rows sorted by label for each client',
  parameter: { label: 'S', above: 0, max: 1e6, whole: true },
  takesMin: false,
  fewestRows: ({ parameter, clients }) => parameter * clients,
  split: ({ labels, classes, clients, parameter: each, stream }) => {
    const sorted = concat(rowsByClass(labels, classes))
    const pieces = cutEvenly(sorted, each * clients)
    const order = stream(0, 0).shuffle(everyIndex(pieces.length))
    return Array.from({ length: clients }, (_, client) =>
      concat(
        Array.from(order.subarray(client * each, (client + 1) * each), (piece) => pieces[piece]!),
      ),
    )
  },
}
