import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { COMMAND } from './command-name.js'
import type { RememberedSession } from './credentials.js'

/** Where a command's right to call comes from. */
export interface Access {
  /** A token to call with; null: there is none. */
  token(): Promise<string | null>
  /** The latest was refused. False: nothing better can be had. */
  renew(): Promise<boolean>
  /** What to tell the person then, instead of the coordinator's refusal. */
  readonly advice: string | null
}

/** A token that the person has brought. */
export const fixedAccess = (token: string | null): Access => ({
  token: () => Promise.resolve(token),
  renew: () => Promise.resolve(false),
  advice: token === null ? 'Nobody is signed in at this coordinator' : null,
})

/** What the coordinator leaves in its data directory for commands on the same machine. */
export interface OperatorFile {
  readonly url: string
  readonly token: string
  /** Of the coordinator's certificate, where it has one. */
  readonly fingerprint?: string | null
}

/** Null where there is no such file. Throws `config/unreadable`. */
export async function readOperatorFile(dataDir: string): Promise<OperatorFile | null> {
  const path = join(resolve(dataDir), 'operator.json')
  try {
    return JSON.parse(await readFile(path, 'utf8')) as OperatorFile
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw new FederationError('config/unreadable', `Cannot read ${path}`, { cause })
  }
}

/** By right of reading the data directory. The coordinator writes a new token there every few minutes. */
export function operatorAccess(dataDir: string): Access {
  let held: string | null = null
  const read = async (): Promise<string | null> => (await readOperatorFile(dataDir))?.token ?? null
  return {
    token: async () => (held ??= await read()),
    renew: async () => {
      const [before, now] = [held, await read()]
      held = now
      return now !== null && now !== before
    },
    advice: null,
  }
}

/** By a session that is remembered. `exchange` fetches an access token within it. */
export function sessionAccess(
  { name, session }: RememberedSession,
  exchange: (session: string) => Promise<string>,
): Access {
  let held: string | null = null
  const fetch = async (): Promise<string | null> => {
    try {
      return await exchange(session)
    } catch (error) {
      if (error instanceof FederationError && error.code === 'auth/bad-token') return null
      throw error
    }
  }
  return {
    token: async () => (held ??= await fetch()),
    renew: async () => (held = await fetch()) !== null,
    advice: `The session of ${name} has ended`,
  }
}

/** The first that has a token, and the next when it has none any more. */
export function firstOf(...accesses: readonly Access[]): Access {
  const [first, ...others] = accesses
  if (first === undefined) return fixedAccess(null)
  if (others.length === 0) return first
  const rest = firstOf(...others)
  let isOver = false
  return {
    token: async () => {
      const token = isOver ? null : await first.token()
      if (token !== null) return token
      isOver = true
      return rest.token()
    },
    renew: async () => {
      if (!isOver && (await first.renew())) return true
      const wasOver = isOver
      isOver = true
      return wasOver ? rest.renew() : (await rest.token()) !== null
    },
    advice: rest.advice ?? first.advice,
  }
}

/** The refusal as a person should read it. */
export function explained(
  error: FederationError,
  { advice }: Access,
  url: string,
): FederationError {
  if (error.code !== 'auth/bad-token' || advice === null) return error
  const message = `${advice}; sign in with: ${COMMAND} sign-in ${new URL(url).origin} --user NAME`
  return new FederationError('auth/bad-token', message, { cause: error })
}
