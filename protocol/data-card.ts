import { z } from 'zod'

/** Shape of one example, without the batch dimension. */
export const inputShapeSchema = z.array(z.int().positive().max(1_000_000)).min(1).max(4)
/** Class names in label order. */
export const classesSchema = z
  .array(z.string().min(1).max(100))
  .min(2)
  .max(100_000)
  .refine((names) => new Set(names).size === names.length, 'expected every class name once')

/**
 * What a node tells about its data, and what a run asks for. Counts only where the owner allows it; that there is nothing to
 * train on (`trains: false`) always, because such a node is not to be asked for it.
 * `source` says how to make the same data again (a public data set, a partition, a shard); absent for private data.
 */
export const dataCardSchema = z.strictObject({
  inputShape: inputShapeSchema,
  classes: classesSchema,
  counts: z
    .strictObject({
      train: z.int().nonnegative(),
      test: z.int().nonnegative(),
      perClass: z.array(z.int().nonnegative()),
    })
    .optional(),
  trains: z.literal(false).exactOptional(),
  source: z
    .strictObject({
      data: z.string().max(200),
      partition: z.string().max(200),
      shard: z.string().regex(/^\d+\/\d+$/),
      testFraction: z.number().min(0).max(0.9),
      limit: z.int().positive().optional(),
      shift: z.string().max(1000).optional(),
    })
    .optional(),
})
export type DataCard = z.infer<typeof dataCardSchema>

/** Whether there is anything to train on. Who does not say otherwise has some. */
export const trains = (card: Pick<DataCard, 'counts' | 'trains'>): boolean =>
  card.trains !== false && card.counts?.train !== 0
