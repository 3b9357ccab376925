/** What people see of a coordinator beside its runs: nodes, privacy audits, how it does. Queries of what it tells of runs. */
import { z } from 'zod'
import { AUDIT_BUDGETS } from './audit-config.js'
import { AUDIT_LEVELS } from './audit-level.js'
import { dataCardSchema } from './data-card.js'
import { policySchema } from './policy.js'
import {
  attemptSchema,
  auditState,
  curveSchema,
  MOST_POINTS,
  MOST_TIMELINE_ROUNDS,
} from './run-views.js'
import { count, engine, hash, nodeId, problem, round, runId, slot, time } from './wire.js'

/** Most curves of one answer. */
export const MOST_CURVES = 128
const DEFAULT_POINTS = 500

const points = (most: number) => z.coerce.number().int().min(3).max(most)
const metricName = z.string().min(1).max(200)

/** Query of `GET /api/runs/:id/curves`: `name` once for each metric. */
export const curvesQuerySchema = z.strictObject({
  name: z
    .union([metricName.transform((name) => [name]), z.array(metricName).min(1)])
    .pipe(z.array(z.string()).max(MOST_CURVES)),
  points: points(MOST_POINTS).default(MOST_POINTS),
})
/** Query of `GET /api/runs/:id/member-curves`. */
export const memberCurvesQuerySchema = z.strictObject({
  name: metricName,
  /** Of each member; fewer where there are so many members that the answer would be too large. */
  points: points(MOST_POINTS).default(DEFAULT_POINTS),
})
/** Query of `GET /api/runs/:id/timeline`: attempts at the latest `rounds` rounds before round `before`; without it, of all. */
export const timelineQuerySchema = z.strictObject({
  before: z.coerce.number().int().min(0).exactOptional(),
  rounds: z.coerce.number().int().min(1).max(MOST_TIMELINE_ROUNDS).default(20),
})

export const curvesSchema = z.strictObject({
  /** In the order of the query; what there is no metric of that name is left out. */
  curves: z.array(curveSchema),
})
export const timelineSchema = z.strictObject({
  /** Oldest first. */
  attempts: z.array(attemptSchema),
  /** Events after this one go on from there. */
  lastSeq: z.int().min(0),
  /** Whether there are earlier ones. */
  hasEarlier: z.boolean(),
})

/** Keys of a pool (FedIns) seen from where they lie farthest apart: their first two principal components. */
export const keysSchema = z.strictObject({
  /** After which round. */
  round,
  /** Dimensions of a key. */
  width: count,
  /** Share of the keys' spread that each direction shows. */
  shown: z.tuple([z.number(), z.number()]),
  keys: z.array(
    z.strictObject({
      x: z.number(),
      y: z.number(),
      /** Share of choices in the latest training round; null before the first. */
      usage: z.number().nullable(),
    }),
  ),
})
export type PoolKeys = z.infer<typeof keysSchema>

/** A run with a privacy audit, or with a report that was attached. */
export const auditLineSchema = z.strictObject({
  runId,
  name: z.string(),
  createdAt: time,
  state: auditState,
  /** The highest verdict with which it starts; null: any. */
  threshold: z.enum(AUDIT_LEVELS).nullable(),
  verdict: z.enum(AUDIT_LEVELS).nullable(),
  because: z.string().nullable(),
  /** Why the report proves nothing, sentences without a full stop; empty: it is sound, or there is none yet. */
  obstacles: z.array(z.string()),
  source: z.enum(['audited', 'attached']).nullable(),
  decidedAt: time.nullable(),
  override: z.strictObject({ by: z.string(), reason: z.string(), at: time }).nullable(),
  /** Of its report; null before there is one. */
  report: z
    .strictObject({
      name: z.string(),
      createdAt: time,
      /** Of Tributary, with which it was made. */
      version: z.string(),
      budget: z.enum(AUDIT_BUDGETS),
      records: count,
      /** Keys of the configuration in which the run differs from what was audited; empty: none. */
      staleKeys: z.array(z.string()),
      /** Until when its pictures may be kept; null: it holds none. */
      picturesUntil: z.iso.date().nullable(),
    })
    .nullable(),
})
export type AuditLine = z.infer<typeof auditLineSchema>

const failure = z.strictObject({ runId, round, at: time, problem })
export const nodeLineSchema = z.strictObject({
  nodeId,
  name: z.string().min(1).max(100),
  enrolledAt: time,
  revokedAt: time.nullable(),
  online: z.boolean(),
  engine: engine.nullable(),
  /** What it said of its data when it was connected last; null: not since this coordinator started. */
  card: dataCardSchema.nullable(),
  policy: policySchema.nullable(),
  /** When it was connected last; null as above. */
  lastSeenAt: time.nullable(),
  /** How fast it trained last, as far as its progress tells; null: it has not told. */
  examplesPerSecond: z.number().min(0).nullable(),
  /** Since this coordinator started; of the latest ones why, latest first. */
  failures: z.strictObject({ count, latest: z.array(failure) }),
  /** The task it is performing now. Null also where privacy settings hide who takes part. */
  task: z
    .strictObject({
      runId,
      round: z.int().min(0),
      slot,
      /** Training steps; null until the node has told. */
      progress: z.strictObject({ done: z.int().min(0), total: z.int().min(0) }).nullable(),
    })
    .nullable(),
  /** Runs in which it is not asked for so many seconds more, after so many failures in a row. */
  coolDowns: z.array(
    z.strictObject({
      runId,
      failures: z.int().min(1),
      seconds: z.number().min(0),
      reason: z.string(),
    }),
  ),
})
export type NodeLine = z.infer<typeof nodeLineSchema>

const bytes = z.number().min(0)
/** How the coordinator did at one time. */
export const operationsSampleSchema = z.strictObject({
  at: time,
  /** How late the event loop was in 99 of 100 cases since the sample before, in milliseconds. */
  lagMs: z.number().min(0),
  rssBytes: bytes,
  heapBytes: bytes,
  /** Of the data directory; null until it was measured. */
  storeBytes: bytes.nullable(),
  freeBytes: bytes.nullable(),
  connections: count,
  nodesOnline: count,
  uploadsActive: count,
  uploadsWaiting: count,
})
export type OperationsSample = z.infer<typeof operationsSampleSchema>

export const operationsSchema = z.strictObject({
  version: z.string(),
  startedAt: time,
  now: operationsSampleSchema,
  /** Of the last hour at most, one every `everySeconds`, oldest first. */
  everySeconds: z.number().positive(),
  samples: z.array(operationsSampleSchema),
  /** Whether the audit log still is what was written. */
  log: z.strictObject({
    /** Entries that are as they were written. */
    entries: count,
    head: hash.nullable(),
    /** Numbers of intents without an outcome. */
    unfinished: z.array(z.int().min(1)),
    /** The first entry that is not as it was written, or is missing; null: none. */
    fault: z.strictObject({ index: z.int().min(1), reason: z.string() }).nullable(),
  }),
})
export type OperationsView = z.infer<typeof operationsSchema>
