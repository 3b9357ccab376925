import { FederationError, type Problem } from '#protocol/errors.js'
import type { DataCard } from '#protocol/data-card.js'
import type { JsonValue } from '#protocol/json.js'
import { parseMessage, type TaskMessage } from '#protocol/messages.js'
import type { Fate } from '#protocol/record.js'
import type { BlobRef } from '#protocol/blob-ref.js'
import { asFederationError } from '#protocol/errors.js'
import { matchCard } from '#data/index.js'
import type { NodeEvent, NodeHandle } from './join.js'
import type { NodeContext } from './node-context.js'
import { performTask } from './perform-task.js'
import { settleFate } from './settle.js'
import type { Credentials, NodeState, OpenTask } from './state/node-state.js'
import type { Trainer } from './training/trainer.js'
import { fetchBlob, fetchToken } from './transport/http.js'
import { openLink, type Answer, type Link } from './transport/socket.js'
import { waitAbortable } from './wait.js'

export interface NodeParts {
  readonly state: NodeState
  readonly trainer: Trainer
  readonly credentials: Credentials
  readonly card: DataCard
  readonly version: string
  readonly emit: (event: NodeEvent) => void
}
const ASK_AGAIN_MS = 500
const TOKEN_MARGIN_MS = 60_000

/** A connected node: one task at a time, in the order in which they were offered. */
export class Node {
  readonly #parts: NodeParts
  readonly #leaving = new AbortController()
  #link: Link | null = null
  #token: { readonly value: string; readonly until: number } | null = null
  /** Offers taken and not finished, by lease. */
  readonly #taken = new Set<string>()
  #work: Promise<void> = Promise.resolve()
  #end: { resolve(): void; reject(error: FederationError): void } | null = null

  constructor(parts: NodeParts) {
    this.#parts = parts
  }

  /** Connects; the handle comes back once the coordinator knows the node. */
  async run(signal?: AbortSignal): Promise<NodeHandle> {
    const { credentials, card } = this.#parts
    const closed = new Promise<void>((resolve, reject) => (this.#end = { resolve, reject }))
    closed.catch(() => undefined)
    await this.#freshToken()
    const link = this.#open()
    this.#link = link
    signal?.addEventListener('abort', () => void this.leave(), { once: true })
    await Promise.race([link.connected(), closed])
    if (signal?.aborted === true) await this.leave()
    return { nodeId: credentials.nodeId, card, closed, leave: () => this.leave() }
  }

  /** Leaves cleanly: what is open stays in the state directory and goes on when the node is back. */
  async leave(error?: FederationError): Promise<void> {
    if (this.#leaving.signal.aborted) return
    this.#leaving.abort()
    this.#link?.close()
    this.#parts.trainer.stop()
    await this.#parts.state.release()
    if (error === undefined) this.#end?.resolve()
    else this.#end?.reject(error)
  }

  #open(): Link {
    const { credentials, card, version } = this.#parts
    const link = openLink({
      url: credentials.url,
      token: () => this.#freshToken(),
      greet: async (opened) => {
        await opened.ask('node:hello', { version, name: credentials.name, card })
      },
      onConnected: () => {
        this.#emit('node:connected', { nodeId: credentials.nodeId, name: credentials.name })
        this.#queue(() => this.#settleOpenTasks())
      },
      onLost: (reason) => this.#emit('node:disconnected', { reason }),
      onRefused: (error) => void this.leave(error),
    })
    link.on('round:start', (message) => this.#offered(message))
    link.on('round:fate', (message) => this.#fate(message))
    link.on('run:finished', () => ({ ok: true }))
    return link
  }

  #offered(message: unknown): Answer {
    const task = parseMessage('round:start', message)
    if (!task.ok) return { ok: false, problem: task.error.toProblem() }
    const mismatch = matchCard(this.#parts.card, task.value.config.task)
    if (mismatch !== null)
      return { ok: false, problem: { code: 'data/mismatch', message: mismatch } }
    if (!this.#taken.has(task.value.lease)) {
      this.#taken.add(task.value.lease)
      this.#queue(() => this.#perform(task.value))
    }
    return { ok: true }
  }

  async #perform(task: TaskMessage): Promise<void> {
    const { runId, round, attempt, slot, lease } = task
    this.#emit('task:started', { runId, round, slot })
    try {
      const verdict = await performTask(this.#context(), task)
      if (verdict === 'accepted') this.#emit('update:accepted', { runId, round, slot })
      else this.#emit('update:refused', { runId, round, slot, ...verdict })
    } catch (error) {
      if (this.#leaving.signal.aborted) return
      const problem = asFederationError(error, 'task/failed').toProblem()
      this.#emit('task:failed', { runId, round, slot, ...problem })
      await this.#report({ runId, round, attempt, slot, lease, problem })
    } finally {
      this.#taken.delete(lease)
    }
  }

  async #report(
    failure: Readonly<Record<string, unknown>> & { readonly problem: Problem },
  ): Promise<void> {
    await this.#context().link.connected()
    await this.#context().link.ask('task:failed', failure)
  }

  #fate(message: unknown): Answer {
    const parsed = parseMessage('round:fate', message)
    if (!parsed.ok) return { ok: false, problem: parsed.error.toProblem() }
    const { runId, round, attempt, fate } = parsed.value
    this.#queue(async () => {
      const open = await this.#parts.state.openTask(runId)
      if (open?.round === round && open.attempt === attempt)
        await settleFate(this.#context(), open, fate)
    })
    return { ok: true }
  }

  /** After a reconnection or a restart: rounds may have closed meanwhile. */
  async #settleOpenTasks(): Promise<void> {
    for (const task of await this.#parts.state.openTasks()) {
      const fate = await this.#fateOnce(task)
      if (fate !== 'open') await settleFate(this.#context(), task, fate)
    }
  }

  async #fateOnce({ runId, round, attempt, slot }: OpenTask): Promise<Fate | 'open'> {
    const link = this.#context().link
    await link.connected()
    return (await link.ask('fate:ask', { runId, round, attempt, slot })).fate
  }

  async #askFate(task: OpenTask): Promise<Fate> {
    for (;;) {
      this.#leaving.signal.throwIfAborted()
      const fate = await this.#fateOnce(task).catch(retryable('open' as const))
      if (fate !== 'open') return fate
      await waitAbortable(ASK_AGAIN_MS, this.#leaving.signal)
    }
  }

  async #fetchBlob(blob: BlobRef): Promise<Uint8Array> {
    for (;;) {
      this.#leaving.signal.throwIfAborted()
      const bytes = await this.#freshToken()
        .then((token) => fetchBlob(this.#parts.credentials.url, token, blob))
        .catch(retryable(null))
      if (bytes !== null) return bytes
      await waitAbortable(ASK_AGAIN_MS, this.#leaving.signal)
    }
  }

  #context(): NodeContext {
    const link = this.#link
    if (link === null) throw new FederationError('internal/bug', 'The node is not connected yet')
    const { state, trainer } = this.#parts
    return {
      ...{ state, trainer, link, signal: this.#leaving.signal },
      fetchBlob: (blob) => this.#fetchBlob(blob),
      askFate: (task) => this.#askFate(task),
      emit: (type, data) => this.#emit(type, data),
    }
  }

  async #freshToken(): Promise<string> {
    if (this.#token === null || this.#token.until < performance.now()) {
      const { token, expiresInSeconds } = await fetchToken(
        this.#parts.credentials.url,
        this.#parts.credentials,
      )
      this.#token = {
        value: token,
        until: performance.now() + expiresInSeconds * 1000 - TOKEN_MARGIN_MS,
      }
    }
    return this.#token.value
  }

  #queue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      if (this.#leaving.signal.aborted) return
      this.#emit(
        'node:problem',
        asFederationError(error).toProblem() as unknown as Record<string, JsonValue>,
      )
    })
  }

  #emit(type: string, data: Readonly<Record<string, JsonValue>>): void {
    this.#parts.emit({ type, ...data })
  }
}

/** Turns a failure that another try may cure into `instead`; any other is thrown. */
const retryable =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (error instanceof FederationError && error.retryable) return instead
    throw error
  }
