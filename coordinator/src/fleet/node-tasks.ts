import type { Problem } from '#protocol/errors.js'
import type { Hash, NodeId, Slot } from '#protocol/ids.js'
import type { Clock } from '#coordinator/clock.js'
import type { Fitness } from './fitness.js'
import { mixedWith } from './fleet.js'
import type { Assignment, OpenRound } from './open-round.js'
import type { Registry, Session } from './registry.js'

/** Nodes come back after a restart of the coordinator within their longest back-off. */
const REJOIN_MS = 20_000

export interface NodeTasksOptions {
  readonly registry: Registry
  readonly clock: Clock
  readonly fitnessFor: (round: OpenRound) => Fitness
  /** Told why a member will not contribute. */
  readonly onMissing: (assignment: Assignment, problem: Problem) => void
  /** Told that a round waits for nobody but members that are away. */
  readonly onWaiting: (round: OpenRound, slots: readonly Slot[]) => void
}

/** What each node has to do: the tasks of all its runs in a queue, one offered at a time. */
export class NodeTasks {
  readonly #queues = new Map<NodeId, readonly Assignment[]>()
  /** For whom people were told that a round waits. */
  readonly #told = new WeakMap<OpenRound, string>()
  readonly #options: NodeTasksOptions

  constructor(options: NodeTasksOptions) {
    this.#options = options
  }

  of(nodeId: NodeId): readonly Assignment[] {
    return this.#queues.get(nodeId) ?? []
  }
  /** The assignment by which a node may read a blob. */
  reading(nodeId: NodeId, hash: Hash): Assignment | null {
    const grants = ({ round, ...rest }: Assignment): boolean =>
      round.blobsOf({ round, ...rest }).some((blob) => blob.hash === hash)
    return this.of(nodeId).find(grants) ?? null
  }

  open(round: OpenRound): void {
    for (const assignment of round.assignments) {
      const { nodeId } = assignment
      this.#queues.set(nodeId, [...this.of(nodeId), assignment])
      if (this.#options.registry.get(nodeId) === null) this.#startGrace(assignment)
      else this.#offer(nodeId)
    }
    this.#tellWaiting(round)
  }
  /** `atDeadline`: the time was over, so whoever was working on it was too slow. */
  close(round: OpenRound, atDeadline: boolean): void {
    if (atDeadline)
      for (const assignment of round.assignments)
        if (assignment.standing === 'working') this.#miss(assignment, this.#lateness(assignment))
    round.close()
    for (const assignment of round.assignments) this.#dequeue(assignment)
  }

  arrived(session: Session): void {
    for (const assignment of this.of(session.nodeId)) {
      assignment.grace?.cancel()
      assignment.grace = null
      if (assignment.standing === 'lost') assignment.standing = 'working'
    }
    this.#offer(session.nodeId)
  }
  left(session: Session): void {
    for (const assignment of this.of(session.nodeId)) {
      this.#startGrace(assignment)
      this.#tellWaiting(assignment.round)
    }
  }
  /** The node will not come back. What has arrived of it is judged all the same. */
  expel(nodeId: NodeId): void {
    for (const assignment of this.of(nodeId)) {
      if (assignment.standing === 'arrived') continue
      this.fail(assignment, { code: 'task/failed', message: 'The node was revoked' })
    }
  }

  /** The member has contributed and been answered. */
  over(assignment: Assignment): void {
    assignment.standing = 'over'
    this.#dequeue(assignment)
    assignment.round.endWhenComplete()
    this.#tellWaiting(assignment.round)
  }
  fail(assignment: Assignment, problem: Problem): void {
    if (assignment.standing === 'over') return
    this.#miss(assignment, problem)
    this.over(assignment)
  }
  /** What keeps a member from working on its task now, in words; null: nothing does. */
  obstacle(assignment: Assignment): string | null {
    const { nodeId, round } = assignment
    if (this.#options.registry.get(nodeId) === null) return 'is away'
    const [current] = this.of(nodeId)
    if (current === undefined || current === assignment) return null
    return `is busy with ${current.round.runId === round.runId ? 'an earlier task' : current.round.runId}`
  }

  #miss(assignment: Assignment, problem: Problem): void {
    assignment.excuse = problem.message
    this.#options.onMissing(assignment, problem)
  }
  #lateness(assignment: Assignment): Problem {
    const { progress } = assignment
    const obstacle = this.obstacle(assignment)
    const share = progress === null ? '' : `, ${progress.done} of ${progress.total} steps done`
    const standing =
      obstacle === null ? `still worked on it${share}` : obstacle.replace('is', 'was')
    return { code: 'round/closed', message: `At the deadline the node ${standing}` }
  }

  #startGrace(assignment: Assignment): void {
    const { nodeId, round } = assignment
    if (assignment.standing !== 'working' || round.isPatient) return
    const { registry, clock } = this.#options
    const graceMs = round.opening.graceSeconds * 1000
    const waitMs = registry.hasSeen(nodeId) ? graceMs : Math.max(graceMs, REJOIN_MS)
    assignment.grace?.cancel()
    assignment.grace = clock.after(waitMs, () => {
      if (assignment.standing !== 'working') return
      assignment.standing = 'lost'
      const message = `The node was away for more than ${waitMs / 1000} s`
      this.#miss(assignment, { code: 'task/failed', message })
      round.endWhenComplete()
    })
  }

  #tellWaiting(round: OpenRound): void {
    const missing = round.assignments.filter(({ standing }) => standing === 'working')
    const isAway = ({ nodeId }: Assignment): boolean => this.#options.registry.get(nodeId) === null
    if (!round.isPatient || missing.length === 0 || !missing.every(isAway)) return
    const slots = missing.map(({ member }) => member.slot)
    if (this.#told.get(round) === slots.join()) return
    this.#told.set(round, slots.join())
    this.#options.onWaiting(round, slots)
  }

  /** Tells the node of the first task in its queue, unless this session knows of it. */
  #offer(nodeId: NodeId): void {
    const { registry, clock, fitnessFor } = this.#options
    const [session, assignment] = [registry.get(nodeId), this.of(nodeId)[0]]
    if (session === null || assignment === undefined) return
    if (assignment.offeredTo === session || assignment.standing !== 'working') return
    const { round } = assignment
    const unfit = fitnessFor(round).unfit(session, mixedWith(round.opening), assignment)
    if (unfit !== null) {
      this.fail(assignment, unfit.problem)
      return
    }
    assignment.offeredTo = session
    session.link
      .send('round:start', assignment.round.taskFor(assignment, clock.now()))
      .then((ack) => {
        if (!ack.ok) this.fail(assignment, ack.problem)
      })
      // The connection ended: the node hears of the task again when it is back.
      .catch(() => undefined)
  }

  #dequeue(assignment: Assignment): void {
    const left = this.of(assignment.nodeId).filter((other) => other !== assignment)
    if (left.length === 0) this.#queues.delete(assignment.nodeId)
    else this.#queues.set(assignment.nodeId, left)
    assignment.grace?.cancel()
    this.#offer(assignment.nodeId)
  }
}
