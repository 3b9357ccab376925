import { z } from 'zod'
import { NODE_FILTERS } from './node-state.js'

const searchSchema = z.object({
  show: z.enum(NODE_FILTERS).optional().catch(undefined),
  /** Part of a name, id or backend. */
  q: z.string().max(200).optional().catch(undefined),
  sort: z.string().max(40).optional().catch(undefined),
  /** The one that is looked at. */
  node: z.string().max(100).optional().catch(undefined),
})
/** What is narrowed, how sorted, and which node is open: in the address, so that it can be sent to somebody. */
export type NodesSearch = z.infer<typeof searchSchema>
export const parseNodesSearch = (search: Readonly<Record<string, unknown>>): NodesSearch =>
  searchSchema.parse(search)
