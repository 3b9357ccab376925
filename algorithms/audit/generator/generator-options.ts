import { z } from 'zod'
import { wholeNumber } from '#protocol/config-parts.js'
import { FederationError } from '#protocol/errors.js'

/** How a generator is trained. Gifd specification §7.3. */
export const generatorOptionsSchema = z.strictObject({
  epochs: wholeNumber(1, 10_000).default(20).describe('Passes over the pictures'),
  batchSize: wholeNumber(1, 100_000).default(64).describe('Pictures per step'),
  learningRate: z
    .number()
    .positive()
    .max(10)
    .default(3e-3)
    .describe('Of Adam; a fifth of it in the last quarter of the epochs'),
  latentDim: wholeNumber(1, 4096).default(16).describe('Numbers a picture is made from'),
  features: wholeNumber(1, 512)
    .exactOptional()
    .describe('Channels of the blocks; left out: 12 up to 16 pixels a side, else 16'),
  hidden: wholeNumber(1, 65_536)
    .default(128)
    .describe('Units of the encoder, which only training needs'),
  priorWeight: z
    .number()
    .positive()
    .max(100)
    .default(1)
    .describe(
      'Of the divergence of latents from the prior, against the cross-entropy of the pixels',
    ),
  conditional: z.boolean().default(true).describe('Whether it is told the label of a picture'),
  heldOut: wholeNumber(2, 1000)
    .default(32)
    .describe('Pictures that are kept from training, to measure how well others are fitted'),
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0).describe('Of every random number'),
})
export type GeneratorOptions = z.output<typeof generatorOptionsSchema>

/** What a decoder's weights are shaped by. */
export interface DecoderShape {
  /** [height, width, channels], sides divisible by 4. */
  readonly imageShape: readonly number[]
  readonly classes: number
  readonly conditional: boolean
  readonly latentDim: number
  readonly features: number
}

/** Throws `model/does-not-fit` for what are no pictures or pictures that cannot be halved twice. */
export function decoderShape(
  inputShape: readonly number[],
  classes: number,
  options: Pick<GeneratorOptions, 'conditional' | 'latentDim' | 'features'>,
): DecoderShape {
  const [height = 0, width = 0] = inputShape
  if (inputShape.length !== 3 || height % 4 !== 0 || width % 4 !== 0) {
    throw new FederationError(
      'model/does-not-fit',
      `A generator needs pictures [height, width, channels] with sides divisible by 4, got [${inputShape.join(', ')}]`,
    )
  }
  const { conditional, latentDim, features = Math.max(height, width) <= 16 ? 12 : 16 } = options
  return { imageShape: inputShape, classes, conditional, latentDim, features }
}
