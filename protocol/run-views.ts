/**
 * What people see of a run: thinned for looking at, and without what its privacy settings hide. The page that a coordinator
 * serves reads this; replays, exports and comparisons read the record.
 */
import { z } from 'zod'
import { AUDIT_LEVELS } from './audit-level.js'
import { dataCardSchema } from './data-card.js'
import { runRecordSchema } from './record.js'
import { attempt, count, engine, hash, nodeId, purpose, round, runId, slot, time } from './wire.js'

/** Most points of one curve: more cannot be told apart on a screen. */
export const MOST_POINTS = 2000
/** Of the small curve beside a run's name. */
export const SPARK_POINTS = 40
/** Most runs that one page watches: as many as it compares. */
export const MOST_WATCHED_RUNS = 12
/** Most rounds of one timeline. */
export const MOST_TIMELINE_ROUNDS = 60

const { state, config, name, kind } = runRecordSchema.shape
const values = z.array(z.number().nullable()).max(MOST_POINTS)

/** What is known of the privacy audit of a run, in a word. none: it has no audit. */
export const AUDIT_STATES = [
  'none',
  'under-way',
  'passed',
  'above-threshold',
  'unsound',
  'overridden',
] as const
export const auditState = z.enum(AUDIT_STATES)

/** A line of the list of runs. */
export const runLineSchema = z.strictObject({
  ...{ runId, name, kind, state },
  reason: z.string().nullable(),
  method: z.string(),
  model: z.string(),
  /** The latest closed round of `rounds`, which are those that train. */
  round: z.int().min(0),
  rounds: z.int().min(0),
  /** Members so far. */
  members: count,
  /** Of the model that is released, or the mean of clients' own where nothing else is scored. */
  accuracy: z.number().nullable(),
  /** Its course, thinned. */
  accuracies: z.array(z.number()).max(SPARK_POINTS),
  audit: z.strictObject({ state: auditState, verdict: z.enum(AUDIT_LEVELS).nullable() }),
  createdAt: time,
  /** When its latest round closed; null: none has. */
  latestAt: time.nullable(),
})
export type RunLine = z.infer<typeof runLineSchema>

/** What became of a member's task. late: it came after the round had what it wanted. */
export const MEMBER_STATES = ['asked', 'accepted', 'refused', 'failed'] as const
const memberProgress = z.strictObject({
  slot,
  state: z.enum(MEMBER_STATES),
  /** When that was known; null while it is asked. */
  at: time.nullable(),
  /** Why, for the last two. */
  code: z.string().nullable(),
})
export const ATTEMPT_OUTCOMES = ['open', 'closed', 'abandoned'] as const
/** One attempt at one round. `members` is empty, and `counts` tells, where privacy settings hide who took part. */
export const attemptSchema = z.strictObject({
  ...{ round, attempt, purpose },
  part: z.string(),
  openedAt: time,
  endedAt: time.nullable(),
  outcome: z.enum(ATTEMPT_OUTCOMES),
  /** Null: it waits as long as it takes. */
  deadlineSeconds: z.number().nullable(),
  counts: z.strictObject({ asked: count, accepted: count, refused: count, failed: count }),
  members: z.array(memberProgress),
})
export type Attempt = z.infer<typeof attemptSchema>
export type MemberProgress = z.infer<typeof memberProgress>

/** Where a run is in its state machine; `auditing` before the first round, where it is audited. */
export const STAGES = [
  'auditing',
  'planned',
  'collecting',
  'frozen',
  'done',
  'stopped',
  'failed',
] as const
export const stageSchema = z.strictObject({ stage: z.enum(STAGES), round, attempt })
export type Stage = z.infer<typeof stageSchema>

/** A run as its page begins; events after `lastSeq` go on from there. */
export const runViewSchema = z.strictObject({
  line: runLineSchema,
  stage: stageSchema,
  /** The latest attempt; null before the first. */
  latest: attemptSchema.nullable(),
  lastSeq: z.int().min(0),
  config,
  configHash: hash,
  version: z.string(),
  engine,
  modelHash: hash.nullable(),
  roster: z.array(
    z.strictObject({
      slot,
      nodeId: nodeId.nullable(),
      name: z.string(),
      engine,
      /** Null where privacy settings hide what members hold. */
      card: dataCardSchema.nullable(),
    }),
  ),
  /** Names of metrics that there are curves of: of the run, and of single members. */
  metrics: z.array(z.string()),
  memberMetrics: z.array(z.string()),
  /** Latest rounds whose record has diagnostics, ascending. */
  diagnosed: z.array(round).max(MOST_POINTS),
  /** What privacy settings keep from being seen, sentences without a full stop; empty: nothing. */
  hidden: z.array(z.string()),
})
export type RunView = z.infer<typeof runViewSchema>

/** A curve by rounds; `seconds` since the run began, `bytes` both ways up to the end of the round. */
export const curveSchema = z.strictObject({
  name: z.string(),
  rounds: z.array(round).max(MOST_POINTS),
  seconds: values,
  bytes: values,
  values,
})
export type Curve = z.infer<typeof curveSchema>
/** A curve of each member, in slot order. */
export const memberCurvesSchema = z.strictObject({
  name: z.string(),
  members: z.array(z.strictObject({ slot, rounds: z.array(round).max(MOST_POINTS), values })),
})
export type MemberCurves = z.infer<typeof memberCurvesSchema>
