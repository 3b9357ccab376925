import type { Hash, Slot } from '#protocol/ids.js'
import type { Metrics, RoundRecord } from '#protocol/record.js'
import type { BlobStore } from '#coordinator/store/store.js'
import { RecordRows } from './record-rows.js'

/** Of a round, for the list of runs. */
export interface ScoreRow {
  readonly round: number
  /** Null where the round scored nothing. */
  readonly accuracy: number | null
  readonly closedAt: string
}
/** Of a round, for curves. */
export interface CurveRow {
  readonly round: number
  /** Of its record. */
  readonly hash: Hash
  readonly closedAt: string
  /** Both ways, of this round alone. */
  readonly bytes: number
  readonly metrics: Metrics
  /** Names of what members told of themselves. */
  readonly memberMetrics: readonly string[]
  readonly isDiagnosed: boolean
}
/** What members told of themselves in a round. */
export interface MemberRow {
  readonly round: number
  readonly members: readonly (readonly [Slot, Metrics])[]
}

/** Most numbers in memory, about 8 to 40 bytes each: 300 runs of 1,000 rounds; 50 with a dozen metrics; ten of 100 members. */
const MOST = { scores: 1e6, curves: 2e6, members: 4e6 }

/** What is kept in memory of closed rounds. Nothing in it is filtered yet: `privacy.ts` is for whoever hands it out. */
export interface Digests {
  readonly scores: RecordRows<ScoreRow>
  readonly curves: RecordRows<CurveRow>
  readonly members: RecordRows<MemberRow>
}

export const createDigests = (blobs: BlobStore): Digests => ({
  scores: new RecordRows(blobs, { rowOf: scoreRow, size: () => 3, most: MOST.scores }),
  curves: new RecordRows(blobs, {
    rowOf: curveRow,
    size: ({ metrics, memberMetrics }) => 8 + Object.keys(metrics).length + memberMetrics.length,
    most: MOST.curves,
  }),
  members: new RecordRows(blobs, {
    rowOf: memberRow,
    size: ({ members }) => members.reduce((sum, [, told]) => sum + 1 + Object.keys(told).length, 1),
    most: MOST.members,
  }),
})

function scoreRow({ round, metrics, closedAt }: RoundRecord): ScoreRow {
  const accuracy =
    metrics['accuracy'] ?? metrics['federated/accuracy'] ?? metrics['clients/accuracy'] ?? null
  return { round, accuracy, closedAt }
}

function curveRow(record: RoundRecord, hash: Hash): CurveRow {
  const { round, closedAt, metrics, accepted, diagnostics } = record
  return {
    ...{ round, hash, closedAt, metrics },
    bytes: record.bytesUp + record.bytesDown,
    memberMetrics: [...new Set(accepted.flatMap((one) => Object.keys(one.metrics)))],
    isDiagnosed: diagnostics !== undefined && Object.keys(diagnostics).length > 0,
  }
}

const memberRow = ({ round, accepted }: RoundRecord): MemberRow => ({
  round,
  members: accepted.map(({ slot, metrics }) => [slot, metrics]),
})
