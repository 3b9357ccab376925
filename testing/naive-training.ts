/**
 * Local training in plain float64 loops, for references of methods that train more than one model, or parts of one. Shares
 * with the platform only the documented order of batches (stream `batches`, round, slot: one shuffle of 0 … n−1 per epoch,
 * carried over from epoch to epoch).
 */
import type { Streams } from '#protocol/random.js'
import type { ReferenceClient } from './reference.js'

export type Vector = readonly number[]

export interface NaiveTraining {
  readonly start: Vector
  readonly client: ReferenceClient
  readonly streams: Streams
  readonly round: number
  readonly slot: number
  readonly localEpochs: number
  readonly batchSize: number
  readonly learningRate: number
  /** Of the loss of a batch. */
  readonly gradient: (w: Vector, batch: ReferenceClient) => Vector
}

/** Params after plain SGD. */
export function naiveTraining({ client, gradient, ...options }: NaiveTraining): Vector {
  const { rows, labels } = client
  const shuffles = options.streams('batches', options.round, options.slot)
  const order = rows.map((_, i) => i)
  let w = options.start
  for (let epoch = 0; epoch < options.localEpochs; epoch++) {
    shuffles.shuffle(order)
    for (let first = 0; first < order.length; first += options.batchSize) {
      const chosen = order.slice(first, first + options.batchSize)
      const batch = { rows: chosen.map((i) => rows[i]!), labels: chosen.map((i) => labels[i]!) }
      const step = gradient(w, batch)
      w = w.map((value, i) => value - options.learningRate * step[i]!)
    }
  }
  return w
}

export interface Answer {
  /** Number of examples. */
  readonly n: number
  readonly w: Vector
}
/** The mean of what clients trained, weighted by their examples; of the first `length` params. */
export function naiveMean(answers: readonly Answer[], length: number): Vector {
  const total = answers.reduce((sum, { n }) => sum + n, 0)
  return Array.from({ length }, (_, i) =>
    answers.reduce((sum, { n, w }) => sum + (n * w[i]!) / total, 0),
  )
}
