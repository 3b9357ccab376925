import { tf } from '#algorithms/tensor/tf.js'
import type { BlockMaker } from './block-maker.js'

/** (x − mean) / deviation, the same for every number: an input of [0, 1] as a model likes it. */
export const rescale = (
  name: string,
  { mean, deviation }: { readonly mean: number; readonly deviation: number },
): BlockMaker => {
  return (inputShape) => ({
    name,
    params: [],
    layer: { className: 'Rescaling', config: { scale: 1 / deviation, offset: -mean / deviation } },
    sites: [],
    inputShape,
    outputShape: inputShape,
    forward: (_params, x) => tf.div(tf.sub(x, mean), deviation),
  })
}
