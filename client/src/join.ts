import { FederationError } from '#protocol/errors.js'
import type { DataCard } from '#protocol/data-card.js'
import type { JsonValue } from '#protocol/json.js'
import { parsePolicy, type Policy } from '#protocol/policy.js'
import { unwrap } from '#protocol/result.js'
import { admission } from './admission.js'
import { Node } from './node.js'
import { auditKeyOf } from './state/audit-key-file.js'
import { openNodeState } from './state/node-state.js'
import { useTrust } from './state/trust-file.js'
import type { BackendChosen, NodeData } from './training/messages.js'
import { Trainer } from './training/trainer.js'
import { fetchAuditKey } from './transport/http.js'
import type { Trust } from './transport/trust.js'

export interface NodeEvent {
  readonly type: string
  readonly [key: string]: JsonValue
}
export interface JoinOptions {
  /** The coordinator's address. */
  readonly url: string
  /** One-time code; needed the first time only, afterwards the state directory holds the credential. */
  readonly code?: string
  /** Replaces the node's key before it joins: the one before is void from then on. */
  readonly newKey?: boolean
  /** Which certificate the coordinator may show; remembered. Default: what was told before, else the authorities of this machine. */
  readonly trust?: Trust
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
 * `auth/…`, `tls/…`, `data/…`, `coordinator/unreachable` before it is connected; afterwards it reconnects by itself until it leaves or is refused for
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
    const keepTrust = await useTrust(state.directory, options.url, options.trust)
    const { credentials, token } = await admission(state, options, leaving.signal)
    await keepTrust()
    await state.savePolicy(policy)
    const { signal } = leaving
    const auditKey = await auditKeyOf(state.directory, options.url, () =>
      fetchAuditKey(options.url, signal),
    )
    options.signal?.throwIfAborted()
    node = new Node({ state, trainer, credentials, token, card, policy, auditKey, emit, leaving })
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
