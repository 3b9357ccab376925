/**
 * LeNet-5 in its modern reading: 5x5 convolutions of 6 and 16 channels, each followed by 2x2 average pooling, dense layers
 * of 120 and 84 units, a dense head. LeCun et al., Gradient-based learning applied to document recognition, Proceedings
 * of the IEEE 1998, https://doi.org/10.1109/5.726791.
 * The paper pads 28x28 digits to 32x32; the first convolution's `same` padding does that here. 61,706 parameters on
 * 28x28x1 images of 10 classes: 156 + 2,416 + 48,120 + 10,164 + 850. Unlike the paper, channels are fully connected,
 * the activation is relu, and a softmax replaces the radial basis output.
 */
import { z } from 'zod'
import type { ModelEntry } from '#algorithms/catalogue-entry.js'
import { chain } from './blocks/block-maker.js'
import { conv } from './blocks/conv.js'
import { dense, head } from './blocks/dense.js'
import { flatten } from './blocks/flatten.js'
import { pool } from './blocks/pooling.js'
import { buildModel } from './build-model.js'
import { activationOption, headOption, poolingOption, unitsOption } from './options.js'

const options = z.strictObject({
  filters: z
    .tuple([unitsOption, unitsOption])
    .default([6, 16])
    .describe('Channels of the two convolutions'),
  kernelSize: z
    .int()
    .min(1)
    .max(15)
    .default(5)
    .describe('Height and width of the convolution kernels'),
  hidden: z
    .tuple([unitsOption, unitsOption])
    .default([120, 84])
    .describe('Units of the two dense layers before the head'),
  padding: z
    .enum(['same', 'valid'])
    .default('same')
    .describe(
      'Padding of the first convolution: same for 28x28 images, valid for 32x32. The second is always valid',
    ),
  pooling: poolingOption.default('average'),
  activation: activationOption,
  head: headOption,
})

export const lenet: ModelEntry<z.infer<typeof options>> = {
  name: 'lenet',
  options,
  build({ inputShape, classes }, { filters, hidden, pooling, activation, ...rest }) {
    const { kernelSize, padding, head: headKind } = rest
    const blocks = chain(inputShape, [
      conv('conv1', { channels: filters[0], kernelSize, padding, activation }),
      pool('pool1', pooling),
      conv('conv2', { channels: filters[1], kernelSize, padding: 'valid', activation }),
      pool('pool2', pooling),
      flatten(),
      dense('dense1', { units: hidden[0], activation }),
      dense('dense2', { units: hidden[1], activation }),
      head(classes.length, headKind),
    ])
    return buildModel({ name: 'lenet', inputShape, classes: classes.length, blocks })
  },
}
