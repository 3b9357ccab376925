/**
 * Oracle: CCVR's upper bound. Clients send their features as they are, and the head is trained on these instead of virtual
 * ones. For comparisons in simulations only: features can be turned back into images to some degree.
 *
 * Paper: the real-feature baseline of M. Luo et al., "No Fear of Heterogeneity", NeurIPS 2021, https://arxiv.org/abs/2106.05001
 * Rule:  head ← SGD on the cross-entropy of head(extractor(x)) over all x of all clients, from the trained head
 * Symbols: extractor(x) = tensor `features`, the label of x = tensor `labels`, both of group `features`
 * Costs: one extra round; up per client: d numbers and a label for each example. The server keeps all of them in memory, and
 *   trains the head with epochs · N · d · C multiplications.
 */
import { z } from 'zod'
import type { Calibration } from '#algorithms/calibration/calibration.js'
import { headOptions, type HeadOptions } from '#algorithms/calibration/head-options.js'
import { headOnlyReason, zerosReason } from '#algorithms/calibration/head-reasons.js'
import { oracleClient } from './client.js'
import { oracleServer } from './server.js'

const hyper = z.strictObject(headOptions(20))

export const oracle: Calibration<HeadOptions> = {
  name: 'oracle',
  hyper,
  reveals: {
    classes: ['per-example'],
    text: 'The features of every example of every client, with their labels, as they are: features can be turned back into images to some degree. There is no option that makes it less.',
  },
  requires({ data }, model, options) {
    return [
      headOnlyReason(model),
      data === null
        ? 'The calibration oracle uploads every feature of every client as it is, and is there for comparisons in simulations alone (it needs `data`); use ccvr'
        : null,
      zerosReason(model, options),
    ].filter((reason) => reason !== null)
  },
  server: oracleServer,
  client: oracleClient,
}
