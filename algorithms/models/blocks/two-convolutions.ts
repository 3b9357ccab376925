/** What the models `gap` and `flat` share: everything but how features are pooled. */
import { z } from 'zod'
import { activationOf, headOption, unitsOption } from '#algorithms/models/options.js'
import type { BlockMaker } from './block-maker.js'
import { conv } from './conv.js'
import { pool } from './pooling.js'
import { rescale } from './rescale.js'

export const twoConvolutionsOptions = z.strictObject({
  filters: z
    .tuple([unitsOption, unitsOption])
    .default([6, 12])
    .describe('Channels of the two convolutions'),
  kernelSize: z
    .int()
    .min(1)
    .max(15)
    .default(3)
    .describe('Height and width of the convolution kernels'),
  input: z
    .strictObject({
      mean: z.number().default(0.2).describe('Taken off every number of an input'),
      deviation: z.number().positive().default(0.35).describe('What is left is divided by it'),
    })
    .prefault({})
    .describe('How inputs are scaled before the first convolution'),
  activation: activationOf('softplus'),
  head: headOption,
})
export type TwoConvolutionsOptions = z.infer<typeof twoConvolutionsOptions>

/** Scaled inputs, a convolution, 2x2 average pooling, another convolution. */
export const twoConvolutions = ({
  filters,
  kernelSize,
  input,
  activation,
}: TwoConvolutionsOptions): readonly BlockMaker[] => [
  rescale('input', input),
  conv('conv1', { channels: filters[0], kernelSize, padding: 'same', activation }),
  pool('pool1', 'average'),
  conv('conv2', { channels: filters[1], kernelSize, padding: 'same', activation }),
]
