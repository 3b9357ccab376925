import { z } from 'zod'

export const hyper = z.strictObject({
  mu: z
    .number()
    .min(0)
    .max(1000)
    .default(1)
    .describe('Weight of the contrastive term beside the cross-entropy'),
  temperature: z
    .number()
    .positive()
    .max(1000)
    .default(0.5)
    .describe('Divides the cosines that are compared: the smaller, the sharper the comparison'),
})

export type MoonHyper = z.infer<typeof hyper>
