import { FederationError } from '#protocol/errors.js'
import type { Hash, RunId } from '#protocol/ids.js'
import type { Metrics, RoundRecord, RunRecord } from '#protocol/record.js'
import { MOST_POINTS, type Curve, type MemberCurves } from '#protocol/run-views.js'
import type { RunLine, RunView } from '#protocol/run-views.js'
import type { AuditLine, PoolKeys } from '#protocol/server-views.js'
import { VERSION } from '#protocol/version.js'
import type { Compute } from '#coordinator/compute/compute.js'
import { stageAt } from '#coordinator/live/stage.js'
import type { RunManager } from '#coordinator/run.js'
import { standingOf } from '#coordinator/run-record.js'
import { readJson } from '#coordinator/store/reachable.js'
import type { Head, RunRow, Store } from '#coordinator/store/store.js'
import { AuditLines } from './audit-lines.js'
import { curvesOf, memberCurvesOf } from './curves.js'
import { createDigests, type CurveRow, type Digests } from './digests.js'
import { atMost } from './at-most.js'
import { eyesOn, type Eyes } from './privacy.js'
import { eyesOnRun, noSuchRun } from './run-eyes.js'
import { GateRecords, lineOf } from './run-line.js'
import { timelineOf, type Timeline, type TimelineQuery } from './timeline.js'

export interface ViewsOptions {
  readonly store: Store
  readonly runs: Pick<RunManager, 'record' | 'waitingFor'>
  readonly compute: Pick<Compute, 'keyMap'>
}
/** A run as it is now, and how people see it. */
interface Seen {
  readonly run: RunRow
  readonly head: Head
  readonly eyes: Eyes
}

/** Runs whose rounds are read at a time. */
const AT_A_TIME = 8

/** What people see of runs. Everything here has gone through the eyes of `privacy.ts`; every method throws `run/not-found`. */
export class Views {
  readonly #options: ViewsOptions
  readonly #digests: Digests
  readonly #gates: GateRecords
  readonly #audits: AuditLines

  constructor(options: ViewsOptions) {
    const { blobs } = options.store
    this.#options = options
    this.#digests = createDigests(blobs)
    this.#gates = new GateRecords(blobs)
    this.#audits = new AuditLines(blobs)
  }

  /** How people see what is told of the run. */
  async eyesOn(runId: RunId): Promise<Eyes> {
    return eyesOnRun(this.#options.store, runId)
  }

  /** The first created first. */
  async lines(): Promise<readonly RunLine[]> {
    const runs = await this.#options.store.runs()
    return atMost(AT_A_TIME, runs, async ({ runId }) => this.#lineOf(await this.#seen(runId)))
  }

  async record(runId: RunId): Promise<RunRecord> {
    const { eyes } = await this.#seen(runId)
    return eyes.record(await this.#options.runs.record(runId))
  }

  async view(runId: RunId): Promise<RunView> {
    const { store } = this.#options
    // First: whoever goes on by the events after it is told again what the rest knows already, and misses nothing.
    const { attempts, lastSeq } = await this.timeline(runId, { before: null, rounds: 1 })
    const seen = await this.#seen(runId)
    const { run, head, eyes } = seen
    const rows = await this.#digests.curves.of(runId, head.recordHash)
    const roster = (await store.roster(runId)).map((member) => eyes.member(member))
    return {
      line: await this.#lineOf(seen),
      stage: await stageAt(store, run, head),
      latest: attempts.at(-1) ?? null,
      lastSeq,
      // A configuration is the same for whoever reads it.
      config: structuredClone(run.config) as RunView['config'],
      ...{ configHash: run.configHash, version: VERSION, engine: run.engine },
      modelHash: head.modelHash,
      roster: roster.map(({ card, ...member }) => ({
        ...member,
        card: eyes.areClosed ? null : card,
      })),
      metrics: namesIn(rows, ({ metrics }) => Object.keys(metrics)).filter((name) =>
        eyes.shows(name),
      ),
      memberMetrics: eyes.areClosed ? [] : namesIn(rows, (row) => row.memberMetrics),
      diagnosed: rows
        .filter(({ isDiagnosed }) => isDiagnosed)
        .map(({ round }) => round)
        .slice(-MOST_POINTS),
      hidden: [...eyes.hidden],
    }
  }

  async curves(
    runId: RunId,
    { names, points }: { readonly names: readonly string[]; readonly points: number },
  ): Promise<readonly Curve[]> {
    const { run, head, eyes } = await this.#seen(runId)
    const rows = await this.#digests.curves.of(runId, head.recordHash)
    const shown = [...new Set(names)].filter((name) => eyes.shows(name))
    return curvesOf(rows, run.createdAt, { names: shown, points })
  }

  /** Throws `run/hidden` where privacy settings hide members. */
  async memberCurves(
    runId: RunId,
    query: { readonly name: string; readonly points: number },
  ): Promise<MemberCurves> {
    const { head, eyes } = await this.#seen(runId)
    if (eyes.areClosed)
      throw new FederationError('run/hidden', `The run ${runId} shows nothing of single members`)
    return memberCurvesOf(await this.#digests.members.of(runId, head.recordHash), query)
  }

  /** Throws `http/not-found` for a round that has not closed. */
  async round(runId: RunId, round: number): Promise<RoundRecord> {
    const { head, eyes } = await this.#seen(runId)
    const rows = await this.#digests.curves.of(runId, head.recordHash)
    const row = rows.find((one) => one.round === round)
    if (row === undefined)
      throw new FederationError('http/not-found', `Round ${round} of ${runId} has not closed`)
    return eyes.round(await this.#recordAt(row.hash))
  }

  async timeline(runId: RunId, query: TimelineQuery): Promise<Timeline> {
    return timelineOf(this.#options.store, runId, { ...query, eyes: await this.eyesOn(runId) })
  }

  /** Where the keys of the run's pool lie. Throws `run/no-keys` for a run without any. */
  async keys(runId: RunId): Promise<PoolKeys> {
    const { head } = await this.#seen(runId)
    const map = await this.#options.compute.keyMap(head.modelHash)
    if (map === null)
      throw new FederationError('run/no-keys', `The model of ${runId} has no keys to route by`)
    const rows = await this.#digests.curves.of(runId, head.recordHash)
    const usage = rows.findLast(({ metrics }) => usageOf(metrics, 0) !== null)?.metrics
    return {
      ...{ round: rows.at(-1)?.round ?? 0, width: map.width, shown: [...map.shown] },
      keys: map.points.map((point, i) => ({
        ...point,
        usage: usage === undefined ? null : usageOf(usage, i),
      })),
    }
  }

  /** Runs with a privacy audit; the first created first. */
  async audits(): Promise<readonly AuditLine[]> {
    const runs = await this.#options.store.runs()
    const lines = await atMost(AT_A_TIME, runs, async ({ runId }) => {
      const { run, head } = await this.#seen(runId)
      return this.#audits.of(run, await this.#gates.of(runId, head))
    })
    return lines.filter((line) => line !== null)
  }

  async #lineOf({ run, head, eyes }: Seen): Promise<RunLine> {
    const { store, runs } = this.#options
    const { runId } = run
    const { state, reason } = standingOf(head, runs.waitingFor(runId))
    return lineOf(run, {
      standing: { state, reason: eyes.reason(reason) },
      scores: await this.#digests.scores.of(runId, head.recordHash),
      members: await store.memberCount(runId),
      gate: await this.#gates.of(runId, head),
    })
  }

  async #seen(runId: RunId): Promise<Seen> {
    const { store } = this.#options
    const [run, head] = [await store.run(runId), await store.head(runId)]
    if (run === null || head === null) throw noSuchRun(runId)
    return { run, head, eyes: eyesOn(run.config) }
  }
  #recordAt(hash: Hash): Promise<RoundRecord> {
    return readJson<RoundRecord>(this.#options.store.blobs, hash)
  }
}

/** Share of choices that fell on an entry of a pool. */
const usageOf = (metrics: Metrics, entry: number): number | null =>
  metrics[`routing/usage/${entry}`] ?? null

/** In the order in which they first occur. */
const namesIn = (rows: readonly CurveRow[], of: (row: CurveRow) => readonly string[]): string[] => [
  ...new Set(rows.flatMap(of)),
]
