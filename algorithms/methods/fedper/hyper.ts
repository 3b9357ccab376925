import { z } from 'zod'

export const hyper = z.strictObject({
  personalLayers: z
    .union([z.int().min(0).max(1000), z.string().min(1).max(100)])
    .default(1)
    .describe(
      'How many of the last layers stay with the client, or the name of the first that does; 0: none, as fedavg',
    ),
})

export type FedPerHyper = z.infer<typeof hyper>
