/**
 * The Vision Transformer of Dosovitskiy et al., An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale,
 * ICLR 2021, https://arxiv.org/abs/2010.11929: patches as tokens beside a class token, learned positions, pre-norm
 * transformer blocks with exact gelu, a last LayerNorm, the class token's row as features, a dense head.
 * The default is ViT-B/16: 85,798,656 parameters without the head on 224x224x3 images, and 74 sites of 102,912 channels.
 * Width D, depth L, heads h, mlpRatio ρ: D · (2 + L · (7 + ρ)) channels of sites; attention is scaled by (D / h)^(−1/2).
 * No dropout, no stochastic depth, no layer scale. Drawn as the paper's own code draws: glorot-uniform layers, lecun-normal
 * patches, positions N(0, 0.02²), a class token of zeros.
 */
import { z } from 'zod'
import type { ModelEntry } from '#algorithms/catalogue-entry.js'
import { chain } from './blocks/block-maker.js'
import { classToken } from './blocks/class-token.js'
import { head } from './blocks/dense.js'
import { patchEmbedding } from './blocks/patch-embedding.js'
import { transformer } from './blocks/transformer.js'
import { buildModel } from './build-model.js'
import { activationOf, unitsOption } from './options.js'

const options = z.strictObject({
  patchSize: z
    .int()
    .min(1)
    .max(1024)
    .default(16)
    .describe('Height and width of a patch; divides those of the image'),
  width: unitsOption.default(768).describe('Channels of a token; a multiple of heads'),
  depth: z.int().min(1).max(100).default(12).describe('Transformer blocks'),
  heads: z.int().min(1).max(1024).default(12).describe('Attention heads of each block'),
  mlpRatio: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe('Units of the hidden layer in each block, by width'),
  activation: activationOf('gelu'),
})

export const vit: ModelEntry<z.infer<typeof options>> = {
  name: 'vit',
  options,
  build({ inputShape, classes }, { patchSize, width, depth, ...inner }) {
    const layers = Array.from({ length: depth }, (_, i) =>
      transformer(`block${i}`, { id: String(i), ...inner }),
    )
    const blocks = chain(inputShape, [
      patchEmbedding('patch', { patchSize, width }),
      ...layers,
      classToken('final'),
      head(classes.length),
    ])
    return buildModel({ name: 'vit', inputShape, classes: classes.length, blocks })
  },
}
