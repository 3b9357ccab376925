import { z } from 'zod'

/** Hyper-parameters of FedIns. Defaults of the authors' scripts where they have the parameter. */
export const hyper = z.strictObject({
  poolSize: z.int().min(1).max(1024).default(25).describe('Entries in the pool, M'),
  topK: z.int().min(1).max(1024).default(3).describe('Entries chosen per input, k ≤ M'),
  keyWeight: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('Weight λ of the term that pulls chosen keys to the queries; 0: keys stay as drawn'),
  adapt: z
    .enum(['ssf', 'none'])
    .default('ssf')
    .describe(
      'ssf: an entry scales and shifts every site and has a head; none: it has a head only',
    ),
  routing: z
    .enum(['keys', 'random', 'oracle'])
    .default('keys')
    .describe(
      'How entries are chosen: by the keys nearest to the query; at random, or by the true domain, as controls',
    ),
  weighting: z
    .enum(['uniform', 'examples', 'usage'])
    .default('uniform')
    .describe(
      'Weights of the mean over clients, in place of aggregation.weighting. usage: each entry by how often a client chose it, which the client then reveals',
    ),
  queryCentering: z
    .boolean()
    .default(false)
    .describe(
      'Against key collapse: subtract the mean query, asked of the clients in a first round',
    ),
  keyInit: z
    .enum(['random', 'kmeans'])
    .default('random')
    .describe('kmeans, against key collapse: the centroids that pre-training left in startFrom'),
  backbone: z
    .enum(['startFrom', 'random'])
    .default('startFrom')
    .describe('The frozen backbone: the bundle that startFrom names, or drawn from the seed'),
  upload: z
    .enum(['dense', 'sparse'])
    .default('dense')
    .describe('sparse: entries that a client did not touch are not sent; the result is the same'),
})

export type FedInsHyper = z.output<typeof hyper>
