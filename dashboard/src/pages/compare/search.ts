import { z } from 'zod'
import { MOST_WATCHED_RUNS } from '#protocol/run-views.js'

/** Most runs beside each other. */
export const MOST_COMPARED = MOST_WATCHED_RUNS
export const AGAINST = ['rounds', 'seconds', 'bytes'] as const
export type Against = (typeof AGAINST)[number]

const runs = z
  .union([z.string().transform((one) => [one]), z.array(z.string())])
  .transform((ids) => [...new Set(ids)].slice(0, MOST_COMPARED))
const searchSchema = z.object({
  /** Ids, in the order of their colours. */
  run: runs.optional().catch(undefined),
  /** Drawn first and second; left out: accuracy and loss. */
  metric: z.string().max(200).optional().catch(undefined),
  and: z.string().max(200).optional().catch(undefined),
  x: z.enum(AGAINST).optional().catch(undefined),
  /** run: each for itself, even where they repeat one another. */
  by: z.enum(['run', 'setting']).optional().catch(undefined),
})
/** What is compared, and how it is looked at: in the address, so that it can be sent to somebody. */
export type CompareSearch = z.infer<typeof searchSchema>

export const parseCompareSearch = (search: Readonly<Record<string, unknown>>): CompareSearch =>
  searchSchema.parse(search)
