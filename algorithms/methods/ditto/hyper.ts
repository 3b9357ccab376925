import { z } from 'zod'

export const hyper = z.strictObject({
  lambda: z
    .number()
    .min(0)
    .max(1000)
    .default(0.1)
    .describe(
      'Strength of the pull of a personal model towards the received params; 0: local training alone',
    ),
  personalEpochs: z
    .int()
    .min(1)
    .max(10_000)
    .nullable()
    .default(null)
    .describe('Passes of the personal model over the examples; null: as training.localEpochs'),
})

export type DittoHyper = z.infer<typeof hyper>
