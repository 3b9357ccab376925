import type { HttpAnswer } from '#protocol/http-api.js'
import { redeemCode } from '#coordinator/auth/codes.js'
import { authenticate, enrol } from '#coordinator/auth/enrolment.js'
import { ADMINISTRATOR } from '#coordinator/auth/operator.js'
import type { Call } from './call.js'
import { bodyOf } from './checked.js'

/** How nodes and people get in. */
export async function enrolNode(call: Call): Promise<HttpAnswer<'POST /api/enrol'>> {
  const { store, clock } = call.parts
  return enrol(store, { ...bodyOf('POST /api/enrol', call), now: clock.timestamp() })
}

export async function giveToken(call: Call): Promise<HttpAnswer<'POST /api/token'>> {
  const { store, tokens } = call.parts
  const { nodeId } = await authenticate(store, bodyOf('POST /api/token', call))
  return tokens.issue('fl-client', nodeId)
}

export async function signIn(call: Call): Promise<HttpAnswer<'POST /api/sign-in'>> {
  const { store, tokens, clock } = call.parts
  const { code } = bodyOf('POST /api/sign-in', call)
  await redeemCode(store, 'sign-in', { code, now: clock.timestamp() })
  return { token: tokens.issue('people', ADMINISTRATOR).token }
}
