import type { Metrics } from '#protocol/record.js'
import { holding } from '#algorithms/methods/local-training.js'
import type { ClientHalf, PerformInput, PerformResult } from '#algorithms/methods/method.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { paramsOf, toTensors } from '#algorithms/models/params.js'
import { heldClasses } from './features.js'
import type { FeatureSource, HeldClasses } from './features.js'
import { momentsTensors } from './moments-payload.js'
import { sumsTensors } from './sums.js'
import { rowTransform } from './transform.js'
import { MOMENTS, stepIn, SUMS } from './uplink.js'
import type { CcvrSetup } from './uplink.js'

/** Tells of the features that the released extractor makes of this client's examples. Changes and remembers nothing. */
export const ccvrClient = (setup: CcvrSetup): Pick<ClientHalf, 'perform'> => ({
  async perform(input) {
    const extractor = extractorOf(setup.model)
    const { layout, width } = extractor
    const { train } = input.data
    const held = heldClasses(train, setup.hyper.minCount)
    const params = toTensors(layout, paramsOf(layout, input.shared))
    const update = await holding(params, (tensors) => {
      const transform = rowTransform(setup.hyper)
      const source = {
        predict: (x) => extractor.features(tensors, x),
        width,
        transform,
      } satisfies FeatureSource
      return told(setup, input, { source, held })
    })
    return {
      update,
      weight: Math.max(1, train.indices.length),
      metrics: metricsOf(held),
      pending: input.memory,
    }
  },
})

async function told(
  setup: CcvrSetup,
  { task, shared }: PerformInput,
  { source, held }: { readonly source: FeatureSource; readonly held: HeldClasses },
): Promise<PerformResult['update']> {
  const step = stepIn(task)
  return step === 'moments'
    ? { [MOMENTS]: await momentsTensors(setup, source, held) }
    : { [SUMS]: await sumsTensors(setup, { source, held, step, shared }) }
}

/** Also what minCount left out: without it nobody would see that a class is missing because it is rare. */
const metricsOf = ({ classes, dropped }: HeldClasses): Metrics => ({
  examples: classes.reduce((sum, { examples }) => sum + examples.indices.length, 0),
  classes: classes.length,
  droppedClasses: dropped.classes,
  droppedExamples: dropped.examples,
})
