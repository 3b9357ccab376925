import type { HttpAnswer } from '#protocol/http-api.js'
import { FederationError } from '#protocol/errors.js'
import { cookieOptions, csrfCookie, isEncrypted, sessionCookie } from '#coordinator/auth/cookies.js'
import { renewAccess, startSession } from '#coordinator/auth/session.js'
import type { Claims } from '#coordinator/auth/tokens.js'
import type { Call } from './call.js'
import { bodyOf } from './checked.js'
import { wayOf } from './csrf.js'

/** A person comes in by a code or by name and password, and is given tokens, or a cookie with which pages come in. */
export async function signIn(call: Call): Promise<HttpAnswer<'POST /api/sign-in'>> {
  const { parts, request, response } = call
  const { auth, clock, csrf } = parts
  const body = bodyOf('POST /api/sign-in', call)
  const isByCookie = body.keep === 'cookie'
  if (isByCookie) auth.origins.assertAllowed(request.get('origin'), { isByCookie })
  const user =
    'code' in body
      ? await auth.people.signInByCode({
          ...{ code: body.code, password: body.password ?? null, now: clock.timestamp() },
        })
      : await auth.people.signInByPassword(body.name, body.password)
  const started = startSession(auth, user)
  const { session, access } = started
  const endsAt = new Date(Date.now() + session.expiresInSeconds * 1000).toISOString()
  const person = { name: user.name, role: user.role, endsAt }
  if (!isByCookie)
    return { ...person, session: session.token, token: access.token, csrfToken: null }
  const encrypted = isEncrypted(wayOf(request))
  response.cookie(sessionCookie(encrypted), session.token, {
    ...cookieOptions(encrypted),
    maxAge: session.expiresInSeconds * 1000,
  })
  const csrfToken = csrf.give(request, response, started)
  return { ...person, session: null, token: null, csrfToken }
}

export async function renew(call: Call): Promise<HttpAnswer<'POST /api/renew'>> {
  const { auth } = call.parts
  const { session } = bodyOf('POST /api/renew', call)
  return renewAccess(auth, await auth.gate.admit(session, 'session'))
}

/** Who is signed in, and what their page must send along with what changes something. */
export async function tellSession(call: Call): Promise<HttpAnswer<'GET /api/session'>> {
  const { parts, request, response } = call
  const who = personOf(call)
  const isByCookie = who.audience === 'session'
  return {
    name: who.subject,
    role: who.role,
    csrfToken: isByCookie ? parts.csrf.give(request, response, who) : null,
  }
}

/** Ends the session, wherever else it is open. */
export async function signOut(call: Call): Promise<HttpAnswer<'POST /api/sign-out'>> {
  const { parts, request, response } = call
  bodyOf('POST /api/sign-out', call)
  const encrypted = isEncrypted(wayOf(request))
  for (const name of [sessionCookie(encrypted), csrfCookie(encrypted)])
    response.clearCookie(name, cookieOptions(encrypted))
  // This very call is to be answered still.
  call.stay?.leave()
  await parts.auth.gate.endSession(personOf(call))
  return {}
}

/** A person's own; everything that came in before is sent away. */
export async function changePassword(call: Call): Promise<HttpAnswer<'POST /api/password'>> {
  const { people, gate } = call.parts.auth
  const { subject } = personOf(call)
  await people.changePassword(subject, bodyOf('POST /api/password', call))
  call.stay?.leave()
  gate.expel(subject)
  return {}
}

type Person = Claims & { readonly role: Exclude<Claims['role'], 'node'> }

function personOf({ who }: Call): Person {
  if (who !== null && who.role !== 'node') return who as Person
  throw new FederationError('internal/bug', 'A call of people came from nobody')
}
