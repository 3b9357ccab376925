import { hostname } from 'node:os'
import { FederationError } from '#protocol/errors.js'
import type { DataCard } from '#protocol/data-card.js'
import type { JsonValue } from '#protocol/json.js'
import { VERSION } from '#protocol/version.js'
import { Node } from './node.js'
import { openNodeState, type Credentials, type NodeState } from './state/node-state.js'
import type { NodeData } from './training/messages.js'
import { Trainer } from './training/trainer.js'
import { enrol } from './transport/http.js'

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
 * Joins a federation and takes tasks until told to leave. Throws `store/locked`, `auth/…`, `data/…`,
 * `coordinator/unreachable` before it is connected; afterwards it reconnects by itself for ever.
 */
export async function joinFederation(options: JoinOptions): Promise<NodeHandle> {
  if (!URL.canParse(options.url)) {
    throw new FederationError(
      'usage/bad-value',
      `Expected an address like http://host:7400, got '${options.url}'`,
    )
  }
  const state = await openNodeState(options.stateDir)
  const emit = options.onEvent ?? (() => undefined)
  const trainer = new Trainer(options.data, ({ chosen, measurements }) => {
    emit({ type: 'backend:chosen', chosen, measurements: measurements.map((one) => ({ ...one })) })
  })
  try {
    const card = await trainer.start()
    const credentials = await enrolOnce(state, options)
    const node = new Node({
      state,
      trainer,
      credentials,
      card,
      version: VERSION,
      emit,
    })
    return await node.run(options.signal)
  } catch (error) {
    trainer.stop()
    await state.release()
    throw error
  }
}

/** The credential of the state directory, or a fresh one for the code. */
async function enrolOnce(state: NodeState, { url, code, name }: JoinOptions): Promise<Credentials> {
  const known = await state.credentials()
  if (known !== null) {
    if (new URL(known.url).origin === new URL(url).origin || code === undefined)
      return { ...known, url }
  }
  if (code === undefined) {
    throw new FederationError(
      'auth/bad-code',
      'This node is not enrolled yet: pass --code with an invitation',
    )
  }
  const chosen = name ?? hostname()
  const { nodeId, secret } = await enrol(url, code, chosen)
  const credentials = { url, nodeId, secret, name: chosen }
  await state.saveCredentials(credentials)
  return credentials
}
