import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import type { Role } from '#protocol/roles.js'

/** Who is signed in at a coordinator, until when. */
export interface RememberedSession {
  readonly name: string
  readonly role: Role
  readonly session: string
  /** ISO 8601. */
  readonly endsAt: string
}

/** Where this person's commands keep what they know: $TRIBUTARY_HOME or ~/.tributary. */
export const homeDirectory = (): string =>
  process.env['TRIBUTARY_HOME'] ?? join(homedir(), '.tributary')
const path = (): string => join(homeDirectory(), 'credentials.json')

type Remembered = Readonly<Record<string, RememberedSession>>

async function readAll(): Promise<Remembered> {
  try {
    return JSON.parse(await readFile(path(), 'utf8')) as Remembered
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return {}
    throw new FederationError('config/unreadable', `Cannot read ${path()}`, { cause })
  }
}

/** Null when nobody is signed in at the coordinator any more. */
export async function rememberedSession(url: string): Promise<RememberedSession | null> {
  const known = (await readAll())[new URL(url).origin]
  // Earlier versions kept a token, a text, which is of no use any more.
  if (typeof known !== 'object' || Date.parse(known.endsAt) <= Date.now()) return null
  return known
}

/** Remembers who is signed in at a coordinator, for the owner of the file alone; null: nobody. */
export async function rememberSession(
  url: string,
  session: RememberedSession | null,
): Promise<void> {
  const { [new URL(url).origin]: _, ...others } = await readAll()
  const all = session === null ? others : { ...others, [new URL(url).origin]: session }
  await mkdir(dirname(path()), { recursive: true, mode: 0o700 })
  const temporary = `${path()}.${process.pid}`
  await writeFile(temporary, JSON.stringify(all), { mode: 0o600 })
  await rename(temporary, path())
}
