import { FederationError } from '#protocol/errors.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import type { RoundRecord, RunRecord } from '#protocol/record.js'
import {
  curvesQuerySchema,
  memberCurvesQuerySchema,
  timelineQuerySchema,
} from '#protocol/server-views.js'
import type { AuditLine, PoolKeys } from '#protocol/server-views.js'
import type { RunView } from '#protocol/run-views.js'
import type { Call } from './call.js'
import { queryOf, runIdOf } from './checked.js'

/** Answers hold what their schemas say, though theirs may be changed and ours may not. */
type Told<Answer> = {
  readonly [Key in keyof Answer]: Answer[Key] extends (infer One)[] ? readonly One[] : Answer[Key]
}

export async function listRuns({ parts }: Call): Promise<Told<HttpAnswer<'GET /api/runs'>>> {
  return { runs: await parts.views.lines() }
}

export const showRun = (call: Call): Promise<RunRecord> => call.parts.views.record(runIdOf(call))

export const showView = (call: Call): Promise<RunView> => call.parts.views.view(runIdOf(call))

export async function tellCurves(
  call: Call,
): Promise<Told<HttpAnswer<'GET /api/runs/:id/curves'>>> {
  const { name, points } = queryOf(call, curvesQuerySchema)
  return { curves: await call.parts.views.curves(runIdOf(call), { names: name, points }) }
}

export async function tellMemberCurves(
  call: Call,
): Promise<HttpAnswer<'GET /api/runs/:id/member-curves'>> {
  return call.parts.views.memberCurves(runIdOf(call), queryOf(call, memberCurvesQuerySchema))
}

export const tellKeys = (call: Call): Promise<PoolKeys> => call.parts.views.keys(runIdOf(call))

export async function listAudits({
  parts,
}: Call): Promise<{ readonly audits: readonly AuditLine[] }> {
  return { audits: await parts.views.audits() }
}

export async function showRound(call: Call): Promise<RoundRecord> {
  const { round = '' } = call.params
  if (!/^\d{1,10}$/.test(round))
    throw new FederationError('http/not-found', `There is no round ${round.slice(0, 40)}`)
  return call.parts.views.round(runIdOf(call), Number(round))
}

export async function tellTimeline(
  call: Call,
): Promise<Told<HttpAnswer<'GET /api/runs/:id/timeline'>>> {
  const { before = null, rounds } = queryOf(call, timelineQuerySchema)
  return call.parts.views.timeline(runIdOf(call), { before, rounds })
}
