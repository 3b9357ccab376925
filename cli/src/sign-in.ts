import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { FederationError } from '#protocol/errors.js'
import { trustCoordinator } from '#client/transport/trust.js'
import { useTrust } from '#client/state/trust-file.js'
import { createApi, type Api } from './api.js'
import { toldTrust, trustOptions, type TrustOptions } from './trust-options.js'

export interface RemoteOptions extends TrustOptions {
  readonly url?: string
  readonly dataDir: string
  readonly code?: string
  readonly token?: string
}
export const DEFAULT_DATA_DIR = '.tributary/coordinator'
export const DEFAULT_PORT = 7400

/** The options of every command that talks to a coordinator. */
export const remoteOptions = (command: Command): Command =>
  trustOptions(command)
    .option(
      '--url <url>',
      'the coordinator (default: $TRIBUTARY_URL, or the one whose data directory is here)',
    )
    .option(
      '--data-dir <dir>',
      "the coordinator's data directory, when it is on this machine",
      DEFAULT_DATA_DIR,
    )
    .option('--code <code>', "sign in with the administrator's code; remembered afterwards")
    .option('--token <token>', 'an access token (default: $TRIBUTARY_TOKEN)')

interface Credential {
  readonly url: string
  readonly token: string
  /** Of the coordinator's certificate, where it has one. */
  readonly fingerprint?: string | null
}
const home = (): string => process.env['TRIBUTARY_HOME'] ?? join(homedir(), '.tributary')
const remembered = (): string => join(home(), 'credentials.json')

async function readJson<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw new FederationError('config/unreadable', `Cannot read ${path}`, { cause })
  }
}

/** The API of the coordinator that the options name, signed in as far as credentials are known. */
export async function connect(options: RemoteOptions): Promise<Api> {
  const local = await readJson<Credential>(join(resolve(options.dataDir), 'operator.json'))
  const url =
    options.url ?? process.env['TRIBUTARY_URL'] ?? local?.url ?? `http://127.0.0.1:${DEFAULT_PORT}`
  if (!URL.canParse(url)) {
    throw new FederationError(
      'usage/bad-value',
      `Expected an address like http://host:${DEFAULT_PORT}, got '${url}'`,
    )
  }
  await trust(url, options, local)
  if (options.code !== undefined) return signIn(url, options.code)
  const token = options.token ?? process.env['TRIBUTARY_TOKEN']
  if (token !== undefined) return createApi(url, token)
  const known = (await readJson<Record<string, string>>(remembered()))?.[new URL(url).origin]
  const isLocal = local !== null && new URL(local.url).origin === new URL(url).origin
  return createApi(url, isLocal ? local.token : (known ?? null))
}

/** As told now, else as the coordinator's own data directory says, else as told an earlier time. */
async function trust(url: string, options: RemoteOptions, local: Credential | null): Promise<void> {
  const told = await toldTrust(options)
  const keep = await useTrust(home(), url, told)
  await keep()
  const isLocal = local !== null && new URL(local.url).origin === new URL(url).origin
  if (told === undefined && isLocal && typeof local.fingerprint === 'string')
    trustCoordinator(url, { fingerprints: [local.fingerprint] })
}

async function signIn(url: string, code: string): Promise<Api> {
  const { token } = await createApi(url, null).call('POST /api/sign-in', { body: { code } })
  const path = remembered()
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const known = (await readJson<Record<string, string>>(path)) ?? {}
  await writeFile(path, JSON.stringify({ ...known, [new URL(url).origin]: token }), { mode: 0o600 })
  return createApi(url, token)
}
