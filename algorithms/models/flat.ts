/**
 * A small network whose update tells much: two 3x3 convolutions of 6 and 12 channels, each followed by 2x2 average pooling, a
 * dense head on all that is left. What is audited where a model should be easy to invert: gifd specification §17, of the shape
 * of the networks in L. Zhu, Z. Liu, S. Han, Deep Leakage from Gradients, NeurIPS 2019, https://arxiv.org/abs/1906.08935.
 * 2,650 parameters on 16x16 grey images of 10 classes: 60 + 660 + 1,930. `gap` is the same with a mean over each channel.
 */
import type { ModelEntry } from '#algorithms/catalogue-entry.js'
import { chain } from './blocks/block-maker.js'
import { head } from './blocks/dense.js'
import { flatten } from './blocks/flatten.js'
import { pool } from './blocks/pooling.js'
import {
  twoConvolutions,
  twoConvolutionsOptions,
  type TwoConvolutionsOptions,
} from './blocks/two-convolutions.js'
import { buildModel } from './build-model.js'

export const flat: ModelEntry<TwoConvolutionsOptions> = {
  name: 'flat',
  options: twoConvolutionsOptions,
  build({ inputShape, classes }, options) {
    const blocks = chain(inputShape, [
      ...twoConvolutions(options),
      pool('pool2', 'average'),
      flatten(),
      head(classes.length, options.head),
    ])
    return buildModel({ name: 'flat', inputShape, classes: classes.length, blocks })
  },
}
