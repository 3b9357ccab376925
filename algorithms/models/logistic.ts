/**
 * Multinomial logistic regression: one dense layer from the flattened input to the logits, z = xW + b.
 * The smallest convex model; 7,850 parameters on 28x28x1 images of 10 classes.
 */
import { z } from 'zod'
import type { ModelEntry } from '#algorithms/catalogue-entry.js'
import { chain } from './blocks/block-maker.js'
import { head } from './blocks/dense.js'
import { flatten } from './blocks/flatten.js'
import { buildModel } from './build-model.js'
import { activationOption, headOption } from './options.js'

const options = z.strictObject({
  activation: activationOption.describe(
    'Accepted so that every model has a softplus twin; without hidden layers both are the same',
  ),
  head: headOption,
})

export const logistic: ModelEntry<z.infer<typeof options>> = {
  name: 'logistic',
  options,
  build({ inputShape, classes }, { head: headKind }) {
    const blocks = chain(inputShape, [flatten(), head(classes.length, headKind)])
    return buildModel({ name: 'logistic', inputShape, classes: classes.length, blocks })
  },
}
