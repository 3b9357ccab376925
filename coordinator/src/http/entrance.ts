import type { HttpAnswer } from '#protocol/http-api.js'
import { authenticate, enrol, keyIdOf, replaceKey } from '#coordinator/auth/enrolment.js'
import type { Call } from './call.js'
import { bodyOf } from './checked.js'

/** How nodes get in. */
export async function enrolNode(call: Call): Promise<HttpAnswer<'POST /api/enrol'>> {
  const { store, clock } = call.parts
  return enrol(store, bodyOf('POST /api/enrol', call), clock.timestamp())
}

export async function giveChallenge(call: Call): Promise<HttpAnswer<'POST /api/challenge'>> {
  const { nodeId, purpose } = bodyOf('POST /api/challenge', call)
  return call.parts.auth.challenges.issue(nodeId, purpose)
}

export async function giveToken(call: Call): Promise<HttpAnswer<'POST /api/token'>> {
  const { store, auth } = call.parts
  const { challenges, tokens } = auth
  const answer = bodyOf('POST /api/token', call)
  const { nodeId, publicKey } = await authenticate({ store, challenges }, answer)
  const grant = { subject: nodeId, role: 'node', version: keyIdOf(publicKey) } as const
  return tokens.issue('fl-client', grant)
}

/** What came in with the old key is sent away; the node comes back with the new one. */
export async function takeNewKey(call: Call): Promise<HttpAnswer<'POST /api/node-key'>> {
  const { store, auth } = call.parts
  const { challenges, gate } = auth
  const newKey = bodyOf('POST /api/node-key', call)
  await replaceKey({ store, challenges }, newKey)
  gate.expel(newKey.nodeId)
  return {}
}
