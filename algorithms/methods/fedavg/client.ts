import type { Bundle } from '#protocol/bundle.js'
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

/** A client that sends the plain delta, however it trains. `remember` makes what it keeps; left out: what it had. */
export function deltaClient(
  setup: MethodSetup,
  train: (input: PerformInput) => Promise<TrainedFrom>,
  remember: (trained: TrainedFrom, memory: Bundle | null) => Bundle | null = (_, memory) => memory,
): ClientHalf {
  return {
    async perform(input): Promise<PerformResult> {
      const trained = await train(input)
      const { start, params, weight, loss, steps } = trained
      return {
        update: { delta: namedTensors(setup.model, difference(params, start)) },
        weight,
        metrics: { loss, steps },
        pending: remember(trained, input.memory),
        local: params,
      }
    },
    predictor: sharedPredictor(setup),
  }
}
