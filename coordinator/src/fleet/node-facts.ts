import type { DataCard } from '#protocol/data-card.js'
import type { Problem } from '#protocol/errors.js'
import type { NodeId, RunId } from '#protocol/ids.js'
import type { Policy } from '#protocol/policy.js'
import type { Clock } from '#coordinator/clock.js'
import { hidesMembers } from '#coordinator/views/privacy.js'
import type { Assignment } from './open-round.js'
import type { Session } from './registry.js'

export interface NodeFailure {
  readonly runId: RunId
  readonly round: number
  readonly at: string
  readonly problem: Problem
}
/** What is known of a node since this coordinator started: for people. */
export interface KnownNode {
  readonly card: DataCard
  readonly policy: Policy
  readonly lastSeenAt: string
  /** Null: it has told of no progress yet. */
  readonly examplesPerSecond: number | null
  readonly failures: { readonly count: number; readonly latest: readonly NodeFailure[] }
}

const MOST_FAILURES = 5
/** Less time says nothing of how fast a node is. */
const LEAST_MS = 200
const NO_FAILURES: KnownNode['failures'] = { count: 0, latest: [] }

/** Remembers what nodes tell by the way. Of runs that hide their members nothing: it would tell who takes part. */
export class NodeFacts {
  readonly #clock: Clock
  readonly #nodes = new Map<NodeId, KnownNode>()
  /** From where on the speed of a task is measured. */
  readonly #begun = new WeakMap<Assignment, { readonly done: number; readonly at: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(nodeId: NodeId): KnownNode | null {
    return this.#nodes.get(nodeId) ?? null
  }

  /** It is there now. */
  seen({ nodeId, card, policy }: Pick<Session, 'nodeId' | 'card' | 'policy'>): void {
    const { examplesPerSecond = null, failures = NO_FAILURES } = this.#nodes.get(nodeId) ?? {}
    const lastSeenAt = this.#clock.timestamp()
    this.#nodes.set(nodeId, { card, policy, lastSeenAt, examplesPerSecond, failures })
  }

  /** So many training steps of the task are done. */
  progressed(assignment: Assignment, done: number): void {
    const { round, nodeId } = assignment
    const known = this.#nodes.get(nodeId)
    if (known === undefined || hidesMembers(round.config)) return
    const at = this.#clock.now()
    const begun = this.#begun.get(assignment)
    if (begun === undefined || done < begun.done) this.#begun.set(assignment, { done, at })
    else if (at - begun.at >= LEAST_MS) {
      const examples = (done - begun.done) * round.config.training.batchSize
      const examplesPerSecond = (1000 * examples) / (at - begun.at)
      this.#nodes.set(nodeId, { ...known, examplesPerSecond })
    }
  }

  failed({ round, nodeId }: Assignment, problem: Problem): void {
    const known = this.#nodes.get(nodeId)
    if (known === undefined || hidesMembers(round.config)) return
    const { count, latest } = known.failures
    const at = this.#clock.timestamp()
    const failure = { runId: round.runId, round: round.opening.round, at, problem }
    const failures = { count: count + 1, latest: [failure, ...latest].slice(0, MOST_FAILURES) }
    this.#nodes.set(nodeId, { ...known, failures })
  }
}
