import type { HttpAnswer } from '#protocol/http-api.js'
import type { NodeLine } from '#protocol/server-views.js'
import { issueCode } from '#coordinator/auth/codes.js'
import { revokeNode as revoke } from '#coordinator/auth/enrolment.js'
import { nodeLines } from '#coordinator/views/node-lines.js'
import type { Call } from './call.js'
import { bodyOf, nodeIdOf, noSuchNode } from './checked.js'

export async function inviteNode(call: Call): Promise<HttpAnswer<'POST /api/nodes/invite'>> {
  const { store, clock, ops } = call.parts
  const { minutes } = bodyOf('POST /api/nodes/invite', call)
  const issued = await issueCode(store, 'enrol-node', { now: clock.timestamp(), minutes })
  return { ...issued, fingerprint: ops.fingerprint }
}

export async function listNodes({ parts }: Call): Promise<{ readonly nodes: readonly NodeLine[] }> {
  return { nodes: await nodeLines(parts) }
}

/** Its connection ends at once; its updates that count already go on counting. */
export async function revokeNode(call: Call): Promise<HttpAnswer<'POST /api/nodes/:id/revoke'>> {
  const { store, fleet, auth, clock } = call.parts
  bodyOf('POST /api/nodes/:id/revoke', call)
  const nodeId = nodeIdOf(call)
  if ((await store.node(nodeId)) === null) throw noSuchNode(nodeId)
  await revoke(store, nodeId, clock.timestamp())
  fleet.expel(nodeId)
  auth.gate.expel(nodeId)
  return {}
}
