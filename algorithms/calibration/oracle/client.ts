import { holding } from '#algorithms/methods/local-training.js'
import type { ClientHalf, MethodSetup } from '#algorithms/methods/method.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { paramsOf, toTensors } from '#algorithms/models/params.js'
import { featuresUpdate } from './features.js'

/** Sends what the released extractor makes of every example. Changes and remembers nothing. */
export const oracleClient = ({ model }: MethodSetup): Pick<ClientHalf, 'perform'> => ({
  async perform({ shared, data, memory }) {
    const extractor = extractorOf(model)
    const { layout, width } = extractor
    const update = await holding(toTensors(layout, paramsOf(layout, shared)), (params) =>
      featuresUpdate((x) => extractor.features(params, x), data.train, width),
    )
    const examples = data.train.indices.length
    return { update, weight: Math.max(1, examples), metrics: { examples }, pending: memory }
  },
})
