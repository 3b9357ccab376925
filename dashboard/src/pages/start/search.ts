import { z } from 'zod'
import { isRunId } from '#protocol/id-shapes.js'

const searchSchema = z.object({
  /** The run whose configuration it begins with. */
  from: z.string().refine(isRunId).optional().catch(undefined),
  /** An example's name. */
  example: z.string().max(100).optional().catch(undefined),
})
/** What the form begins with; nothing: an empty configuration. */
export type StartSearch = z.infer<typeof searchSchema>

export const parseStartSearch = (search: Readonly<Record<string, unknown>>): StartSearch =>
  searchSchema.parse(search)
