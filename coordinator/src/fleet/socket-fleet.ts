import type { Problem } from '#protocol/errors.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import type { Hash, NodeId, RunId, Slot } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import type { Fate, RosterEntry } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import { DEADLINE, deadlineSignal, type Clock } from '#coordinator/clock.js'
import { elapsedIn } from '#coordinator/round-clock.js'
import type { BlobStore, Store } from '#coordinator/store/store.js'
import type { Vault } from '#coordinator/vault/vault.js'
import { CoolDowns, type CoolDown } from './cool-down.js'
import { Fitness, refusalsAmong, type Unfit } from './fitness.js'
import type { Contribution, ExchangeOptions, Fleet, Opening } from './fleet.js'
import { NodeFacts, type KnownNode } from './node-facts.js'
import { NodeTasks } from './node-tasks.js'
import type { UplinkLimits } from '#coordinator/limits.js'
import { OpenRound, type Assignee, type Assignment } from './open-round.js'
import { Reception } from './reception.js'
import { Registry, type Session } from './registry.js'
import { waitingText } from './waiting-text.js'

export interface SocketFleetOptions {
  readonly store: Store
  /** Where updates and personal bundles lie encrypted. */
  readonly vault?: Vault
  readonly clock: Clock
  /** Default: none. */
  readonly limits?: UplinkLimits
  /** Where methods are looked up. Default: everything there is. */
  readonly catalogue?: Catalogue
  /** What the privacy audit of a run says: nodes are told with their tasks, and may want one. Default: no run has any. */
  readonly audits?: (runId: RunId) => Promise<OpenRound['audit']>
  /** Told what people should see among the run's events: a member that cannot take part, a task that failed. */
  readonly note?: (runId: RunId, type: string, data: JsonObject) => void
}

/** An update that is refused with one of these was none the worse for it. */
const NOBODY_TO_BLAME: ReadonlySet<Problem['code']> = new Set(['round/closed', 'update/conflict'])
/** A blob that a node may read. */
export interface Reading {
  readonly blobs: Pick<BlobStore, 'get' | 'size' | 'path'>
  readonly count: (bytes: number) => void
}

const [READ_TRIES, READ_AGAIN_MS] = [4, 250]

/** Nodes at the other end of sockets, as the members of runs. Knows sessions, not sockets: `transport/` brings those. */
export class SocketFleet implements Fleet {
  readonly registry = new Registry()
  readonly reception: Reception
  readonly #store: Store
  readonly #vault: Vault | undefined
  readonly #clock: Clock
  readonly #note: (runId: RunId, type: string, data: JsonObject) => void
  readonly #tasks: NodeTasks
  readonly #coolDowns: CoolDowns
  readonly #facts: NodeFacts
  /** The latest exchange of each run. */
  readonly #rounds = new Map<RunId, OpenRound>()
  /** Nodes that people were told about, by run: once is enough. */
  readonly #unfit = new Set<string>()
  readonly #fitness = new WeakMap<RunConfig, Fitness>()
  readonly #catalogue: Catalogue | undefined
  readonly #audits: NonNullable<SocketFleetOptions['audits']>

  constructor(options: SocketFleetOptions) {
    const { store, vault, clock, limits, catalogue, note = () => undefined } = options
    this.#catalogue = catalogue
    this.#audits = options.audits ?? (() => Promise.resolve(null))
    this.#store = store
    this.#vault = vault
    this.#clock = clock
    this.#note = note
    this.#coolDowns = new CoolDowns(clock)
    this.#facts = new NodeFacts(clock)
    this.#tasks = new NodeTasks({
      registry: this.registry,
      clock,
      fitnessFor: ({ config, audit }) => this.#fitnessFor(config).with(audit),
      onMissing: (assignment, problem) => this.#missed(assignment, problem),
      onWaiting: (round, slots) =>
        note(round.runId, 'round:waiting-for', { ...placeOf(round), slots }),
    })
    const tasks = this.#tasks
    this.reception = new Reception({
      ...{ store, clock, tasks },
      onProgress: (assignment, { done }) => this.#facts.progressed(assignment, done),
      ...(limits && { limits }),
      ...(vault && { vault }),
    })
  }

  join(session: Session): void {
    this.registry.join(session)
    this.#facts.seen(session)
    this.#tasks.arrived(session)
  }
  leave(session: Session): void {
    this.#facts.seen(session)
    if (!this.registry.leave(session)) return
    this.#tasks.left(session)
  }
  /** Ends a node's session for good, as after a revocation: nothing is waited for. */
  expel(nodeId: NodeId): void {
    const session = this.registry.get(nodeId)
    session?.link.close()
    if (session !== null) this.registry.leave(session)
    this.#tasks.expel(nodeId)
  }
  /** What a node is doing now: for people. */
  taskOf(nodeId: NodeId): HttpAnswer<'GET /api/nodes'>['nodes'][number]['task'] {
    const [assignment] = this.#tasks.of(nodeId)
    if (assignment?.standing !== 'working') return null
    const { runId, round } = assignment.round.opening
    return { runId, round, slot: assignment.member.slot, progress: assignment.progress }
  }
  /** What is known of the node since this coordinator started; null: it has not been there. */
  factsOf(nodeId: NodeId): KnownNode | null {
    return this.#facts.of(nodeId)
  }
  /** The runs in which the node is not asked for a while. */
  coolDownsOf(nodeId: NodeId): readonly CoolDown[] {
    return this.#coolDowns.list().filter((one) => one.nodeId === nodeId)
  }
  /**
   * Whether the node may read the blob for a task of its own: then where it lies, and how to count what it is sent, else
   * null. A node that was reading while the coordinator restarted waits until its round has been taken up.
   */
  async readBlob(nodeId: NodeId, hash: Hash): Promise<Reading | null> {
    for (let tries = 0; tries < READ_TRIES; tries += 1) {
      const assignment = this.#tasks.reading(nodeId, hash)
      if (assignment !== null) return this.#readingOf(assignment, hash)
      await new Promise<void>((resolve) => this.#clock.after(READ_AGAIN_MS, resolve))
    }
    return null
  }

  /** What is for one member alone lies encrypted. */
  async #readingOf(assignment: Assignment, hash: Hash): Promise<Reading | null> {
    const { personal } = assignment.member
    const compartment = personal?.hash === hash ? personal.compartment : undefined
    const blobs =
      compartment === undefined ? this.#store.blobs : await this.#vault?.blobs(compartment)
    const count = (bytes: number): void => void (assignment.bytesDown += bytes)
    return blobs === undefined || blobs === null ? null : { blobs, count }
  }

  /** How many nodes that are connected now could be members of such a run. */
  candidates(config: RunConfig): number {
    return [...this.#sortOut([], this.#fitnessFor(config)).values()].filter(
      (unfit) => unfit === null,
    ).length
  }
  async available(runId: RunId, config: RunConfig): Promise<readonly Slot[]> {
    const roster = await this.#store.roster(runId)
    const slots: Slot[] = []
    const fitness = await this.#fitnessOf(runId, config)
    for (const [session, unfit] of this.#sortOut(roster, fitness)) {
      const known = entryOf(roster, session)
      if (unfit !== null) this.#tellUnfit(runId, session, unfit)
      else if (this.#coolDowns.of(runId, session.nodeId) === null)
        slots.push((known ?? (await this.#enlist(runId, session, config))).slot)
    }
    return slots.sort((a, b) => a - b)
  }
  async refusals(runId: RunId, config: RunConfig): Promise<readonly string[]> {
    const fitness = await this.#fitnessOf(runId, config)
    const refused = refusalsAmong(this.#sortOut(await this.#store.roster(runId), fitness))
    const cooling = this.#coolDowns.list().filter((one) => one.runId === runId)
    return [...refused, ...cooling.map((one) => this.#coolDownText(one))]
  }
  /** Without who was revoked, and who is there with other data than it was enlisted with. */
  async members(runId: RunId, config: RunConfig): Promise<readonly Slot[]> {
    const present = new Set(await this.available(runId, config))
    const isMember = ({ slot, nodeId }: Known): boolean =>
      present.has(slot) || this.registry.get(nodeId) === null
    return (await this.#nodesOf(runId)).filter(isMember).map(({ slot }) => slot)
  }
  /** The end of a cool-down is a change, too. */
  async changed(signal: AbortSignal): Promise<void> {
    const { nextEndMs } = this.#coolDowns
    if (nextEndMs === null) return this.registry.changed(signal)
    const until = deadlineSignal(this.#clock, nextEndMs, signal)
    await this.registry.changed(until.signal)
    until.cancel()
  }
  waitingFor(runId: RunId): string | null {
    const round = this.#rounds.get(runId)
    return round === undefined ? null : waitingText(round, this.#tasks, this.#clock.now())
  }
  missing(runId: RunId): readonly string[] {
    const { assignments = [] } = this.#rounds.get(runId) ?? {}
    return assignments.flatMap(({ name, excuse }) =>
      excuse === null ? [] : [`${name}: ${excuse}`],
    )
  }

  async *exchange(
    opening: Opening,
    config: RunConfig,
    { done, signal }: ExchangeOptions,
  ): AsyncIterable<Contribution> {
    const assignees = await this.#assigneesOf(opening, done)
    const openedAt = this.#clock.now() - elapsedIn(opening)
    const audit = await this.#audits(opening.runId)
    const round = new OpenRound(opening, config, { openedAt, assignees, audit })
    this.#rounds.set(round.runId, round)
    const end = (): void => round.arrivals.end()
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    else this.#tasks.open(round)
    try {
      for await (const contribution of round.arrivals) yield this.#counted(round, contribution)
    } finally {
      signal.removeEventListener('abort', end)
      this.#tasks.close(round, signal.reason === DEADLINE)
    }
  }
  /** What became of a contribution shows whether its sender is well. */
  #counted(round: OpenRound, contribution: Contribution): Contribution {
    const answer = (outcomes: ReadonlyMap<Slot, 'accepted' | Problem>): Promise<void> => {
      for (const assignment of round.assignments) {
        const outcome = outcomes.get(assignment.member.slot)
        if (outcome === 'accepted') this.#coolDowns.succeeded(round.runId, assignment.nodeId)
        else if (outcome !== undefined) this.#refused(assignment, outcome)
      }
      return contribution.answer(outcomes)
    }
    return { ...contribution, answer }
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
    this.#coolDowns.forget(runId)
    this.#rounds.delete(runId)
    for (const { nodeId } of await this.#store.roster(runId)) {
      const session = nodeId === null ? null : this.registry.get(nodeId)
      session?.link.send('run:finished', { runId }).catch(() => undefined)
    }
  }

  /** Everyone who is there, in the order in which newcomers get their slots. */
  #sortOut(roster: readonly RosterEntry[], fitness: Fitness): ReadonlyMap<Session, Unfit | null> {
    return fitness.sortOut(this.registry.online(), (session) => entryOf(roster, session))
  }
  async #fitnessOf(runId: RunId, config: RunConfig): Promise<Fitness> {
    return this.#fitnessFor(config).with(await this.#audits(runId))
  }
  /** What a run reveals takes a while to find out, and does not change. */
  #fitnessFor(config: RunConfig): Fitness {
    const known = this.#fitness.get(config)
    if (known !== undefined) return known
    const fitness = Fitness.of(config, this.#catalogue)
    this.#fitness.set(config, fitness)
    return fitness
  }

  /** The roster, in slot order, without nodes that were revoked. */
  async #nodesOf(runId: RunId): Promise<readonly Known[]> {
    const nodes = await this.#store.nodes()
    const revoked = new Set(
      nodes.filter((node) => node.revokedAt !== null).map((node) => node.nodeId),
    )
    const roster = await this.#store.roster(runId)
    return roster.filter((entry): entry is Known => isNode(entry) && !revoked.has(entry.nodeId))
  }
  async #assigneesOf(opening: Opening, done: ReadonlySet<Slot>): Promise<readonly Assignee[]> {
    const known = await this.#nodesOf(opening.runId)
    return opening.cohort.flatMap((member) => {
      const node = known.find(({ slot }) => slot === member.slot)
      if (node === undefined || done.has(member.slot)) return []
      const { nodeId, name, card } = node
      return [{ member, nodeId, name, card }]
    })
  }

  /** The engine is known with the first update. */
  #enlist(runId: RunId, { nodeId, name, card }: Session, config: RunConfig): Promise<RosterEntry> {
    const { backend, threads } = config.compute
    const engine = { backend, version: 'unknown', threads }
    return this.#store.enlist(runId, { nodeId, name, card, engine })
  }

  #missed(assignment: Assignment, problem: Problem): void {
    const { round, member } = assignment
    const { code, message } = problem
    const { slot } = member
    this.#note(round.runId, 'task:failed', { ...placeOf(round), slot, code, message })
    // Who is late because it was away, or had another run's task first, has not failed.
    const isToBlame = code !== 'round/closed' || this.#tasks.obstacle(assignment) === null
    if (isToBlame) this.#failed(assignment, problem)
  }
  #refused(assignment: Assignment, problem: Problem): void {
    assignment.excuse = problem.message
    if (!NOBODY_TO_BLAME.has(problem.code)) this.#failed(assignment, problem)
  }
  #failed(assignment: Assignment, problem: Problem): void {
    const { round, nodeId, name } = assignment
    const { runId } = round
    this.#facts.failed(assignment, problem)
    const coolDown = this.#coolDowns.failed(runId, nodeId, problem.message)
    if (coolDown === null) return
    const { failures, seconds, reason } = coolDown
    this.#note(runId, 'member:cooling-down', { nodeId, name, failures, seconds, reason })
  }
  #coolDownText({ nodeId, failures, reason }: CoolDown): string {
    const name = this.registry.get(nodeId)?.name ?? nodeId
    return `${name} is not asked for a while, as it failed ${failures} times in a row: ${reason}`
  }
  #tellUnfit(runId: RunId, { nodeId, name }: Session, { problem }: Unfit): void {
    const { code, message } = problem
    const key = `${runId} ${nodeId} ${message}`
    if (this.#unfit.has(key)) return
    this.#unfit.add(key)
    this.#note(runId, 'member:refused', { nodeId, name, code, message })
  }
}

const entryOf = (
  roster: readonly RosterEntry[],
  session: Pick<Session, 'nodeId'>,
): RosterEntry | undefined => roster.find(({ nodeId }) => nodeId === session.nodeId)

type Known = RosterEntry & { readonly nodeId: NodeId }
const isNode = (entry: RosterEntry): entry is Known => entry.nodeId !== null

const placeOf = ({ opening }: OpenRound): { readonly round: number; readonly attempt: number } => ({
  round: opening.round,
  attempt: opening.attempt,
})
