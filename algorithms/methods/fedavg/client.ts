import { difference, namedTensors } from '#algorithms/methods/delta.js'
import { sharedPredictor, trainFromShared } from '#algorithms/methods/local-training.js'
import type { TrainedFrom } from '#algorithms/methods/local-training.js'
import type {
  ClientHalf,
  MethodSetup,
  PerformInput,
  PerformResult,
} from '#algorithms/methods/method.js'

/** Trains on the client's examples and sends how far the params moved. */
export const fedavgClient = (setup: MethodSetup): ClientHalf =>
  deltaClient(setup, (input) => trainFromShared(setup, input))

/** A client that sends the plain delta, however it trains. */
export function deltaClient(
  setup: MethodSetup,
  train: (input: PerformInput) => Promise<TrainedFrom>,
): ClientHalf {
  return {
    async perform(input): Promise<PerformResult> {
      const { start, params, weight, loss, steps } = await train(input)
      return {
        update: { delta: namedTensors(setup.model, difference(params, start)) },
        weight,
        metrics: { loss, steps },
        pending: input.memory,
        local: params,
      }
    },
    predictor: sharedPredictor(setup),
  }
}
