/**
 * The convolutional network of McMahan et al., Communication-Efficient Learning of Deep Networks from Decentralized Data,
 * AISTATS 2017, https://arxiv.org/abs/1602.05629: two 5x5 convolutions that keep the size (32 and 64 channels), each
 * followed by 2x2 max pooling, a dense layer of 512 units, a dense head. 1,663,370 parameters on 28x28x1 images of 10 classes:
 * 832 + 51,264 + 1,606,144 + 5,130.
 */
import { z } from 'zod'
import type { ModelEntry } from '#algorithms/catalogue-entry.js'
import { chain, type BlockMaker } from './blocks/block-maker.js'
import { conv } from './blocks/conv.js'
import { dense, head } from './blocks/dense.js'
import { flatten } from './blocks/flatten.js'
import { pool } from './blocks/pooling.js'
import { buildModel } from './build-model.js'
import { activationOption, headOption, poolingOption, unitsOption } from './options.js'

const options = z.strictObject({
  filters: z
    .array(unitsOption)
    .min(1)
    .max(10)
    .default([32, 64])
    .describe('Channels of each convolution; every one is followed by 2x2 pooling'),
  kernelSize: z
    .int()
    .min(1)
    .max(15)
    .default(5)
    .describe('Height and width of the convolution kernels'),
  hidden: unitsOption.default(512).describe('Units of the dense layer before the head'),
  pooling: poolingOption.default('max'),
  activation: activationOption,
  head: headOption,
})

export const cnn: ModelEntry<z.infer<typeof options>> = {
  name: 'cnn',
  options,
  build({ inputShape, classes }, { filters, kernelSize, hidden, pooling, ...rest }) {
    const { activation, head: headKind } = rest
    const stages = filters.flatMap((channels, i): BlockMaker[] => [
      conv(`conv${i + 1}`, { channels, kernelSize, padding: 'same', activation }),
      pool(`pool${i + 1}`, pooling),
    ])
    const blocks = chain(inputShape, [
      ...stages,
      flatten(),
      dense('dense1', { units: hidden, activation }),
      head(classes.length, headKind),
    ])
    return buildModel({ name: 'cnn', inputShape, classes: classes.length, blocks })
  },
}
