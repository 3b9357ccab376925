import { auditQuerySchema, type HttpAnswer } from '#protocol/http-api.js'
import { parseWith } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import { knownByHeads, pageOf } from '#coordinator/audit/verify-log.js'
import type { Call } from './call.js'

/** The audit log, a page at a time. Nothing is judged here: the command that asks does that. */
export async function tellLog({ parts, query }: Call): Promise<{
  readonly entries: readonly (object | null)[]
}> {
  const { after } = unwrap(parseWith(auditQuerySchema, 'the query', { ...query }))
  return { entries: await pageOf(parts.store, after) }
}

/** What the heads of runs know of the log. */
export async function tellKnownEntries({ parts }: Call): Promise<HttpAnswer<'GET /api/log/known'>> {
  return { known: [...(await knownByHeads(parts.store))] }
}
