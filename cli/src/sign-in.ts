import type { Command } from 'commander'
import { FederationError } from '#protocol/errors.js'
import { trustCoordinator } from '#client/transport/trust.js'
import { useTrust } from '#client/state/trust-file.js'
import {
  firstOf,
  operatorAccess,
  readOperatorFile,
  sessionAccess,
  type Access,
  type OperatorFile,
} from './access.js'
import { createApi, type Api } from './api.js'
import {
  homeDirectory,
  rememberedSession,
  rememberSession,
  type RememberedSession,
} from './credentials.js'
import { toldTrust, trustOptions, type TrustOptions } from './trust-options.js'

export interface RemoteOptions extends TrustOptions {
  readonly url?: string
  readonly dataDir: string
  readonly code?: string
  readonly token?: string
}
/** `$TRIBUTARY_DATA_DIR`, so that a service and the commands beside it say it once. */
export const DEFAULT_DATA_DIR = process.env['TRIBUTARY_DATA_DIR'] ?? '.tributary/coordinator'
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
    .option('--code <code>', 'sign in with a one-time code; remembered afterwards')
    .option('--token <token>', 'an access token (default: $TRIBUTARY_TOKEN)')

/** The API of the coordinator that the options name, signed in as far as credentials are known. */
export async function connect(options: RemoteOptions): Promise<Api> {
  const { url, local } = await locate(options)
  if (options.code !== undefined) {
    await signIn(url, { code: options.code })
    return createApi(url, await accessFor(url, null))
  }
  const token = options.token ?? process.env['TRIBUTARY_TOKEN']
  if (token !== undefined) return createApi(url, token)
  const isLocal = local !== null && new URL(local.url).origin === new URL(url).origin
  return createApi(url, await accessFor(url, isLocal ? operatorAccess(options.dataDir) : null))
}

/** The coordinator that the options name, and what its data directory says where that is here. Only its certificate counts then. */
export async function locate(
  options: RemoteOptions,
): Promise<{ readonly url: string; readonly local: OperatorFile | null }> {
  const local = await readOperatorFile(options.dataDir)
  const url =
    options.url ?? process.env['TRIBUTARY_URL'] ?? local?.url ?? `http://127.0.0.1:${DEFAULT_PORT}`
  assertAddress(url)
  await trust(url, options, local)
  return { url, local }
}

/** Throws `usage/bad-value`. */
export function assertAddress(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return
  throw new FederationError(
    'usage/bad-value',
    `Expected an address like http://host:${DEFAULT_PORT}, got '${url}'`,
  )
}

/** Who has signed in comes first; then whoever may read the data directory. */
async function accessFor(url: string, operator: Access | null): Promise<Access> {
  const session = await rememberedSession(url)
  const exchange = async (text: string): Promise<string> =>
    (await createApi(url, null).call('POST /api/renew', { body: { session: text } })).token
  return firstOf(
    ...(session === null ? [] : [sessionAccess(session, exchange)]),
    ...(operator === null ? [] : [operator]),
  )
}

/** How a person shows who they are. */
export type Credentials =
  | { readonly code: string; readonly password?: string }
  | { readonly name: string; readonly password: string }

/** Signs in, and remembers it for the commands to come. */
export async function signIn(url: string, credentials: Credentials): Promise<RememberedSession> {
  const answer = await createApi(url, null).call('POST /api/sign-in', { body: credentials })
  const { name, role, session, endsAt } = answer
  const remembered = { name, role, session: session ?? '', endsAt }
  await rememberSession(url, remembered)
  return remembered
}

/** As told now, else as the coordinator's own data directory says, else as told an earlier time. */
export async function trust(
  url: string,
  options: TrustOptions,
  local: OperatorFile | null,
): Promise<void> {
  const told = await toldTrust(options)
  const keep = await useTrust(homeDirectory(), url, told)
  await keep()
  const isLocal = local !== null && new URL(local.url).origin === new URL(url).origin
  if (told === undefined && isLocal && typeof local.fingerprint === 'string')
    trustCoordinator(url, { fingerprints: [local.fingerprint] })
}
