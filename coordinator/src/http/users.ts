import { FederationError } from '#protocol/errors.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import type { Call } from './call.js'
import { bodyOf } from './checked.js'

export async function listUsers({ parts }: Call): Promise<HttpAnswer<'GET /api/users'>> {
  const users = await parts.auth.people.all()
  return {
    users: users.map(({ name, role, passwordHash, createdAt, revokedAt }) => ({
      ...{ name, role, createdAt, revokedAt },
      hasPassword: passwordHash !== null,
    })),
  }
}

export async function addUser(call: Call): Promise<HttpAnswer<'POST /api/users'>> {
  const { auth, clock } = call.parts
  const person = bodyOf('POST /api/users', call)
  return { name: person.name, ...(await auth.people.add(person, clock.timestamp())) }
}

export async function giveUserCode(call: Call): Promise<HttpAnswer<'POST /api/users/:id/code'>> {
  const { auth, clock } = call.parts
  bodyOf('POST /api/users/:id/code', call)
  const name = userNameOf(call)
  const issued = await auth.people.giveCode(name, clock.timestamp())
  sendAway(call, name)
  return { name, ...issued }
}

export async function changeUserRole(call: Call): Promise<HttpAnswer<'POST /api/users/:id/role'>> {
  const { role } = bodyOf('POST /api/users/:id/role', call)
  const name = userNameOf(call)
  await call.parts.auth.people.changeRole(name, role)
  sendAway(call, name)
  return {}
}

export async function revokeUser(call: Call): Promise<HttpAnswer<'POST /api/users/:id/revoke'>> {
  const { auth, clock } = call.parts
  bodyOf('POST /api/users/:id/revoke', call)
  const name = userNameOf(call)
  await auth.people.revoke(name, clock.timestamp())
  sendAway(call, name)
  return {}
}

/** Everything that the person came in with ends; their own call is answered still. */
function sendAway({ parts, who, stay }: Call, name: string): void {
  if (who?.subject === name) stay?.leave()
  parts.auth.gate.expel(name)
}

function userNameOf({ params }: Call): string {
  const name = params['id'] ?? ''
  if (/^[a-z0-9][a-z0-9._@+-]{0,63}$/.test(name)) return name
  throw new FederationError('user/not-found', `There is no ${name.slice(0, 80)}`)
}
