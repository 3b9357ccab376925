import type { Problem } from '#protocol/errors.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import type { Hash, NodeId, RunId, Slot } from '#protocol/ids.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import type { Fate, RosterEntry } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import { matchCard } from '#data/data-card.js'
import type { Clock } from '#coordinator/clock.js'
import type { Store } from '#coordinator/store/store.js'
import type { CohortMember, Contribution, ExchangeOptions, Fleet, Opening } from './fleet.js'
import { NodeTasks } from './node-tasks.js'
import { OpenRound } from './open-round.js'
import { Reception } from './reception.js'
import { Registry, type Session } from './registry.js'

export interface SocketFleetOptions {
  readonly store: Store
  readonly clock: Clock
  /** Told what people should see among the run's events: a member that cannot take part, a task that failed. */
  readonly note?: (runId: RunId, type: string, data: JsonObject) => void
}

const [READ_TRIES, READ_AGAIN_MS] = [4, 250]

/** Nodes at the other end of sockets, as the members of runs. Knows sessions, not sockets: `transport/` brings those. */
export class SocketFleet implements Fleet {
  readonly registry = new Registry()
  readonly reception: Reception
  readonly #store: Store
  readonly #clock: Clock
  readonly #note: (runId: RunId, type: string, data: JsonObject) => void
  readonly #tasks: NodeTasks
  /** Nodes that people were told about, by run: once is enough. */
  readonly #unfit = new Set<string>()

  constructor({ store, clock, note = () => undefined }: SocketFleetOptions) {
    this.#store = store
    this.#clock = clock
    this.#note = note
    this.#tasks = new NodeTasks({
      registry: this.registry,
      clock,
      onMissing: ({ round, member }, problem) => {
        const { round: number, attempt } = round.opening
        const place = { round: number, attempt, slot: member.slot }
        note(round.runId, 'task:failed', { ...place, code: problem.code, message: problem.message })
      },
    })
    this.reception = new Reception({ store, clock, tasks: this.#tasks })
  }

  join(session: Session): void {
    this.registry.join(session)
    this.#tasks.arrived(session)
  }
  leave(session: Session): void {
    if (!this.registry.leave(session)) return
    this.#tasks.left(session)
  }
  /** Ends a node's session for good, as after a revocation. */
  expel(nodeId: NodeId): void {
    this.registry.get(nodeId)?.link.close()
  }
  /** What a node is doing now: for people. */
  taskOf(nodeId: NodeId): HttpAnswer<'GET /api/nodes'>['nodes'][number]['task'] {
    const [assignment] = this.#tasks.of(nodeId)
    if (assignment?.standing !== 'working') return null
    const { runId, round } = assignment.round.opening
    return { runId, round, slot: assignment.member.slot, progress: assignment.progress }
  }
  /**
   * Whether the node may read the blob for a task of its own: then how to count what it is sent, else null. A node that
   * was reading while the coordinator restarted waits until its round has been taken up.
   */
  async readBlob(nodeId: NodeId, hash: Hash): Promise<((bytes: number) => void) | null> {
    for (let tries = 0; tries < READ_TRIES; tries += 1) {
      const assignment = this.#tasks.reading(nodeId, hash)
      if (assignment !== null) return (bytes) => void (assignment.bytesDown += bytes)
      await new Promise<void>((resolve) => this.#clock.after(READ_AGAIN_MS, resolve))
    }
    return null
  }

  async available(runId: RunId, config: RunConfig): Promise<readonly Slot[]> {
    const roster = await this.#store.roster(runId)
    const slots: Slot[] = []
    for (const session of this.registry.online()) {
      const known = roster.find(({ nodeId }) => nodeId === session.nodeId)
      const reason = unfitReason(session, config, known)
      if (reason !== null) this.#tellUnfit(runId, session, reason)
      else slots.push((known ?? (await this.#enlist(runId, session, config))).slot)
    }
    return slots.sort((a, b) => a - b)
  }
  changed(signal: AbortSignal): Promise<void> {
    return this.registry.changed(signal)
  }

  async *exchange(
    opening: Opening,
    config: RunConfig,
    { done, signal }: ExchangeOptions,
  ): AsyncIterable<Contribution> {
    const nodeOf = await this.#nodesOf(opening, done)
    const round = new OpenRound(opening, config, { openedAt: this.#clock.now(), nodeOf })
    const end = (): void => round.arrivals.end()
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    else this.#tasks.open(round)
    try {
      yield* round.arrivals
    } finally {
      signal.removeEventListener('abort', end)
      this.#tasks.close(round)
    }
  }

  async settle(opening: Opening, fates: ReadonlyMap<Slot, Fate>): Promise<void> {
    const { runId, round, attempt } = opening
    for (const { slot, nodeId } of await this.#store.roster(runId)) {
      const fate = fates.get(slot)
      const session = nodeId === null ? null : this.registry.get(nodeId)
      if (fate === undefined || session === null) continue
      // Not waited for: who does not hear it asks.
      session.link.send('round:fate', { runId, round, attempt, slot, fate }).catch(() => undefined)
    }
  }
  /** Tells the members that the run is over, so that they can let go of what they keep for it. */
  async announceEnd(runId: RunId): Promise<void> {
    for (const { nodeId } of await this.#store.roster(runId)) {
      const session = nodeId === null ? null : this.registry.get(nodeId)
      session?.link.send('run:finished', { runId }).catch(() => undefined)
    }
  }

  async #nodesOf(
    opening: Opening,
    done: ReadonlySet<Slot>,
  ): Promise<ReadonlyMap<CohortMember, NodeId>> {
    const roster = await this.#store.roster(opening.runId)
    const nodes = new Map<CohortMember, NodeId>()
    for (const member of opening.cohort) {
      const nodeId = roster.find(({ slot }) => slot === member.slot)?.nodeId ?? null
      if (nodeId !== null && !done.has(member.slot)) nodes.set(member, nodeId)
    }
    return nodes
  }

  /** The engine is known with the first update. */
  #enlist(runId: RunId, { nodeId, name, card }: Session, config: RunConfig): Promise<RosterEntry> {
    const { backend, threads } = config.compute
    const engine = { backend, version: 'unknown', threads }
    return this.#store.enlist(runId, { nodeId, name, card, engine })
  }

  #tellUnfit(runId: RunId, { nodeId, name }: Session, message: string): void {
    const key = `${runId} ${nodeId} ${message}`
    if (this.#unfit.has(key)) return
    this.#unfit.add(key)
    const code: Problem['code'] = 'data/mismatch'
    this.#note(runId, 'member:refused', { nodeId, name, code, message })
  }
}

/** Why a node cannot be a member of a run; null when it can. */
function unfitReason(
  { card }: Session,
  config: RunConfig,
  known: RosterEntry | undefined,
): string | null {
  const mismatch = matchCard(card, config.task)
  if (mismatch !== null) return mismatch
  // The record says what each slot trained on; other data under the same slot would make it untrue.
  if (known !== undefined && canonicalJson(known.card) !== canonicalJson(card))
    return 'The node joined the run with other data than it has now'
  return null
}
