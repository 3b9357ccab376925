import type { Problem } from '#protocol/errors.js'
import type { Hash, RunId, Slot } from '#protocol/ids.js'
import type { AcceptedUpdate, Fate } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { PlannedRound } from '#coordinator/compute/compute.js'
import type { PersonalRef } from '#coordinator/store/reachable.js'

/** What is stored (immutable, content-addressed) before the first task of a round leaves. JSON. */
export interface Opening {
  readonly runId: RunId
  readonly round: number
  readonly attempt: number
  readonly plan: PlannedRound
  readonly cohort: readonly CohortMember[]
  readonly population: number
  readonly deadlineSeconds: number
  readonly graceSeconds: number
  /** Where in the vault its updates lie. Absent: among the blobs. */
  readonly compartment?: string
  /** The round closes as soon as so many have reported, though more were asked. Absent: everyone is waited for. */
  readonly wanted?: number
  /** For how long the round had been open when the coordinator last kept the time. Absent: it was opened just now. */
  readonly elapsedMs?: number
}
/** Of how many members the update is mixed with, at least as far as it depends on who was asked. */
export const mixedWith = ({ cohort, wanted }: Opening): number => wanted ?? cohort.length
export interface CohortMember {
  readonly slot: Slot
  /** 128 random bits in hex: an update must present it. */
  readonly lease: string
  readonly personal: PersonalRef | null
}

/**
 * One reply: a node's update, or a simulation worker's partial sum over many members. A node's `blob` is its update, so it
 * equals the one member's `sha256`; a partial sum differs from the `sha256` of every update inside it.
 */
export interface Contribution {
  readonly members: readonly Omit<AcceptedUpdate, 'blob'>[]
  readonly blob: Hash
  readonly bytesUp: number
  readonly bytesDown: number
  /** Tells the sender what became of it, by slot. Resolves when the answer is on its way. */
  answer(outcome: ReadonlyMap<Slot, 'accepted' | Problem>): Promise<void>
}

export interface ExchangeOptions {
  /** Members whose updates count already: not asked again. */
  readonly done: ReadonlySet<Slot>
  readonly signal: AbortSignal
}

/** The members of runs, wherever they are: sockets, or simulated clients in this process and its workers. */
export interface Fleet {
  /** Slots of the run that could take a task now (enlisting newcomers whose data card fits), ascending. */
  available(runId: RunId, config: RunConfig): Promise<readonly Slot[]>
  /** Slots of the run that could take a task now or when they are back, ascending: all but who can never take one again. */
  members(runId: RunId, config: RunConfig): Promise<readonly Slot[]>
  /** Why members that are there could take no task of the run, though their data fit: sentences for people, without a full stop. */
  refusals(runId: RunId, config: RunConfig): Promise<readonly string[]>
  /** Why nobody works on the run's open round now; null: somebody does, or none is open. A sentence without a full stop. */
  waitingFor(runId: RunId): string | null
  /** Why members contributed nothing to the exchange that ended last: clauses that begin with their names. */
  missing(runId: RunId): readonly string[]
  /** Resolves when something about availability changed, or the signal aborts. */
  changed(signal: AbortSignal): Promise<void>
  /**
   * One exchange: offers the task to the cohort (less `done`), yields contributions as they arrive, ends when every member
   * has contributed, failed or been lost beyond the grace period, or when the signal aborts (deadline, stop). Where the plan
   * is patient there is no grace period: members that are away are waited for.
   */
  exchange(
    opening: Opening,
    config: RunConfig,
    options: ExchangeOptions,
  ): AsyncIterable<Contribution>
  /** Announces fates after the round's close. Members that are away ask for theirs when they are back. */
  settle(opening: Opening, fates: ReadonlyMap<Slot, Fate>): Promise<void>
}
