import { hostname } from 'node:os'
import { FederationError } from '#protocol/errors.js'
import type { DataCard } from '#protocol/data-card.js'
import type { JsonValue } from '#protocol/json.js'
import { parsePolicy, type Policy } from '#protocol/policy.js'
import { unwrap } from '#protocol/result.js'
import { Node } from './node.js'
import { openNodeState, type Credentials, type NodeState } from './state/node-state.js'
import type { BackendChosen, NodeData } from './training/messages.js'
import { Trainer } from './training/trainer.js'
import { enrol } from './transport/http.js'
import { AccessToken } from './transport/token.js'

export interface NodeEvent {
  readonly type: string
  readonly [key: string]: JsonValue
}
export interface JoinOptions {
  /** The coordinator's address. */
  readonly url: string
  /** One-time code; needed the first time only, afterwards the state directory holds the credential. */
  readonly code?: string
  /** A name for people. Default: this machine's. */
  readonly name?: string
  readonly stateDir: string
  readonly data: NodeData
  /** What the owner of the data allows; the defaults hold for what is left out. Not remembered: it holds until the node leaves. */
  readonly policy?: Partial<Policy>
  /** Aborting it makes the node leave. */
  readonly signal?: AbortSignal
  readonly onEvent?: (event: NodeEvent) => void
}
export interface NodeHandle {
  readonly nodeId: string
  readonly card: DataCard
  /** Resolves when the node has left; rejects when the coordinator refuses it for good. */
  readonly closed: Promise<void>
  leave(): Promise<void>
}

/**
 * Joins a federation and takes tasks until told to leave. Throws `store/locked`, `store/io`, `config/invalid` (the policy),
 * `auth/…`, `data/…`, `coordinator/unreachable` before it is connected; afterwards it reconnects by itself until it leaves or is refused for
 * good. Rejects with the signal's reason when that aborts before the node is connected.
 */
export async function joinFederation(options: JoinOptions): Promise<NodeHandle> {
  assertAddress(options.url)
  const policy = unwrap(parsePolicy(options.policy ?? {}))
  const leaving = new AbortController()
  let node: Node | null = null
  const state = await openNodeState(options.stateDir, (error) => void leave(error))
  const emit = emitter(options)
  const trainer = new Trainer(options.data, (note) => {
    if (note.note === 'progress') node?.progress(note)
    else tellChoice(emit, note.choice)
  })
  const release = async (): Promise<void> => {
    leaving.abort()
    await trainer.stop()
    await state.release()
  }
  const leave = (error?: FederationError): Promise<void> => node?.leave(error) ?? release()
  const abort = (): void => void leave()
  try {
    options.signal?.throwIfAborted()
    options.signal?.addEventListener('abort', abort, { once: true })
    const card = await trainer.start()
    const { credentials, token } = await admission(state, options, leaving.signal)
    await state.savePolicy(policy)
    options.signal?.throwIfAborted()
    node = new Node({ state, trainer, credentials, token, card, policy, emit, leaving })
    node.closed.then(forget, forget)
    await node.connected()
    options.signal?.throwIfAborted()
    return handleOf(node, { nodeId: credentials.nodeId, card })
  } catch (error) {
    await leave()
    options.signal?.throwIfAborted()
    throw error
  }
  function forget(): void {
    options.signal?.removeEventListener('abort', abort)
  }
}

const handleOf = (
  node: Node,
  { nodeId, card }: Pick<NodeHandle, 'nodeId' | 'card'>,
): NodeHandle => ({ nodeId, card, closed: node.closed, leave: () => node.leave() })

function assertAddress(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return
  const message = `Expected an address like http://host:7400, got '${url}'`
  throw new FederationError('usage/bad-value', message)
}

type Emit = (type: string, data: Readonly<Record<string, JsonValue>>) => void

/** A listener that throws is its owner's concern: the node goes on. */
function emitter({ onEvent = () => undefined }: JoinOptions): Emit {
  return (type, data) => {
    try {
      onEvent({ type, ...data })
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
function tellChoice(emit: Emit, { chosen, measurements }: BackendChosen): void {
  emit('backend:chosen', { chosen, measurements: measurements.map((one) => ({ ...one })) })
}

interface Admission {
  readonly credentials: Credentials
  readonly token: AccessToken
}

/**
 * The credential of the state directory if the coordinator still takes it, or a fresh one for the code. A node that starts
 * again with the command of its first start has a code that was used up long ago: the credential comes first.
 */
async function admission(
  state: NodeState,
  options: JoinOptions,
  signal: AbortSignal,
): Promise<Admission> {
  const { url, code, name } = options
  const known = await state.credentials()
  const isOfHere = known !== null && new URL(known.url).origin === new URL(url).origin
  if (known !== null && (isOfHere || code === undefined)) {
    const credentials = { ...known, url, ...(name === undefined ? {} : { name }) }
    const token = new AccessToken(url, credentials, signal)
    const refusal = await refusalOf(token)
    if (refusal === null) return { credentials, token }
    return enrolAgain(state, { options, signal, refusal })
  }
  return enrolWith(state, options, signal)
}

/** Null when the coordinator takes the credential. Throws what says nothing about it. */
async function refusalOf(token: AccessToken): Promise<FederationError | null> {
  try {
    await token.get()
    return null
  } catch (error) {
    if (error instanceof FederationError && error.code === 'auth/bad-token') return error
    throw error
  }
}

/** With a new invitation a node that was revoked may come back, as another one. */
async function enrolAgain(
  state: NodeState,
  context: { options: JoinOptions; signal: AbortSignal; refusal: FederationError },
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
  { url, code, name = hostname() }: JoinOptions,
  signal: AbortSignal,
): Promise<Admission> {
  if (code === undefined) {
    const message = 'This node is not enrolled yet: pass --code with an invitation'
    throw new FederationError('auth/bad-code', message)
  }
  const { nodeId, secret } = await enrol(url, { code, name }, signal)
  const credentials = { url, nodeId, secret, name }
  await state.saveCredentials(credentials)
  return { credentials, token: new AccessToken(url, credentials, signal) }
}
