import type { SignedReport } from '#protocol/audit-report.js'
import { signReport } from '#protocol/audit-signature.js'
import { FederationError } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import type { Hash, RunId } from '#protocol/ids.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import type { TaskMessage } from '#protocol/messages.js'
import type { KeyPair } from '#protocol/proof.js'
import type { RunConfig } from '#protocol/run-config.js'
import {
  reportedRisk,
  type ReportDemand,
  type ReportedRisk,
} from '#algorithms/audit/reported-risk.js'
import type { Clock } from '#coordinator/clock.js'
import { readJson } from '#coordinator/store/reachable.js'
import type { Head, Store } from '#coordinator/store/store.js'
import { readAttached } from './attached.js'
import type { AuditSession, FinishedCell, StartAudit } from './auditor.js'
import {
  finishedEvent,
  gateStateOf,
  NOTHING_YET,
  obstacleIn,
  type GateDecision,
  type GateRecord,
  type Override,
} from './gate-record.js'
import { AuditProgress, progressText } from './progress.js'
import { Turns } from './turns.js'

export interface AuditGateOptions {
  readonly store: Store
  readonly startAudit: StartAudit
  /** With which reports are signed. */
  readonly key: KeyPair
  /** Whose reports count beside its own: public keys. */
  readonly trustedKeys: readonly string[]
  readonly clock: Clock
}
/** A run whose loop stands before the gate. */
export interface AtGate {
  readonly runId: RunId
  readonly config: RunConfig
  /** As in the round loop: a head of another epoch belongs to someone else. */
  readonly epoch: number
  readonly signal: AbortSignal
  readonly emit: (type: string, data: JsonObject) => Promise<void>
}
type View = HttpAnswer<'GET /api/runs/:id/audit'>

/**
 * What stands between a run and its first round where its configuration says `audit`: the privacy audit of its settings on
 * records of nobody, or a report of one that an operator brings. Knows no update of any round.
 */
export class AuditGate {
  readonly #options: AuditGateOptions
  readonly #turns = new Turns()
  readonly #progress = new Map<RunId, AuditProgress>()
  /** Runs that wait for the audit of another one. */
  readonly #queued = new Set<RunId>()

  constructor(options: AuditGateOptions) {
    this.#options = options
  }

  /** The key with which this coordinator signs reports. */
  get publicKey(): string {
    return this.#options.key.publicKey
  }

  /**
   * Before a run is stored: what its head says of the gate. Throws `audit/not-auditable` and `data/…` for what this coordinator
   * could not audit, and what `reportedRisk` says of a report that cannot stand for the run.
   */
  async prepare(config: RunConfig, report: Hash | null): Promise<Pick<Head, 'gateHash'>> {
    if (report !== null) return { gateHash: await this.#attach(config, report) }
    if (config.audit === undefined) return {}
    const session = this.#options.startAudit(config)
    try {
      await session.plan()
    } finally {
      await session.end()
    }
    return {}
  }

  /**
   * Audits unless that was done. Resolves with why the run may not begin, null when it may; 'left' when the signal aborted or
   * somebody else has the run. What is finished is kept: the next call goes on behind it.
   */
  async pass(run: AtGate): Promise<FederationError | null | 'left'> {
    const record = await this.#recordOf(run.runId)
    if (record.decision !== null || run.config.audit === undefined)
      return obstacleIn(run.config, record)
    this.#queued.add(run.runId)
    const giveBack = await this.#turns.take(run.signal)
    this.#queued.delete(run.runId)
    if (giveBack === null) return 'left'
    const session = this.#options.startAudit(run.config)
    const end = (): void => void session.end()
    run.signal.addEventListener('abort', end)
    try {
      const decided = await this.#audit(run, session)
      return decided === 'left' ? 'left' : obstacleIn(run.config, decided)
    } catch (error) {
      if (run.signal.aborted) return 'left'
      throw error
    } finally {
      run.signal.removeEventListener('abort', end)
      await session.end()
      this.#progress.delete(run.runId)
      giveBack()
    }
  }

  /** Throws `audit/…` while the gate is not open. */
  async assertPassed(runId: RunId): Promise<void> {
    const obstacle = obstacleIn(await this.#configOf(runId), await this.#recordOf(runId))
    if (obstacle !== null) throw obstacle
  }

  /** Throws `audit/…` for a run that was found out and not overridden: to try again would change nothing. */
  async assertMayResume(runId: RunId): Promise<void> {
    const record = await this.#recordOf(runId)
    if (record.decision !== null) await this.assertPassed(runId)
  }

  /** Throws `audit/under-way` before there is a report, `run/finished` where nothing stands against the run. */
  async override(runId: RunId, { by, reason }: Pick<Override, 'by' | 'reason'>): Promise<void> {
    const { store, clock } = this.#options
    const config = await this.#configOf(runId)
    for (;;) {
      const head = await this.#headOf(runId)
      const record = await this.#readRecord(head)
      const obstacle = obstacleIn(config, record)
      if (obstacle === null) throw nothingToOverride(runId)
      if (record.decision === null) throw obstacle
      const override: Override = { by, reason, at: clock.timestamp() }
      const gateHash = await this.#put({ ...record, decision: { ...record.decision, override } })
      if (await store.advance(runId, head, { ...head, gateHash })) return
    }
  }

  /** For people. Throws `run/not-found`. */
  async view(runId: RunId): Promise<View> {
    const config = await this.#configOf(runId)
    const record = await this.#recordOf(runId)
    const { decision } = record
    return {
      state: gateStateOf(config, record),
      threshold: config.audit?.threshold ?? null,
      verdict: decision?.verdict ?? null,
      because: decision?.because ?? null,
      obstacles: [...(decision?.obstacles ?? [])],
      source: decision?.source ?? null,
      decidedAt: decision?.at ?? null,
      override: decision?.override ?? null,
      progress: this.#progressOf(runId),
      report: decision === null ? null : await this.#reportAt(decision),
    }
  }

  /** Why the run waits before its first round; null: it does not wait here. */
  waitingFor(runId: RunId): string | null {
    if (this.#queued.has(runId))
      return 'The privacy audit before the first round waits for that of another run'
    const progress = this.#progressOf(runId)
    return progress === null
      ? null
      : progressText(progress.done, progress.total, progress.secondsLeft)
  }

  /** What nodes are told with their tasks; null: the run has no report. */
  async forNodes(runId: RunId): Promise<NonNullable<TaskMessage['audit']> | null> {
    const { decision } = await this.#recordOf(runId)
    if (decision === null) return null
    const { verdict, publicKey, effort, reportHash, reportBytes } = decision
    return { verdict, publicKey, effort, report: { hash: reportHash, bytes: reportBytes } }
  }

  async #attach(config: RunConfig, hash: Hash): Promise<Hash> {
    const { store, clock } = this.#options
    const { report, bytes } = await readAttached(store.blobs, hash)
    const { audit } = config
    // Without a gate of its own nobody but nodes has a say in how much is enough.
    const least = audit === undefined ? null : { budget: audit.budget, records: audit.count }
    const risk = await this.#riskIn(report, { config, least })
    return this.#put({
      cells: {},
      decision: {
        ...{ ...risk, reportHash: hash, reportBytes: bytes, source: 'attached', override: null },
        publicKey: report.signature.publicKey,
        at: clock.timestamp(),
      },
    })
  }

  async #audit(run: AtGate, session: AuditSession): Promise<GateRecord | 'left'> {
    const { clock } = this.#options
    const plan = await session.plan()
    const progress = new AuditProgress(plan.cells.length)
    this.#progress.set(run.runId, progress)
    const cells: FinishedCell[] = []
    for (const { key } of plan.cells) {
      const known = await this.#finished(run.runId, key)
      if (known === null) await this.#tell(run)
      const cell = known ?? (await this.#compute(run, { session, key, progress }))
      if (cell === null) return 'left'
      cells.push(cell)
      progress.finish(cell.seconds)
    }
    await this.#tell(run)
    const report = await session.report(cells, clock.timestamp())
    return this.#decide(run, signReport(report, this.#options.key.privateKey))
  }

  /** One cell, and its result where a crash does not reach it. Null when somebody else has the run. */
  async #compute(
    run: AtGate,
    at: {
      readonly session: AuditSession
      readonly key: string
      readonly progress: AuditProgress
    },
  ): Promise<FinishedCell | null> {
    const { clock, store } = this.#options
    const { session, key, progress } = at
    const began = clock.now()
    progress.begin(began)
    const result = await session.cell(key, (share) => progress.move(share))
    const cell = { result, seconds: (clock.now() - began) / 1000 }
    const hash = await store.blobs.put(Buffer.from(canonicalJson(cell)))
    faultPoint('audit.cell_before_commit')
    const isKept = await this.#advance(run, ({ cells, decision }) => ({
      cells: { ...cells, [key]: hash },
      decision,
    }))
    faultPoint('audit.cell_committed')
    return isKept === 'left' ? null : cell
  }

  async #decide(run: AtGate, signed: SignedReport): Promise<GateRecord | 'left'> {
    const { store, clock } = this.#options
    const risk = await this.#riskIn(signed, { config: run.config, least: null })
    const bytes = Buffer.from(canonicalJson(signed))
    const decision: GateDecision = {
      ...{ ...risk, source: 'audited', override: null, at: clock.timestamp() },
      ...{ reportHash: await store.blobs.put(bytes), reportBytes: bytes.byteLength },
      publicKey: signed.signature.publicKey,
    }
    const decided = await this.#advance(run, () => ({ cells: {}, decision }))
    faultPoint('audit.decided')
    if (decided === 'left') return 'left'
    const { type, data } = finishedEvent(decision)
    await run.emit(type, data)
    return decided
  }

  /** Replaces the record of the gate, if the run still is this loop's. */
  async #advance(
    { runId, epoch, signal }: AtGate,
    change: (record: GateRecord) => GateRecord,
  ): Promise<GateRecord | 'left'> {
    const head = await this.#headOf(runId)
    if (head.epoch !== epoch || signal.aborted) return 'left'
    const next = change(await this.#readRecord(head))
    const gateHash = await this.#put(next)
    const isMine = await this.#options.store.advance(runId, head, { ...head, gateHash })
    return isMine ? next : 'left'
  }

  async #finished(runId: RunId, key: string): Promise<FinishedCell | null> {
    const { cells } = await this.#recordOf(runId)
    const hash = cells[key]
    return hash === undefined ? null : readJson<FinishedCell>(this.#options.store.blobs, hash)
  }

  async #tell({ runId, emit }: AtGate): Promise<void> {
    const progress = this.#progressOf(runId)
    if (progress !== null) await emit('audit:progress', { ...progress })
  }
  #progressOf(runId: RunId): NonNullable<View['progress']> | null {
    const progress = this.#progress.get(runId)
    if (progress === undefined) return null
    const secondsLeft = progress.secondsLeft(this.#options.clock.now())
    return { done: progress.done, total: progress.total, secondsLeft }
  }

  async #riskIn(
    report: SignedReport,
    about: Pick<ReportDemand, 'config' | 'least'>,
  ): Promise<ReportedRisk & { readonly isSound: boolean }> {
    const trustedKeys = [this.publicKey, ...this.#options.trustedKeys]
    const risk = await reportedRisk(report, { ...about, trustedKeys })
    return { ...risk, isSound: risk.obstacles.length === 0 }
  }

  #put(record: GateRecord): Promise<Hash> {
    return this.#options.store.blobs.put(Buffer.from(canonicalJson(record)))
  }
  async #recordOf(runId: RunId): Promise<GateRecord> {
    return this.#readRecord(await this.#headOf(runId))
  }
  async #readRecord({ gateHash }: Head): Promise<GateRecord> {
    if (gateHash === undefined) return NOTHING_YET
    return readJson<GateRecord>(this.#options.store.blobs, gateHash)
  }
  #reportAt({ reportHash }: GateDecision): Promise<SignedReport> {
    return readJson<SignedReport>(this.#options.store.blobs, reportHash)
  }
  async #headOf(runId: RunId): Promise<Head> {
    const head = await this.#options.store.head(runId)
    if (head === null) throw noSuchRun(runId)
    return head
  }
  async #configOf(runId: RunId): Promise<RunConfig> {
    const run = await this.#options.store.run(runId)
    if (run === null) throw noSuchRun(runId)
    return run.config
  }
}

const noSuchRun = (runId: RunId): FederationError =>
  new FederationError('run/not-found', `There is no run ${runId}`)
const nothingToOverride = (runId: RunId): FederationError =>
  new FederationError('run/finished', `No privacy audit stands against the run ${runId}`)
