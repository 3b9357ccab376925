/** What happens in the federation, as it happens: the page's end of the namespace `/ui`. */
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { asFederationError, FederationError, isErrorCode } from '#protocol/errors.js'
import type { RunId } from '#protocol/ids.js'
import { MOST_WATCHED_RUNS, type Stage } from '#protocol/run-views.js'
import {
  parseUiAck,
  parseUiMessage,
  type ListName,
  type RunEvent,
  type UiMessage,
  type UiName,
} from '#protocol/ui-messages.js'

/**
 * live: news come as they happen. connecting: they will. away: the coordinator cannot be reached, and is tried again.
 * replaced: the same person has opened so many pages that this one was let go; `wake` brings it back. refused: see `problem`.
 */
export type LiveState = 'connecting' | 'live' | 'away' | 'replaced' | 'refused'

/** Who watches a run. */
export interface RunWatcher {
  /** Events after the latest that was told, in order, none twice. */
  readonly onEvents: (events: readonly RunEvent[]) => void
  /** Where the run is now. */
  readonly onStage?: (stage: Stage) => void
  /** Nothing is told any more: what this page knows of the run is of another past, and is to be asked for anew. */
  readonly onLost: () => void
}
export interface LiveOptions {
  /** Default: where the page is from. */
  readonly url?: string
  /** For programs, which have no cookie of their own. */
  readonly socket?: Partial<ManagerOptions & SocketOptions>
}

/** Refusals that no other try can cure. */
const FINAL: ReadonlySet<string> = new Set([
  'auth/forbidden',
  'auth/bad-token',
  'message/malformed',
])
const [ACK_MS, AGAIN_MS, FIRST_RETRY_MS, LAST_RETRY_MS] = [30_000, 1_000, 500, 5_000]

interface Watch {
  readonly runId: RunId
  readonly watcher: RunWatcher
  /** Number of the latest event that the watcher was told. */
  seen: number
}

/** One connection for a page, whatever parts of it watch. It comes back by itself, and goes on where it was. */
export class Live {
  readonly #socket: Socket
  readonly #lists = new Map<ListName, Set<() => void>>()
  readonly #watches = new Set<Watch>()
  readonly #stages = new Map<RunId, Stage>()
  readonly #onState = new Set<() => void>()
  /** Lists that this connection tells of. */
  #told: ReadonlySet<ListName> = new Set()
  #state: LiveState = 'connecting'
  #problem: FederationError | null = null
  #isAsking = false
  /** Something else is to be watched than was last asked for. */
  #isChanged = false
  #again: ReturnType<typeof setTimeout> | null = null

  constructor({ url, socket = {} }: LiveOptions = {}) {
    this.#socket = io(url === undefined ? '/ui' : `${new URL(url).origin}/ui`, {
      ...{ transports: ['websocket'], forceNew: true, autoConnect: false },
      ...{ reconnectionDelay: FIRST_RETRY_MS, reconnectionDelayMax: LAST_RETRY_MS },
      ...socket,
    })
    this.#socket.on('connect', () => this.#askSoon())
    this.#socket.on('disconnect', (reason) => this.#left(reason))
    this.#socket.on('connect_error', (error) => this.#notConnected(error))
    this.#on('ui:events', (message) => this.#tellEvents(message))
    this.#on('ui:stage', (message) => this.#tellStage(message))
    this.#on('ui:changed', ({ list }) => this.#tellList(list))
    this.#socket.connect()
  }

  get state(): LiveState {
    return this.#state
  }
  /** Why it is refused, else null. */
  get problem(): FederationError | null {
    return this.#problem
  }
  /** Calls back whenever the state changes. Returns how to stop that, as all of these do. */
  onState(listener: () => void): () => void {
    this.#onState.add(listener)
    return () => this.#onState.delete(listener)
  }

  /** Calls back whenever the list may be another one than when it was last asked for. */
  onList(list: ListName, listener: () => void): () => void {
    const listeners = this.#lists.get(list) ?? new Set()
    this.#lists.set(list, listeners.add(listener))
    this.#askSoon()
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#lists.delete(list)
      this.#askSoon()
    }
  }

  /** Tells what happens in a run after event `after`, the latest that its view knew. Throws when too many runs are watched. */
  onRun(runId: RunId, after: number, watcher: RunWatcher): () => void {
    const watch: Watch = { runId, watcher, seen: after }
    const runs = new Set([...this.#watches].map((one) => one.runId)).add(runId)
    if (runs.size > MOST_WATCHED_RUNS)
      throw new FederationError('internal/bug', `A page watches ${MOST_WATCHED_RUNS} runs at most`)
    this.#watches.add(watch)
    const stage = this.#stages.get(runId)
    if (stage !== undefined) watcher.onStage?.(stage)
    this.#askSoon()
    return () => {
      this.#drop(watch)
      this.#askSoon()
    }
  }

  /** To be called when the page is looked at again: tries at once. */
  wake(): void {
    if (this.#state === 'refused' || this.#socket.connected) return
    this.#become('connecting')
    this.#socket.connect()
  }
  close(): void {
    if (this.#again !== null) clearTimeout(this.#again)
    this.#socket.disconnect()
  }

  /** Every message is acknowledged, so that the next one comes. */
  #on<Name extends Exclude<UiName, 'ui:watch'>>(
    name: Name,
    tell: (message: UiMessage<Name>) => void,
  ): void {
    // Of a name that is not known yet the library would make a type that fits nothing.
    const event: string = name
    this.#socket.on(event, (value: unknown, acknowledge?: (ack: object) => void) => {
      const message = parseUiMessage(name, value)
      if (!message.ok) {
        // A coordinator of another version: the page that it serves now would know the message.
        this.#refuse(message.error)
        return
      }
      tell(message.value)
      acknowledge?.({ ok: true })
    })
  }

  #tellEvents({ runId, events }: UiMessage<'ui:events'>): void {
    for (const watch of this.#watchesOf(runId)) {
      const news = events.filter(({ seq }) => seq > watch.seen)
      const [first] = news
      if (first === undefined) continue
      if (first.seq === watch.seen + 1) {
        watch.seen = news.at(-1)?.seq ?? watch.seen
        watch.watcher.onEvents(news)
      }
      // Sent before the coordinator knew that this one has seen less than the others.
      else this.#askSoon()
    }
  }
  #tellStage({ runId, ...stage }: UiMessage<'ui:stage'>): void {
    const watches = this.#watchesOf(runId)
    if (watches.length > 0) this.#stages.set(runId, stage)
    for (const { watcher } of watches) watcher.onStage?.(stage)
  }
  #tellList(list: ListName): void {
    for (const listener of this.#lists.get(list) ?? []) listener()
  }
  #watchesOf(runId: RunId): readonly Watch[] {
    return [...this.#watches].filter((watch) => watch.runId === runId)
  }
  #drop(watch: Watch): void {
    this.#watches.delete(watch)
    if (this.#watchesOf(watch.runId).length === 0) this.#stages.delete(watch.runId)
  }

  /** Parts of a page come and go together: what they all watch is said once. */
  #askSoon(): void {
    this.#isChanged = true
    if (this.#isAsking || !this.#socket.connected) return
    this.#isAsking = true
    queueMicrotask(() => void this.#ask())
  }

  async #ask(): Promise<void> {
    try {
      while (this.#isChanged && this.#socket.connected) {
        this.#isChanged = false
        await this.#watch()
      }
    } catch (cause) {
      this.#notHeard(cause)
    } finally {
      this.#isAsking = false
    }
    if (this.#isChanged) this.#askSoon()
  }

  async #watch(): Promise<void> {
    const lists = [...this.#lists.keys()]
    const wanted: UiMessage<'ui:watch'> = { lists, runs: this.#wantedRuns() }
    const reply: unknown = await this.#socket.timeout(ACK_MS).emitWithAck('ui:watch', wanted)
    const ack = parseUiAck('ui:watch', reply)
    if (!ack.ok) throw ack.error
    if (!ack.value.ok) throw new FederationError(ack.value.problem.code, ack.value.problem.message)
    const untold = lists.filter((list) => !this.#told.has(list))
    this.#told = new Set(lists)
    this.#become('live')
    // What changed before the coordinator knew that somebody watches was not told.
    for (const list of untold) this.#tellList(list)
    for (const runId of ack.value.lost) this.#lose(runId)
  }

  /** Each run after the event that all who watch it have seen. */
  #wantedRuns(): UiMessage<'ui:watch'>['runs'] {
    const after = new Map<RunId, number>()
    for (const { runId, seen } of this.#watches)
      after.set(runId, Math.min(seen, after.get(runId) ?? seen))
    return [...after].map(([runId, seen]) => ({ runId, after: seen }))
  }
  #lose(runId: RunId): void {
    for (const watch of this.#watchesOf(runId)) {
      this.#drop(watch)
      watch.watcher.onLost()
    }
  }

  #left(reason: string): void {
    this.#told = new Set()
    if (this.#state !== 'refused')
      this.#become(reason === 'io server disconnect' ? 'replaced' : 'away')
  }
  #notConnected(error: Error & { readonly data?: unknown }): void {
    const refusal = refusalIn(error)
    if (refusal !== null && FINAL.has(refusal.code)) this.#refuse(refusal)
    else {
      this.#become('away')
      // Where the coordinator has answered the library does not try again.
      if (!this.#socket.active) this.#later(() => this.#socket.connect())
    }
  }
  #notHeard(cause: unknown): void {
    const error = asFederationError(cause)
    // Of a connection that was lost meanwhile nothing is to be done: the next one asks again.
    if (!this.#socket.connected) return
    if (cause instanceof FederationError && FINAL.has(error.code)) this.#refuse(error)
    else this.#later(() => this.#askSoon())
  }
  #later(then: () => void): void {
    if (this.#again !== null) clearTimeout(this.#again)
    this.#again = setTimeout(then, AGAIN_MS)
  }

  #refuse(error: FederationError): void {
    this.#problem = error
    this.#become('refused')
    this.#socket.disconnect()
  }
  #become(state: LiveState): void {
    if (state === this.#state) return
    this.#state = state
    for (const listener of this.#onState) listener()
  }
}

/** What the coordinator said at the door; null: it said nothing. */
function refusalIn({ data }: { readonly data?: unknown }): FederationError | null {
  const { problem } = (data ?? {}) as { readonly problem?: { code: string; message: string } }
  return problem !== undefined && isErrorCode(problem.code)
    ? new FederationError(problem.code, problem.message)
    : null
}
