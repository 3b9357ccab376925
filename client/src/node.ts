import { asFederationError, FederationError } from '#protocol/errors.js'
import type { DataCard } from '#protocol/data-card.js'
import type { JsonValue } from '#protocol/json.js'
import type { Policy } from '#protocol/policy.js'
import { VERSION } from '#protocol/version.js'
import type { NodeContext } from './node-context.js'
import type { Credentials, NodeState } from './state/node-state.js'
import { Tasks } from './tasks.js'
import type { Trainer } from './training/trainer.js'
import { fetchBlob } from './transport/http.js'
import { openLink, type Link } from './transport/socket.js'
import type { AccessToken } from './transport/token.js'
import { untilDone } from './wait.js'

export interface NodeParts {
  readonly state: NodeState
  readonly trainer: Trainer
  readonly credentials: Credentials
  readonly token: AccessToken
  readonly card: DataCard
  readonly policy: Policy
  readonly auditKey: string
  readonly emit: (type: string, data: Readonly<Record<string, JsonValue>>) => void
  /** Aborted by the node itself when it leaves: whatever waits in its parts ends. */
  readonly leaving: AbortController
}

/** A node with its connection, from joining to leaving. */
export class Node {
  readonly #parts: NodeParts
  readonly #link: Link
  readonly #tasks: Tasks
  #left: Promise<void> | null = null
  #end: { readonly resolve: () => void; readonly reject: (error: FederationError) => void } | null =
    null
  /** Resolves when the node has left; rejects when it was refused for good. */
  readonly closed = new Promise<void>((resolve, reject) => {
    this.#end = { resolve, reject }
  })

  constructor(parts: NodeParts) {
    this.#parts = parts
    this.closed.catch(() => undefined)
    this.#link = this.#open()
    this.#tasks = new Tasks(this.#context())
    this.#link.on('round:start', (message) => this.#tasks.offered(message))
    this.#link.on('round:fate', (message) => this.#tasks.fate(message))
    this.#link.on('run:finished', () => ({ ok: true }))
  }

  /** Resolves once the coordinator knows the node, or the node has left; rejects when it was refused. */
  async connected(): Promise<void> {
    await Promise.race([this.#link.connected().catch(() => this.closed), this.closed])
  }

  progress(report: { readonly done: number; readonly total: number }): void {
    this.#tasks.progress(report)
  }

  /**
   * Leaves cleanly, and resolves when everything is given back: what is open stays in the state directory and goes on when
   * the node is back. Never rejects; an error is what `closed` rejects with.
   */
  leave(error?: FederationError): Promise<void> {
    this.#left ??= this.#leave(error)
    return this.#left
  }

  async #leave(error: FederationError | undefined): Promise<void> {
    const { leaving, trainer, state } = this.#parts
    leaving.abort()
    this.#link.close()
    let problem = error
    try {
      await trainer.stop()
      // What is being written is written to its end before another process may have the directory.
      await this.#tasks.idle()
      await state.release()
    } catch (cause) {
      problem ??= asFederationError(cause)
    }
    if (problem === undefined) this.#end?.resolve()
    else this.#end?.reject(problem)
  }

  #open(): Link {
    const { credentials, token, card, policy, emit } = this.#parts
    const { url, nodeId, name } = credentials
    return openLink({
      url,
      token,
      greet: async (opened) => {
        await opened.ask('node:hello', { version: VERSION, name, card, policy })
      },
      onConnected: () => {
        emit('node:connected', { nodeId, name })
        this.#tasks.connected()
      },
      onLost: (reason) => emit('node:disconnected', { reason }),
      onRefused: (error) => void this.leave(error),
    })
  }

  #context(): NodeContext {
    const { state, trainer, card, policy, auditKey, credentials, token, leaving, emit } =
      this.#parts
    return {
      ...{ state, trainer, card, policy, auditKey, emit },
      link: this.#link,
      signal: leaving.signal,
      fetchBlob: (blob, signal) =>
        untilDone(async () => {
          const access = await token.get()
          const from = { url: credentials.url, token: access, signal }
          return fetchBlob(from, blob).catch((error: unknown) => {
            if (!(error instanceof FederationError) || error.code !== 'auth/bad-token') throw error
            token.drop()
            throw new FederationError('coordinator/unreachable', 'The token has ended', {
              cause: error,
            })
          })
        }, signal),
    }
  }
}
