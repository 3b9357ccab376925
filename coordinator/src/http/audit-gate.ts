import { auditReportJsonSchema } from '#protocol/audit-signature.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import type { JsonObject } from '#protocol/json.js'
import { actorOf } from './acts.js'
import type { Call } from './call.js'
import { bodyOf, runIdOf } from './checked.js'

export async function tellReportSchema(): Promise<JsonObject> {
  return auditReportJsonSchema()
}

export async function tellAudit(call: Call): Promise<HttpAnswer<'GET /api/runs/:id/audit'>> {
  return call.parts.gate.view(runIdOf(call))
}

export async function overrideAudit(
  call: Call,
): Promise<HttpAnswer<'POST /api/runs/:id/audit-override'>> {
  const { reason } = bodyOf('POST /api/runs/:id/audit-override', call)
  await call.parts.gate.override(runIdOf(call), { by: actorOf(call.who), reason })
  return {}
}
