import { FederationError } from '#protocol/errors.js'
import { decodeFrame } from '#protocol/frame.js'
import type { Hash, NodeId } from '#protocol/ids.js'
import {
  CHUNK_BYTES,
  updateIdOf,
  type Ack,
  type AckName,
  type Message,
} from '#protocol/messages.js'
import type { Engine } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import type { Clock } from '#coordinator/clock.js'
import { fateOf } from '#coordinator/fates.js'
import { updateBytes, type UplinkLimits } from '#coordinator/limits.js'
import type { BlobStore, Store } from '#coordinator/store/store.js'
import { hidesMembers } from '#coordinator/views/privacy.js'
import type { Vault } from '#coordinator/vault/vault.js'
import type { NodeTasks } from './node-tasks.js'
import type { Arrival, Assignment, Verdict } from './open-round.js'
import type { Session } from './registry.js'
import { Upload } from './upload.js'

/** Room for a bundle's header beside the payload that the uplink declares. */
const HEADER_BYTES = 1_048_576
/** How often, and how long, a round that is being taken up is waited for after a restart. */
const TAKE_UP = { tries: 20, everyMs: 250 }

type Begin = Message<'update:begin'>
type Place = Message<'fate:ask'>
type Answer<Name extends AckName> = Extract<Ack<Name>, { ok: true }>

export interface ReceptionOptions {
  readonly store: Store
  readonly tasks: NodeTasks
  readonly clock: Clock
  /** Where updates lie encrypted. */
  readonly vault?: Vault
  /** Told how far a node is with its task. */
  readonly onProgress?: (assignment: Assignment, progress: { readonly done: number }) => void
  /** What may arrive at most, whatever a round declares. Default: what it declares. */
  readonly limits?: UplinkLimits
}

/**
 * What nodes say about their tasks. Who a node is comes from its session alone, so it can neither send nor ask in the name of
 * another. Every method throws a FederationError, which the transport sends as the acknowledgement.
 */
export class Reception {
  readonly #options: ReceptionOptions
  /** The last verdict of each node: a repeated finish gets the same answer. */
  readonly #verdicts = new Map<NodeId, { readonly updateId: Hash; readonly verdict: Verdict }>()

  readonly #engines = new Map<NodeId, Engine>()
  /** The latest begin of each assignment. */
  readonly #turns = new WeakMap<Assignment, Promise<unknown>>()

  constructor(options: ReceptionOptions) {
    this.#options = options
  }

  async begin(session: Session, begin: Begin): Promise<Answer<'update:begin'>> {
    if (updateIdOf(begin) !== begin.updateId)
      throw new FederationError('message/malformed', 'updateId does not follow from the update')
    const known = this.#verdicts.get(session.nodeId)
    if (known?.updateId === begin.updateId) return acceptedOrThrow(known.verdict)
    const assignment = await this.#assignmentFor(session, begin)
    if (assignment === 'accepted') return { ok: true, status: 'accepted' }
    return this.#inTurn(assignment, async () => {
      if (assignment.arrival !== null) return repeated(assignment.arrival, begin)
      this.#assertRoom(assignment, begin.bytes)
      // Before anything is waited for: members that begin at the same time share the room.
      assignment.announced = begin.bytes
      const { nextChunk } = await this.#uploadFor(assignment, begin)
      return { ok: true, nextChunk, chunkBytes: CHUNK_BYTES }
    })
  }

  async chunk(session: Session, bytes: Uint8Array): Promise<Answer<'update:chunk'>> {
    const frame = unwrap(decodeFrame(bytes, { maxChunkBytes: CHUNK_BYTES }))
    const { upload } = this.#uploading(session, frame.header.updateId)
    return { ok: true, nextChunk: await upload.write(frame, bytes.byteLength) }
  }

  async finish(
    session: Session,
    { updateId }: { updateId: Hash },
  ): Promise<Answer<'update:finish'>> {
    const known = this.#verdicts.get(session.nodeId)
    if (known?.updateId === updateId) return acceptedOrThrow(known.verdict)
    const { assignment, upload } = this.#uploading(session, updateId)
    const arrival = assignment.arrival ?? (await this.#arrive(assignment, upload))
    return acceptedOrThrow(await arrival.verdict)
  }

  async failed(session: Session, message: Message<'task:failed'>): Promise<{ readonly ok: true }> {
    const assignment = this.#find(session, message)
    if (assignment === null || assignment.member.lease !== message.lease) throw notLeased()
    this.#options.tasks.fail(assignment, message.problem)
    return { ok: true }
  }

  /** A round that is over, or a task taken away, has no progress to keep: nothing is wrong then. */
  progress(
    session: Session,
    { runId, round, slot, done, total }: Message<'node:progress'>,
  ): { readonly ok: true } {
    const own = this.#options.tasks.of(session.nodeId)
    const assignment = own.find(
      (one) =>
        one.member.slot === slot &&
        one.round.opening.runId === runId &&
        one.round.opening.round === round,
    )
    if (assignment === undefined) return { ok: true }
    assignment.progress = { done, total }
    this.#options.onProgress?.(assignment, { done })
    return { ok: true }
  }

  async fate(session: Session, place: Place): Promise<Answer<'fate:ask'>> {
    // A run that is not there any more has nobody's secrets, and its members should let go of it.
    if ((await this.#options.store.run(place.runId)) === null)
      return { ok: true, fate: 'abandoned' }
    await this.#assertOwn(session, place)
    return { ok: true, fate: await fateOf(this.#options.store, place.runId, place) }
  }

  /** Before a byte of it is taken. Throws `bundle/too-large`. */
  #assertRoom(assignment: Assignment, bytes: number): void {
    const { limits } = this.#options
    const { round } = assignment
    const declared = updateBytes(round.opening.plan)
    const largest = HEADER_BYTES + Math.min(declared, limits?.maxUpdateBytes ?? declared)
    if (bytes > largest) {
      const message = `The update has ${bytes} bytes; at most ${largest} are expected`
      throw new FederationError('bundle/too-large', message)
    }
    const gathered = round.gatheredBytes(bytes, assignment)
    if (limits !== undefined && gathered > limits.maxRoundBytes) {
      const message = `With this update of ${bytes} bytes the round would gather ${gathered}; at most ${limits.maxRoundBytes} are kept`
      throw new FederationError('bundle/too-large', message)
    }
  }

  /** A member that begins twice at the same time must not have two uploads that write to the same place. */
  #inTurn<T>(assignment: Assignment, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(assignment) ?? Promise.resolve()).then(work)
    this.#turns.set(
      assignment,
      turn.catch(() => undefined),
    )
    return turn
  }

  /** The same update goes on where it stopped; of another one nothing stays on disk. */
  async #uploadFor(assignment: Assignment, begin: Begin): Promise<Upload> {
    const earlier = assignment.upload
    const isSame = earlier?.begin.updateId === begin.updateId
    if (isSame && (await earlier.isSound())) return earlier
    assignment.upload = null
    if (isSame) await earlier.idle()
    else await earlier?.drop()
    const upload = await Upload.open(await this.#shelfOf(assignment), begin, CHUNK_BYTES)
    assignment.upload = upload
    return upload
  }

  /** Where the round's updates lie. */
  async #shelfOf({ round }: Assignment): Promise<Pick<BlobStore, 'stage'>> {
    const { store, vault } = this.#options
    const { compartment } = round.opening
    const sealed = compartment === undefined ? null : ((await vault?.blobs(compartment)) ?? null)
    if (compartment === undefined) return store.blobs
    if (sealed !== null) return sealed
    throw new FederationError('round/closed', 'The round closed before this update arrived')
  }

  /** What computed the node's latest update; null before its first. */
  engineOf(nodeId: NodeId): Engine | null {
    return this.#engines.get(nodeId) ?? null
  }

  #find({ nodeId }: Session, place: Place): Assignment | null {
    const { runId, slot } = place
    return (
      this.#options.tasks
        .of(nodeId)
        .find(
          ({ round, member }) => round.runId === runId && round.isAt(place) && member.slot === slot,
        ) ?? null
    )
  }

  #uploading(
    { nodeId }: Session,
    updateId: string,
  ): { readonly assignment: Assignment; readonly upload: Upload } {
    for (const assignment of this.#options.tasks.of(nodeId)) {
      const { upload } = assignment
      if (upload?.begin.updateId === updateId) return { assignment, upload }
    }
    throw new FederationError('upload/out-of-order', 'There is no such upload; begin it again')
  }

  /** The open assignment of an update, or that the update counts already. Waits for a round that is being taken up. */
  async #assignmentFor(session: Session, begin: Begin): Promise<Assignment | 'accepted'> {
    for (let tries = 0; tries < TAKE_UP.tries; tries += 1) {
      const assignment = this.#find(session, begin)
      if (assignment !== null && assignment.member.lease === begin.lease) return assignment
      if (assignment !== null) throw notLeased()
      await this.#assertOwn(session, begin)
      if ((await this.#standingOf(begin)) === 'accepted') return 'accepted'
      await new Promise<void>((resolve) => this.#options.clock.after(TAKE_UP.everyMs, resolve))
    }
    throw new FederationError('coordinator/unreachable', 'The round is not open yet; try again')
  }

  /** From what is stored. Throws unless the update counts, or the round is open though no exchange of it is under way. */
  async #standingOf(begin: Begin): Promise<'accepted' | 'open'> {
    const { store } = this.#options
    const { runId, round, attempt, slot, updateId } = begin
    const counted = (await store.accepted(runId, round, attempt)).find((one) => one.slot === slot)
    if (counted?.updateId === updateId) return 'accepted'
    if (counted !== undefined)
      throw new FederationError('update/conflict', 'Another update of this member counts already')
    const head = await store.head(runId)
    const isOpen = head?.state === 'COLLECTING' && head.round === round && head.attempt === attempt
    if (isOpen) return 'open'
    throw new FederationError('round/closed', 'The round closed before this update arrived')
  }

  async #assertOwn({ nodeId }: Session, { runId, slot }: Place): Promise<void> {
    const { store } = this.#options
    if ((await store.run(runId)) === null) throw notLeased()
    const owner = (await store.roster(runId)).find((entry) => entry.slot === slot)
    if (owner?.nodeId !== nodeId) throw notLeased()
  }

  async #arrive(assignment: Assignment, upload: Upload): Promise<Arrival> {
    const { begin } = upload
    const blob = await upload.finish().catch((error: unknown) => {
      // What was staged is gone or incomplete: the node begins again.
      assignment.upload = null
      throw error
    })
    await this.#rememberEngine(assignment, begin)
    if (assignment.arrival !== null) return repeatedArrival(assignment.arrival, begin)
    if (!assignment.round.isOpen)
      throw new FederationError('round/closed', 'The round closed before this update was complete')
    // Its node was revoked, or has given up, while the last bytes were written.
    if (assignment.standing === 'over') throw notLeased()
    const arrival = newArrival(begin.updateId)
    assignment.arrival = arrival
    assignment.standing = 'arrived'
    const { updateId, sha256, weight, metrics } = begin
    const { slot } = assignment.member
    assignment.round.arrivals.push({
      members: [{ slot, updateId, sha256, weight, metrics }],
      blob,
      bytesUp: upload.frameBytes,
      bytesDown: assignment.bytesDown,
      answer: async (outcome) => {
        const verdict = outcome.get(slot) ?? 'accepted'
        this.#verdicts.set(assignment.nodeId, { updateId, verdict })
        arrival.decide(verdict)
        this.#options.tasks.over(assignment)
      },
    })
    assignment.round.endWhenComplete()
    return arrival
  }

  /** Before the update can count: what computed it is part of the run's fingerprint. */
  async #rememberEngine({ round, member, nodeId }: Assignment, { engine }: Begin): Promise<void> {
    // Where nobody is to know who has sent an update, that one has told its engine would say so.
    if (!hidesMembers(round.config)) this.#engines.set(nodeId, engine)
    await this.#options.store.updateEngine(round.runId, member.slot, engine)
  }
}

const notLeased = (): FederationError =>
  new FederationError('round/not-leased', 'This node has no such task')

function acceptedOrThrow(verdict: Verdict): { readonly ok: true; readonly status: 'accepted' } {
  if (verdict === 'accepted') return { ok: true, status: 'accepted' }
  throw new FederationError(verdict.code, verdict.message)
}

function repeatedArrival(arrival: Arrival, { updateId }: Begin): Arrival {
  if (arrival.updateId === updateId) return arrival
  throw new FederationError('update/conflict', 'Another update of this member has arrived already')
}
/** All of it is here already: the node goes on with the finish, and waits for the verdict there. */
function repeated(arrival: Arrival, begin: Begin): Answer<'update:begin'> {
  repeatedArrival(arrival, begin)
  return { ok: true, nextChunk: Math.ceil(begin.bytes / CHUNK_BYTES), chunkBytes: CHUNK_BYTES }
}

function newArrival(updateId: Hash): Arrival {
  let decide: (verdict: Verdict) => void = () => undefined
  const verdict = new Promise<Verdict>((resolve) => (decide = resolve))
  return { updateId, verdict, decide }
}
