import { z } from 'zod'
import { TAB_IDS } from './tab-ids.js'

const searchSchema = z.object({
  /** Which part of the page is seen; left out: the first. */
  tab: z.enum(TAB_IDS).optional().catch(undefined),
})
export type RunSearch = z.infer<typeof searchSchema>

export const parseRunSearch = (search: Readonly<Record<string, unknown>>): RunSearch =>
  searchSchema.parse(search)
