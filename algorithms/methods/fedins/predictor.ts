import type { ClientHalf } from '#algorithms/methods/method.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { paramsOf, toTensors } from '#algorithms/models/params.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { RowFacts } from '#algorithms/training/batch.js'
import { adaptedFeatures, headLogits, queriesFor } from './forward.js'
import { partsOf, poolLayout } from './pool.js'
import { centred } from './routing.js'
import { centerIn, frozenParams, isCentred, routerOf, shapeOf, type FedInsSetup } from './setup.js'

/**
 * Chooses entries for each input by itself: a prediction does not depend on the rest of its batch. None while queries are to
 * be centred and the clients have not been asked for their mean.
 */
export const fedinsPredictor =
  (setup: FedInsSetup): ClientHalf['predictor'] =>
  ({ shared, assets }) => {
    const shape = shapeOf(setup)
    const extractor = extractorOf(setup.model)
    if (!isCentred(setup, shared)) return null
    const center = centerIn(setup, shared)
    const frozen = toTensors(extractor.layout, frozenParams(setup, assets))
    const entries = toTensors(poolLayout(shape), paramsOf(poolLayout(shape), shared))
    const backbone = { extractor, params: frozen }
    const pool = partsOf(shape, entries)
    const choose = routerOf(setup, (row) => setup.streams('fedins-predict', row, 0))
    const chosenFor = (queries: Tensor, facts: RowFacts): Tensor =>
      choose(centred(queries, center), pool.keys, facts)
    return {
      route: (x, facts) => chosenFor(queriesFor(backbone, x), facts),
      predict(x, facts) {
        const queries = queriesFor(backbone, x)
        const selection = tf.div(chosenFor(queries, facts), setup.hyper.topK)
        const f =
          shape.sites.length === 0 ? queries : adaptedFeatures(backbone, x, { pool, selection })
        return headLogits(pool, selection, f)
      },
      dispose: () => void tf.dispose([...frozen, ...entries]),
    }
  }
