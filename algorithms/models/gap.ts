/**
 * A small network whose update tells little: two 3x3 convolutions of 6 and 12 channels, 2x2 average pooling between them, the
 * mean of each channel over the whole image, a dense head. What is audited where a model should be hard to invert, like the
 * pooled head of a ResNet: K. He et al., Deep Residual Learning for Image Recognition, CVPR 2016,
 * https://arxiv.org/abs/1512.03385; its size is that of the gifd specification §17. 850 parameters on grey images of 10
 * classes, whatever their size: 60 + 660 + 130. `flat` is the same without the last mean.
 */
import type { ModelEntry } from '#algorithms/catalogue-entry.js'
import { chain } from './blocks/block-maker.js'
import { head } from './blocks/dense.js'
import { globalPool } from './blocks/pooling.js'
import {
  twoConvolutions,
  twoConvolutionsOptions,
  type TwoConvolutionsOptions,
} from './blocks/two-convolutions.js'
import { buildModel } from './build-model.js'

export const gap: ModelEntry<TwoConvolutionsOptions> = {
  name: 'gap',
  options: twoConvolutionsOptions,
  build({ inputShape, classes }, options) {
    const blocks = chain(inputShape, [
      ...twoConvolutions(options),
      globalPool('mean'),
      head(classes.length, options.head),
    ])
    return buildModel({ name: 'gap', inputShape, classes: classes.length, blocks })
  },
}
