import type { Hash } from '#protocol/ids.js'
import type { RunRecord } from '#protocol/record.js'
import { SPARK_POINTS, type RunLine } from '#protocol/run-views.js'
import { gateStateOf, NOTHING_YET, type GateRecord } from '#coordinator/audit-gate/gate-record.js'
import { readJson } from '#coordinator/store/reachable.js'
import type { BlobStore, Head, RunRow } from '#coordinator/store/store.js'
import type { ScoreRow } from './digests.js'
import { thinned } from './thin.js'

/** Records of gates, each read once. A run has one at a time. */
export class GateRecords {
  readonly #blobs: BlobStore
  readonly #known = new Map<RunRow['runId'], readonly [Hash, GateRecord]>()

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }
  async of(runId: RunRow['runId'], { gateHash }: Pick<Head, 'gateHash'>): Promise<GateRecord> {
    if (gateHash === undefined) return NOTHING_YET
    const [hash, record] = this.#known.get(runId) ?? []
    if (hash === gateHash && record !== undefined) return record
    const read = await readJson<GateRecord>(this.#blobs, gateHash)
    this.#known.set(runId, [gateHash, read])
    return read
  }
}

/** A line of the list of runs. */
export function lineOf(
  { runId, name, kind, createdAt, config }: RunRow,
  {
    standing,
    scores,
    members,
    gate,
  }: {
    readonly standing: Pick<RunRecord, 'state' | 'reason'>
    readonly scores: readonly ScoreRow[]
    readonly members: number
    readonly gate: GateRecord
  },
): RunLine {
  const course = scores.flatMap(({ round, accuracy }) =>
    accuracy === null ? [] : [{ x: round, y: accuracy }],
  )
  const latest = scores.at(-1)
  return {
    ...{ runId, name, kind, createdAt, members, ...standing },
    ...{ method: config.method.name, model: config.model.name },
    // After the last training round the model may be calibrated and scored in rounds of their own.
    ...{ round: Math.min(latest?.round ?? 0, config.rounds), rounds: config.rounds },
    accuracy: course.at(-1)?.y ?? null,
    accuracies: thinned(course, SPARK_POINTS).map(({ y }) => y),
    audit: { state: gateStateOf(config, gate), verdict: gate.decision?.verdict ?? null },
    latestAt: latest?.closedAt ?? null,
  }
}
