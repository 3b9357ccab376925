import type { BlobRef } from '#protocol/blob-ref.js'
import type { DataCard } from '#protocol/data-card.js'
import type { Problem } from '#protocol/errors.js'
import type { Hash, NodeId, RunId } from '#protocol/ids.js'
import { CHUNK_BYTES, type TaskMessage } from '#protocol/messages.js'
import { configHash, type RunConfig } from '#protocol/run-config.js'
import { Channel } from './channel.js'
import { mixedWith, type CohortMember, type Contribution, type Opening } from './fleet.js'
import type { Session } from './registry.js'
import { gatheredBytes, updateBytes } from '#coordinator/limits.js'
import type { Upload } from './upload.js'

export type Verdict = 'accepted' | Problem

/** A complete update that waits for the coordinator's judgement, or has it. */
export interface Arrival {
  readonly updateId: Hash
  readonly verdict: Promise<Verdict>
  readonly decide: (verdict: Verdict) => void
}

/** Who is asked: a member of the cohort, the node that it is, and the data with which that was enlisted. */
export interface Assignee {
  readonly member: CohortMember
  readonly nodeId: NodeId
  /** What people call the node. */
  readonly name: string
  readonly card: DataCard
}

/** One member's task in an open round. Changed only by `NodeTasks` and `Reception`. */
export interface Assignment extends Assignee {
  readonly round: OpenRound
  /** lost: away beyond the grace period; it may still come back while the round is open. over: nothing more is expected. */
  standing: 'working' | 'lost' | 'arrived' | 'over'
  /** The session that has been told of the task; another one must be told again. */
  offeredTo: Session | null
  grace: { cancel(): void } | null
  upload: Upload | null
  /** Bytes of the update that the member began last; 0 before the first. */
  announced: number
  arrival: Arrival | null
  /** Training steps, as the node last told; null before. */
  progress: { readonly done: number; readonly total: number } | null
  /** Bytes of blobs served to the node for this task. */
  bytesDown: number
  /** Why the member contributed nothing; null: it did, or may still. */
  excuse: string | null
}

/** After an exchange ended without a verdict: the node asks again, and is answered from what is stored. */
const UNDECIDED: Problem = {
  code: 'coordinator/unreachable',
  message: 'The round was left before this update was judged; send it again',
}

/** One exchange: who works on what, and what has arrived. */
export class OpenRound {
  readonly opening: Opening
  readonly config: RunConfig
  readonly configHash: Hash
  /** On the clock: as if the coordinator had been up since. */
  readonly openedAt: number
  /** What the run's privacy audit says; null: it has none. */
  readonly audit: NonNullable<TaskMessage['audit']> | null
  readonly assignments: readonly Assignment[]
  readonly arrivals = new Channel<Contribution>()
  isOpen = true

  constructor(
    opening: Opening,
    config: RunConfig,
    {
      openedAt,
      assignees,
      audit = null,
    }: {
      readonly openedAt: number
      readonly assignees: readonly Assignee[]
      readonly audit?: OpenRound['audit']
    },
  ) {
    this.audit = audit
    this.opening = opening
    this.config = config
    this.configHash = configHash(config)
    this.openedAt = openedAt
    this.assignments = assignees.map((assignee) => ({
      ...{ ...assignee, round: this, standing: 'working' as const },
      ...{
        offeredTo: null,
        grace: null,
        upload: null,
        announced: 0,
        arrival: null,
        progress: null,
        bytesDown: 0,
        excuse: null,
      },
    }))
    this.endWhenComplete()
  }

  get runId(): RunId {
    return this.opening.runId
  }
  /** Whether members that are away are waited for until the deadline. */
  get isPatient(): boolean {
    return this.opening.plan.patience === 'deadline'
  }
  isAt(place: { readonly round: number; readonly attempt: number }): boolean {
    return place.round === this.opening.round && place.attempt === this.opening.attempt
  }
  /**
   * What the round would keep until it closes with an update of `bytes` for `assignment`: of each update what is gathered,
   * and not summed. Updates of members that are not waited for any more do not count.
   */
  gatheredBytes(bytes: number, assignment: Assignment): number {
    const { plan } = this.opening
    const kept = gatheredBytes(plan)
    // Most rounds: nothing to add up over all members, at every update of each of them.
    if (kept === 0) return 0
    const summed = updateBytes(plan) - kept
    const others = this.assignments.filter(
      (other) => other !== assignment && (other.arrival !== null || other.standing === 'working'),
    )
    return [bytes, ...others.map(({ announced }) => announced)].reduce(
      (sum, one) => sum + Math.max(0, one - summed),
      0,
    )
  }
  endWhenComplete(): void {
    if (this.assignments.every(({ standing }) => standing !== 'working')) this.arrivals.end()
  }
  /** Nothing counts any more that arrives from here on. */
  close(): void {
    this.isOpen = false
    this.arrivals.end()
    for (const assignment of this.assignments) {
      assignment.grace?.cancel()
      assignment.arrival?.decide(UNDECIDED)
      assignment.standing = 'over'
    }
  }

  /** Seconds until the deadline. `now` on the clock of `openedAt`. */
  secondsLeft(now: number): number {
    return Math.max(0, this.opening.deadlineSeconds - (now - this.openedAt) / 1000)
  }
  /** What the member needs to know. `now` on the clock of `openedAt`. */
  taskFor({ member }: Assignment, now: number): TaskMessage {
    const { runId, round, attempt, plan } = this.opening
    const { purpose, part, task, shared, assets, uplink } = plan
    const { personal } = member
    return {
      ...{ runId, round, attempt, slot: member.slot, lease: member.lease },
      cohort: mixedWith(this.opening),
      deadlineMs: this.secondsLeft(now) * 1000,
      config: this.config as TaskMessage['config'],
      configHash: this.configHash,
      ...{ purpose, part, shared, assets: [...assets] },
      personal: personal === null ? null : { hash: personal.hash, bytes: personal.bytes },
      task: task as TaskMessage['task'],
      uplink: uplink as unknown as TaskMessage['uplink'],
      ...(this.audit === null ? {} : { audit: this.audit }),
      chunkBytes: CHUNK_BYTES,
    }
  }
  /** The blobs that the member may read. */
  blobsOf({ member }: Assignment): readonly BlobRef[] {
    const { shared, assets } = this.opening.plan
    const report = this.audit === null ? [] : [this.audit.report]
    return [shared, ...assets, ...report, ...(member.personal === null ? [] : [member.personal])]
  }
}
