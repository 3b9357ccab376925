/**
 * Multilayer perceptron: dense layers with an activation, then a dense head.
 * The default is the "2NN" of McMahan et al., Communication-Efficient Learning of Deep Networks from Decentralized Data,
 * AISTATS 2017, https://arxiv.org/abs/1602.05629: two hidden layers of 200 units, 199,210 parameters on MNIST.
 */
import { z } from 'zod'
import type { ModelEntry } from '#algorithms/catalogue-entry.js'
import { chain } from './blocks/block-maker.js'
import { dense, head } from './blocks/dense.js'
import { flatten } from './blocks/flatten.js'
import { layerNorm } from './blocks/layer-norm.js'
import { buildModel } from './build-model.js'
import { activationOption, headOption, unitsOption } from './options.js'

const options = z.strictObject({
  hidden: z
    .array(unitsOption)
    .min(1)
    .max(20)
    .default([200, 200])
    .describe('Units of each hidden layer'),
  activation: activationOption,
  closingNorm: z
    .boolean()
    .exactOptional()
    .describe('A LayerNorm with its own scale and shift behind the last hidden layer'),
  head: headOption,
})

export const mlp: ModelEntry<z.infer<typeof options>> = {
  name: 'mlp',
  options,
  build({ inputShape, classes }, { hidden, activation, closingNorm, head: headKind }) {
    const layers = hidden.map((units, i) => dense(`dense${i + 1}`, { units, activation }))
    const closing = closingNorm === true ? [layerNorm('norm')] : []
    const last = head(classes.length, headKind)
    const blocks = chain(inputShape, [flatten(), ...layers, ...closing, last])
    return buildModel({ name: 'mlp', inputShape, classes: classes.length, blocks })
  },
}
