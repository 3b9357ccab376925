import { z } from 'zod'

/** How a calibration trains the head: the same keys for all that do, so that they can be compared. */
export const headOptions = (epochs: number) => ({
  init: z
    .enum(['warm', 'zeros'])
    .default('warm')
    .describe('Where the head begins: as it was trained, or at zero'),
  epochs: z
    .int()
    .min(1)
    .max(10_000)
    .default(epochs)
    .describe('Passes over the features that the head is trained on'),
  batchSize: z.int().min(1).max(1_000_000).default(64).describe('Features per step'),
  learningRate: z.number().positive().max(1000).default(0.01).describe('Of the head (SGD)'),
  momentum: z.number().min(0).lt(1).default(0.9).describe('Of the head (SGD)'),
  weightDecay: z.number().min(0).max(10).default(1e-5).describe('Of the head (SGD)'),
})

export type HeadOptions = z.infer<z.ZodObject<ReturnType<typeof headOptions>>>
