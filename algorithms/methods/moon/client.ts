import { deltaClient, fedavgClient } from '#algorithms/methods/fedavg/client.js'
import { holding, trainFromShared, type TrainedFrom } from '#algorithms/methods/local-training.js'
import type { ClientHalf, MethodSetup, PerformInput } from '#algorithms/methods/method.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { paramsBundle, paramsOf, toTensors } from '#algorithms/models/params.js'
import type { MoonHyper } from './hyper.js'
import { contrastive } from './objective.js'

type MoonSetup = MethodSetup<MoonHyper>

/** Remembers the extractor that it trained: kept if the update counted. With mu = 0 it is the client of FedAvg. */
export function moonClient(setup: MoonSetup): ClientHalf {
  if (setup.hyper.mu === 0) return fedavgClient(setup)
  const { layout } = extractorOf(setup.model)
  return deltaClient(
    setup,
    (input) => train(setup, input),
    ({ params }) => paramsBundle(layout, params.subarray(0, layout.parameterCount)),
  )
}

async function train(setup: MoonSetup, input: PerformInput): Promise<TrainedFrom> {
  const { model, hyper } = setup
  const { shared, memory } = input
  if (memory === null) {
    const trained = await trainFromShared(setup, input)
    // The received model takes the place of the previous: as the term has no gradient, it need not be computed.
    return { ...trained, loss: trained.loss + hyper.mu * Math.LN2 }
  }
  const { layout } = extractorOf(model)
  const [global, own] = [paramsOf(layout, shared), paramsOf(layout, memory)]
  const [received, previous] = [toTensors(layout, global), toTensors(layout, own)]
  return holding([...received, ...previous], () =>
    trainFromShared(setup, input, {
      objective: contrastive(model, { ...hyper, received, previous }),
    }),
  )
}
