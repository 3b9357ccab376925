import { hostname } from 'node:os'
import { FederationError } from '#protocol/errors.js'
import { newKeyPair } from '#protocol/proof.js'
import type { JoinOptions } from './join.js'
import type { Credentials, NodeState } from './state/node-state.js'
import { enrol, fetchToken, replaceKey } from './transport/http.js'
import { AccessToken } from './transport/token.js'

export interface Admission {
  readonly credentials: Credentials
  readonly token: AccessToken
}
type Options = Pick<JoinOptions, 'url' | 'code' | 'name' | 'newKey'>

/**
 * The key of the state directory if the coordinator still takes it, or a fresh one for the code. A node that starts again
 * with the command of its first start has a code that was used up long ago: the key comes first.
 */
export async function admission(
  state: NodeState,
  options: Options,
  signal: AbortSignal,
): Promise<Admission> {
  const { url, code, name } = options
  const known = await state.credentials()
  const isOfHere = known !== null && new URL(known.url).origin === new URL(url).origin
  if (known === null || (!isOfHere && code !== undefined)) return enrolWith(state, options, signal)
  try {
    const credentials = { ...known, url, ...(name === undefined ? {} : { name }) }
    return await admissionWith(await withKey(state, credentials, { options, signal }), signal)
  } catch (error) {
    if (!isRefusal(error)) throw error
    return enrolAgain(state, { options, signal, refusal: error })
  }
}

const isRefusal = (error: unknown): error is FederationError =>
  error instanceof FederationError && error.code === 'auth/bad-token'

type Keyed = Credentials & { readonly privateKey: string }

async function admissionWith(credentials: Keyed, signal: AbortSignal): Promise<Admission> {
  const token = new AccessToken(credentials.url, credentials, signal)
  await token.get()
  return { credentials, token }
}

/**
 * The credentials with a key that the coordinator knows. A new key is on disk before the coordinator hears of it, so that the
 * node may die at any moment in here and comes in with the one or the other.
 */
async function withKey(
  state: NodeState,
  known: Credentials,
  { options, signal }: { readonly options: Options; readonly signal: AbortSignal },
): Promise<Keyed> {
  const { privateKey, secret, nextKey: begun, ...rest } = known
  const keep = async (key: string): Promise<Keyed> => {
    const credentials = { ...rest, privateKey: key }
    await state.saveCredentials(credentials)
    return credentials
  }
  if (begun !== undefined && (await isTaken({ ...rest, privateKey: begun }, signal)))
    return keep(begun)
  const wantsNew = options.newKey === true || begun !== undefined
  if (privateKey !== undefined && !wantsNew) return { ...rest, privateKey }
  const from = privateKey === undefined ? { secret: secret ?? '' } : { privateKey }
  const nextKey = begun ?? newKeyPair().privateKey
  await state.saveCredentials({ ...known, nextKey })
  await replaceKey(rest.url, { nodeId: rest.nodeId, from, to: nextKey }, signal)
  return keep(nextKey)
}

async function isTaken(credentials: Keyed, signal: AbortSignal): Promise<boolean> {
  try {
    await fetchToken(credentials.url, credentials, signal)
    return true
  } catch (error) {
    if (isRefusal(error)) return false
    throw error
  }
}

/** With a new invitation a node that was revoked may come back, as another one. */
async function enrolAgain(
  state: NodeState,
  context: { options: Options; signal: AbortSignal; refusal: FederationError },
): Promise<Admission> {
  const { options, signal, refusal } = context
  if (options.code === undefined) throw refusal
  try {
    return await enrolWith(state, options, signal)
  } catch (error) {
    const isUsedUp = error instanceof FederationError && error.code === 'auth/bad-code'
    throw isUsedUp ? refusal : error
  }
}

async function enrolWith(
  state: NodeState,
  { url, code, name = hostname() }: Options,
  signal: AbortSignal,
): Promise<Admission> {
  if (code === undefined) {
    const message = 'This node is not enrolled yet: pass --code with an invitation'
    throw new FederationError('auth/bad-code', message)
  }
  const privateKey = await state.enrolmentKey()
  const { nodeId } = await enrol(url, { code, name, privateKey }, signal)
  const credentials = { url, nodeId, name, privateKey }
  await state.saveCredentials(credentials)
  return { credentials, token: new AccessToken(url, credentials, signal) }
}
