import { asFederationError, FederationError } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import { newRunId, type Hash, type RunId, type Slot } from '#protocol/ids.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import { createStreams } from '#protocol/random.js'
import type { Fate, RunRecord } from '#protocol/record.js'
import { configHash, type RunConfig } from '#protocol/run-config.js'
import { assertPossible } from '#algorithms/from-config.js'
import type { AuditGate } from './audit-gate/audit-gate.js'
import type { Clock } from './clock.js'
import { gatherCohort, type Gather } from './cohort.js'
import type { Compute } from './compute/compute.js'
import { fateOf, fatesWhenAbandoned } from './fates.js'
import type { Fleet, Opening } from './fleet/fleet.js'
import { assertWithin, type UplinkLimits } from './limits.js'
import { runRounds } from './round.js'
import { newTally, type RunContext } from './run-context.js'
import { closedEvent, initialRecord, openingOf, runRecordOf } from './run-record.js'
import type { EventRow, Head, Store } from './store/store.js'
import { despiteStoreTrouble } from './store-trouble.js'
import { untoldEvents } from './untold-events.js'
import { sweepVault } from './vault/sweep.js'
import type { Vault } from './vault/vault.js'

export interface RunManagerOptions {
  readonly store: Store
  readonly fleet: Fleet
  readonly compute: Compute
  readonly clock: Clock
  readonly kind: RunRecord['kind']
  /** Where updates and personal bundles lie encrypted. Absent, as in simulations: they lie among the blobs. */
  readonly vault?: Vault
  /** Where runs are audited before their first round. Absent, as in simulations: none is. */
  readonly gate?: AuditGate
  /** Default: sampled as configured. */
  readonly gather?: Gather
  /** Runs whose updates could be larger are refused. Default: none are. `members`: how many could take part now. */
  readonly limits?: UplinkLimits & { members(config: RunConfig): number }
  /** Between rounds, unreachable blobs are deleted. Default: every minute those older than five. */
  readonly garbage?: { readonly everyMs: number; readonly graceMs: number }
  /** Told of errors that end no run: a collection of garbage that failed, a store that takes no more writes. */
  readonly onProblem?: (error: FederationError) => void
}
export type EventListener = (runId: RunId, event: EventRow) => void

interface LiveRun {
  readonly abort: AbortController
  readonly ended: Promise<void>
  waitingFor: string | null
}

/** Blobs may be written this long before the swap that makes them reachable: longer than any close takes. */
const GARBAGE = { everyMs: 60_000, graceMs: 300_000 }
const ACTIVE: ReadonlySet<Head['state']> = new Set(['PLANNED', 'COLLECTING', 'FROZEN'])

/** All runs of a coordinator: creates them, keeps one loop for each that is under way, and takes them up again at boot. */
export class RunManager {
  readonly #options: RunManagerOptions
  readonly #live = new Map<RunId, LiveRun>()
  readonly #listeners = new Set<EventListener>()
  readonly #garbage: { readonly everyMs: number; readonly graceMs: number }
  #collectedAt = -Infinity

  constructor(options: RunManagerOptions) {
    this.#options = options
    this.#garbage = options.garbage ?? GARBAGE
  }

  /**
   * Makes the initial state, stores the run and starts its loop. `auditReport`: blob with a report that it is not audited
   * again for. Throws `config/impossible`, `config/too-large`, `model/does-not-fit`, `model/not-found`, `audit/…` and what the
   * compute worker finds (`data/not-found`, `backend/missing`): nothing is stored then.
   */
  async create(config: RunConfig, auditReport: Hash | null = null): Promise<RunId> {
    assertPossible(config)
    const { store, compute, clock, kind, limits, gate } = this.#options
    await holdStart(store, config)
    const runId = newRunId()
    const begun = clock.now()
    const started = await compute.start(config)
    if (limits !== undefined)
      assertWithin(limits, config, { kinds: started.kinds, members: limits.members(config) })
    const record = initialRecord(runId, started, {
      at: clock.timestamp(),
      durationMs: clock.now() - begun,
    })
    const recordHash = await store.blobs.put(Buffer.from(canonicalJson(record)))
    const { stateHash, modelHash, engine } = started
    const gated = (await gate?.prepare(config, auditReport)) ?? {}
    await store.createRun(
      {
        runId,
        name: config.name,
        kind,
        createdAt: clock.timestamp(),
        engine,
        config,
        configHash: configHash(config),
      },
      {
        ...{ epoch: 0, round: 1, attempt: 1, state: 'PLANNED', stateHash, modelHash, recordHash },
        ...{ openingHash: null, personalHash: null, reason: null },
        ...{ failures: 0, auditHead: null, ...gated },
      },
    )
    try {
      await this.#emit(runId, 'run:started', { name: config.name, engine: { ...engine } })
      await this.#emit(runId, 'round:closed', closedEvent(record))
    } finally {
      // It is stored: it must not lie there without a loop, whatever could not be told.
      await this.#takeUp(runId)
    }
    return runId
  }

  /** At boot: takes up every run that is under way. */
  async resumeAll(): Promise<void> {
    // Nothing is on its way to a swap yet, so there is no grace.
    await this.#despiteDamage(() => this.collectGarbage(0))
    await this.#despiteDamage(() => this.#sweep())
    const runs = await this.#options.store.runs()
    for (const { runId } of runs) {
      await this.#despiteDamage(async () => this.#repairEvents(runId, await this.#head(runId)))
      faultPoint('recovery.mid')
    }
    // Last, and together: members of the first have no less time to come back than those of the last.
    for (const { runId } of runs) {
      if (ACTIVE.has((await this.#head(runId)).state)) await this.#takeUp(runId)
      faultPoint('recovery.mid')
    }
  }

  /** A damaged file of one run is told, and keeps no other run from going on. */
  async #despiteDamage(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      const error = asFederationError(cause)
      if (error.code !== 'store/corrupt') throw error
      this.#options.onProblem?.(error)
    }
  }

  /** Ends a run's loop for good, unless it is resumed. Its open round is given up. Throws `run/finished` if it is over. */
  async stop(runId: RunId, reason = 'Stopped by a person'): Promise<void> {
    await this.#leave(runId)
    try {
      let isEnded = false
      while (!isEnded) {
        const head = await this.#head(runId)
        if (!ACTIVE.has(head.state)) throw alreadyOver(runId, head)
        isEnded = await this.#end(runId, 'STOPPED', reason)
      }
    } catch (error) {
      // What could not be stopped goes on, as its head says.
      if (ACTIVE.has((await this.#head(runId)).state)) await this.#takeUp(runId)
      throw error
    }
  }

  /**
   * Goes on with a run that was stopped or has failed, with a new attempt of its round. Throws `run/finished` otherwise, and
   * `audit/…` while its privacy audit stands against it.
   */
  async resume(runId: RunId): Promise<void> {
    const { state } = await this.#head(runId)
    if (state !== 'STOPPED' && state !== 'FAILED') throw alreadyOver(runId, { state })
    await this.#options.gate?.assertMayResume(runId)
    const head = await this.#head(runId)
    // The loop that ended it may still be telling so.
    await this.ended(runId)
    const next: Head = {
      ...head,
      ...{ state: 'PLANNED', attempt: head.attempt + 1, failures: 0, reason: null },
    }
    if (!(await this.#options.store.advance(runId, head, next))) return
    try {
      await this.#emit(runId, 'run:resumed', { round: head.round })
    } finally {
      await this.#takeUp(runId)
    }
  }

  record(runId: RunId): Promise<RunRecord> {
    return runRecordOf(this.#options.store, runId, this.waitingFor(runId))
  }
  /** Why the run's loop waits, for people; null: it does not. */
  waitingFor(runId: RunId): string | null {
    const { fleet, gate } = this.#options
    const before = gate?.waitingFor(runId) ?? this.#live.get(runId)?.waitingFor
    return before ?? fleet.waitingFor(runId)
  }
  fate(
    runId: RunId,
    at: { readonly round: number; readonly attempt: number; readonly slot: Slot },
  ): Promise<Fate | 'open'> {
    return fateOf(this.#options.store, runId, at)
  }
  /** Calls the listener with every event from now on, after it was stored. Returns how to stop that. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  /** Resolves when the run's loop has ended, at once if it has none. */
  async ended(runId: RunId): Promise<void> {
    await this.#live.get(runId)?.ended
  }
  collectGarbage(graceMs = this.#garbage.graceMs): Promise<number> {
    return this.#options.store.collectGarbage(graceMs)
  }
  /** Leaves every loop; rounds stay open for the next coordinator. */
  async shutdown(): Promise<void> {
    await Promise.all([...this.#live.keys()].map((runId) => this.#leave(runId)))
  }

  /** The fence: from here on, writes of whoever had the run before fail. */
  async #takeUp(runId: RunId): Promise<void> {
    const { store } = this.#options
    const [head, run] = [await this.#head(runId), await store.run(runId)]
    if (run === null || this.#live.has(runId)) return
    const epoch = head.epoch + 1
    if (!(await store.advance(runId, head, { ...head, epoch }))) return
    const abort = new AbortController()
    const live: LiveRun = {
      abort,
      waitingFor: null,
      ended: this.#loop(runId, run.config, { epoch, signal: abort.signal }).finally(() =>
        this.#live.delete(runId),
      ),
    }
    this.#live.set(runId, live)
  }

  async #loop(
    runId: RunId,
    config: RunConfig,
    fence: { readonly epoch: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const { store, fleet, compute, clock, gather = gatherCohort } = this.#options
    const { onProblem, kind } = this.#options
    const tally = newTally(clock.now())
    const emit = (type: string, data: JsonObject): Promise<void> => this.#emit(runId, type, data)
    const context: RunContext = {
      ...{ runId, config, ...fence, ...this.#vault },
      ...{ store, fleet, compute, clock, gather, emit, tally },
      ...(onProblem === undefined ? {} : { onProblem }),
      streams: createStreams(config.seed),
    }
    try {
      // The caller has registered this loop before its first step.
      await Promise.resolve()
      // Whoever simulates is there to see what failed, and gets nothing from waiting.
      if (kind !== 'deployed') await runRounds(context)
      else
        await despiteStoreTrouble(this.#toldAgain(context), {
          ...{ clock, signal: fence.signal },
          onTrouble: (error) => this.#waitForStore(runId, error),
        })
    } catch (cause) {
      if (!fence.signal.aborted) await this.#fail(runId, asFederationError(cause))
    }
  }

  /** The loop; begun again after a trouble, it first tells what was stored but not told. */
  #toldAgain(context: RunContext): () => Promise<unknown> {
    const { runId } = context
    let isAgain = false
    return async () => {
      if (isAgain) await this.#repairEvents(runId, await this.#head(runId))
      isAgain = true
      if (await this.#passesGate(context)) await runRounds(context)
    }
  }

  /** Before any round. A run whose privacy audit stands against it is over until somebody decides otherwise. */
  async #passesGate(context: RunContext): Promise<boolean> {
    const { runId, epoch, signal } = context
    for (;;) {
      const obstacle = (await this.#options.gate?.pass(context)) ?? null
      if (obstacle === null || obstacle === 'left') return obstacle === null
      if (signal.aborted || (await this.#head(runId)).epoch !== epoch) return false
      // Not ended where the head moved meanwhile, as when somebody overrides: the gate may be open now.
      if (await this.#end(runId, 'STOPPED', `${obstacle.code}: ${obstacle.message}`)) return false
    }
  }

  #waitForStore(runId: RunId, error: FederationError): void {
    this.#options.onProblem?.(error)
    const live = this.#live.get(runId)
    if (live !== undefined) live.waitingFor = `The store takes no writes: ${error.message}`
  }

  async #fail(runId: RunId, error: FederationError): Promise<void> {
    try {
      await this.#end(runId, 'FAILED', `${error.code}: ${error.message}`)
    } catch (cause) {
      this.#options.onProblem?.(asFederationError(cause))
    }
  }

  /** Between rounds, now and then. */
  async #collectSometimes(): Promise<void> {
    const now = this.#options.clock.now()
    if (now - this.#collectedAt < this.#garbage.everyMs) return
    this.#collectedAt = now
    try {
      await this.collectGarbage()
    } catch (cause) {
      this.#options.onProblem?.(asFederationError(cause))
    }
  }

  /** STOPPED or FAILED with a reason; whoever worked on an open round learns that it was given up. */
  async #end(runId: RunId, state: 'STOPPED' | 'FAILED', reason: string): Promise<boolean> {
    const { store, fleet } = this.#options
    const head = await this.#head(runId)
    let opening: Opening | null = null
    await this.#despiteDamage(async () => {
      if (head.openingHash !== null) opening = await openingOf(store, head)
    })
    const to: Head = { ...head, state, reason, openingHash: null }
    if (!(await store.advance(runId, head, to))) return false
    await this.#sweep(runId)
    await this.#emit(runId, state === 'STOPPED' ? 'run:stopped' : 'run:failed', { reason })
    if (opening !== null) await fleet.settle(opening, fatesWhenAbandoned(opening))
    return true
  }

  get #vault(): { readonly vault?: Vault } {
    const { vault } = this.#options
    return vault === undefined ? {} : { vault }
  }
  /** Keys that nothing refers to any more must not lie about. */
  async #sweep(only?: RunId): Promise<void> {
    const { vault, store } = this.#options
    if (vault !== undefined) await sweepVault(vault, store, only)
  }

  async #leave(runId: RunId): Promise<void> {
    const live = this.#live.get(runId)
    live?.abort.abort()
    await live?.ended
  }

  async #emit(runId: RunId, type: string, data: JsonObject): Promise<void> {
    const live = this.#live.get(runId)
    if (live !== undefined && type !== 'update:refused')
      live.waitingFor = type === 'run:waiting' ? (data['reason'] as string) : null
    const event = await this.#options.store.appendEvent(runId, type, data)
    for (const listener of this.#listeners) listener(runId, event)
    if (type === 'round:closed') await this.#collectSometimes()
  }

  /** An event is written after the swap it tells of, so a crash in between has left it out: it is added now. */
  async #repairEvents(runId: RunId, head: Head): Promise<void> {
    for (const { type, data } of await untoldEvents(this.#options.store, runId, head))
      await this.#emit(runId, type, data)
  }

  async #head(runId: RunId): Promise<Head> {
    const head = await this.#options.store.head(runId)
    if (head === null) throw new FederationError('run/not-found', `There is no run ${runId}`)
    return head
  }
}

/** A bundle that was uploaded for this run must not be collected before the run that reaches it is stored. */
async function holdStart({ blobs }: Store, { startFrom }: RunConfig): Promise<void> {
  if (startFrom === null || (await blobs.touch(startFrom as Hash))) return
  throw new FederationError(
    'model/not-found',
    `startFrom names the bundle ${startFrom}, which was not uploaded`,
  )
}

const alreadyOver = (runId: RunId, head: Pick<Head, 'state'>): FederationError =>
  new FederationError(
    'run/finished',
    `The run ${runId} is ${ACTIVE.has(head.state) ? 'under way' : head.state.toLowerCase()}`,
  )
