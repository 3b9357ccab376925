import { z } from 'zod'

/** Which runs are shown; active: they run, or wait for nodes. */
export const STATE_FILTERS = ['all', 'active', 'finished', 'stopped', 'failed'] as const
export type StateFilter = (typeof STATE_FILTERS)[number]

const searchSchema = z.object({
  state: z.enum(STATE_FILTERS).optional().catch(undefined),
  method: z.string().max(100).optional().catch(undefined),
  /** Part of a name, id or model. */
  q: z.string().max(200).optional().catch(undefined),
  sort: z.string().max(40).optional().catch(undefined),
})
/** What is narrowed, and how sorted: in the address, so that it can be sent to somebody. */
export type RunsSearch = z.infer<typeof searchSchema>

export const parseRunsSearch = (search: Readonly<Record<string, unknown>>): RunsSearch =>
  searchSchema.parse(search)
