import type { DataCard } from '#protocol/data-card.js'
import type { NodeId } from '#protocol/ids.js'
import type { Ack, Message } from '#protocol/messages.js'
import type { Policy } from '#protocol/policy.js'

/** What the coordinator says to nodes. */
export type Announcement = 'round:start' | 'round:fate' | 'run:finished'

/** The way to one connected node. */
export interface NodeLink {
  /** Resolves with the acknowledgement; rejects when the connection ends before or the node stays silent. */
  send<Name extends Announcement>(name: Name, message: Message<Name>): Promise<Ack<Name>>
  /** Ends the connection, and tells the node not to come back by itself. */
  close(): void
}
export interface Session {
  readonly nodeId: NodeId
  readonly name: string
  readonly card: DataCard
  readonly policy: Policy
  readonly link: NodeLink
}

/** The nodes that are connected now: at most one session each. */
export class Registry {
  readonly #sessions = new Map<NodeId, Session>()
  readonly #seen = new Set<NodeId>()
  readonly #waiting = new Set<() => void>()

  /** A second session of a node ends the first: two would both do its tasks. */
  join(session: Session): void {
    const earlier = this.#sessions.get(session.nodeId)
    this.#sessions.set(session.nodeId, session)
    this.#seen.add(session.nodeId)
    earlier?.link.close()
    this.#announce()
  }
  /** False when the session had been replaced already. */
  leave(session: Session): boolean {
    if (this.#sessions.get(session.nodeId) !== session) return false
    this.#sessions.delete(session.nodeId)
    this.#announce()
    return true
  }
  get(nodeId: NodeId): Session | null {
    return this.#sessions.get(nodeId) ?? null
  }
  /** By name, then by id: the order in which newcomers get their slots. */
  online(): readonly Session[] {
    const key = ({ name, nodeId }: Session): string => `${name}\n${nodeId}`
    return [...this.#sessions.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  }
  /** Whether it has been connected since this coordinator started. */
  hasSeen(nodeId: NodeId): boolean {
    return this.#seen.has(nodeId)
  }
  /** Resolves at the next join or leave, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done)
    })
  }
  #announce(): void {
    for (const done of [...this.#waiting]) done()
  }
}
