import { LISTS, type ListName } from '#protocol/ui-messages.js'
import type { RunId } from '#protocol/ids.js'
import type { Clock } from '#coordinator/clock.js'
import type { Head, Store } from '#coordinator/store/store.js'
import { withOwn } from '#coordinator/store/with-own.js'

/** A list is told to have changed no more often: whoever hears it asks for the list. */
const EVERY_MS = 1_000
/** What changes the line of a run: not what single members do. */
const ABOUT_RUNS = /^(run|audit):|^round:(opened|closed|abandoned)$/

type Listener = () => void
interface Waiting {
  /** Something changed since the list was told last. */
  isChanged: boolean
}

/** What has just changed, for whoever shows it. Nobody who brings news waits for those who hear it. */
export class News {
  readonly #clock: Clock
  readonly #ofRuns = new Map<RunId, Set<Listener>>()
  readonly #ofLists = new Map<ListName, Set<Listener>>(LISTS.map((list) => [list, new Set()]))
  readonly #waiting = new Map<ListName, Waiting>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls back whenever the head of the run may have moved. Returns how to stop that. */
  onHead(runId: RunId, listener: Listener): () => void {
    const listeners = this.#ofRuns.get(runId) ?? new Set()
    this.#ofRuns.set(runId, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#ofRuns.get(runId) === listeners) this.#ofRuns.delete(runId)
    }
  }
  onList(list: ListName, listener: Listener): () => void {
    const listeners = this.#ofLists.get(list)
    listeners?.add(listener)
    return () => listeners?.delete(listener)
  }
  /** How many listen: what was let go of must not lie about. */
  get listeners(): number {
    return [...this.#ofRuns.values(), ...this.#ofLists.values()].reduce(
      (sum, { size }) => sum + size,
      0,
    )
  }

  headMoved(runId: RunId): void {
    for (const listener of this.#ofRuns.get(runId) ?? []) listener()
  }
  /** Told at once, and then once a second for as long as it goes on changing. */
  changed(list: ListName): void {
    const waiting = this.#waiting.get(list)
    if (waiting !== undefined) waiting.isChanged = true
    else if (this.#ofLists.get(list)?.size !== 0) this.#tell(list)
  }

  #tell(list: ListName): void {
    const waiting = { isChanged: false }
    this.#waiting.set(list, waiting)
    this.#clock.after(EVERY_MS, () => {
      this.#waiting.delete(list)
      if (waiting.isChanged) this.changed(list)
    })
    for (const listener of this.#ofLists.get(list) ?? []) listener()
  }
}

/** The same store, which brings news of what it was told. */
export function tellingStore(store: Store, news: News): Store {
  const headMoved = (runId: RunId, from: Head | null, to: Head): void => {
    news.headMoved(runId)
    if (from?.state !== to.state || from.gateHash !== to.gateHash) news.changed('runs')
  }
  return withOwn(store, {
    createRun: async (run, head) => {
      await store.createRun(run, head)
      headMoved(run.runId, null, head)
    },
    advance: async (runId, from, to) => {
      const isMoved = await store.advance(runId, from, to)
      if (isMoved) headMoved(runId, from, to)
      return isMoved
    },
    appendEvent: async (runId, type, data) => {
      const event = await store.appendEvent(runId, type, data)
      news.changed('nodes')
      if (ABOUT_RUNS.test(type)) news.changed('runs')
      return event
    },
    addNode: async (node) => {
      await store.addNode(node)
      news.changed('nodes')
    },
    revokeNode: async (nodeId, at) => {
      const isRevoked = await store.revokeNode(nodeId, at)
      if (isRevoked) news.changed('nodes')
      return isRevoked
    },
  })
}
