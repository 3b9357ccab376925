import type { HttpAnswer } from '#protocol/http-api.js'
import { issueCode } from '#coordinator/auth/codes.js'
import { revokeNode as revoke } from '#coordinator/auth/enrolment.js'
import type { Call } from './call.js'
import { bodyOf, nodeIdOf, noSuchNode } from './checked.js'

export async function inviteNode(call: Call): Promise<HttpAnswer<'POST /api/nodes/invite'>> {
  const { store, clock } = call.parts
  const { minutes } = bodyOf('POST /api/nodes/invite', call)
  return issueCode(store, 'enrol-node', { now: clock.timestamp(), minutes })
}

export async function listNodes({ parts }: Call): Promise<HttpAnswer<'GET /api/nodes'>> {
  const { store, fleet } = parts
  const nodes = await store.nodes()
  return {
    nodes: nodes.map(({ nodeId, name, enrolledAt, revokedAt }) => ({
      ...{ nodeId, name, enrolledAt, revokedAt },
      online: fleet.registry.get(nodeId) !== null,
      engine: fleet.reception.engineOf(nodeId),
      task: fleet.taskOf(nodeId),
      card: fleet.registry.get(nodeId)?.card ?? null,
      policy: fleet.registry.get(nodeId)?.policy ?? null,
      ...{ lastSeenAt: null, examplesPerSecond: null, failures: { count: 0, latest: [] } },
      coolDowns: fleet.coolDownsOf(nodeId).map(({ nodeId: _, ...coolDown }) => coolDown),
    })),
  }
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
