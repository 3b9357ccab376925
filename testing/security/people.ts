/** People of every role at a coordinator of a test. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Role } from '#protocol/roles.js'
import { csrfCookie, sessionCookie } from '#coordinator/auth/cookies.js'
import type { World } from './world.js'

export const PASSWORD = 'correct horse battery staple'

export interface SignedIn {
  readonly name: string
  readonly token: string
  readonly session: string
}
/** In a browser: its cookies, and what its page sends along. */
export interface Browser {
  readonly cookie: string
  readonly csrfToken: string
}

const post = async (world: World, path: string, body: object, headers = {}) => {
  const answer = await world.call(['POST', path], {
    token: '',
    body: JSON.stringify(body),
    headers,
  })
  if (answer.status !== 200) throw new Error(`${path}: ${answer.text}`)
  return answer
}

/** A new person, who has chosen a password and is signed in. */
export async function addPerson(world: World, name: string, role: Role): Promise<SignedIn> {
  const body = JSON.stringify({ name, role })
  const { text } = await world.call(['POST', '/api/users'], { body })
  const { code } = JSON.parse(text) as { code: string }
  const signedIn = await post(world, '/api/sign-in', { code, password: PASSWORD })
  return { name, ...(JSON.parse(signedIn.text) as Omit<SignedIn, 'name'>) }
}

/** The person signs in once more, in a browser. */
export async function openBrowser(world: World, name: string): Promise<Browser> {
  const body = { name, password: PASSWORD, keep: 'cookie' }
  const { text, headers } = await post(world, '/api/sign-in', body, { origin: world.url })
  const cookies = headers.getSetCookie().map((cookie) => cookie.slice(0, cookie.indexOf(';')))
  const { csrfToken } = JSON.parse(text) as { csrfToken: string }
  return { cookie: cookies.join('; '), csrfToken }
}
export const [SESSION, CSRF] = [sessionCookie(false), csrfCookie(false)]

export const signingSecret = async (world: World): Promise<Buffer> =>
  Buffer.from(await readFile(join(world.dataDir, 'signing-secret'), 'utf8'), 'hex')
