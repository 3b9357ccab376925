import sjson from 'secure-json-parse'
import { z } from 'zod'
import { recordedConfigSchema } from './config-schema.js'
import { describeIssue } from './config-problems.js'
import { dataCardSchema, type DataCard } from './data-card.js'
import { diagnosticsSchema, type Diagnostics } from './diagnostics.js'
import { FederationError } from './errors.js'
import type { Hash, NodeId, RunId, Slot } from './ids.js'
import { isShallow } from './json.js'
import { fail, ok, type Result } from './result.js'
import type { RunConfig } from './run-config.js'
import {
  attempt,
  count,
  engine,
  hash,
  metrics,
  nodeId,
  purpose,
  round,
  runId,
  slot,
  time,
  weight,
} from './wire.js'

const MAX_DEPTH = 32

export type Metrics = Readonly<Record<string, number>>
export type Purpose = 'train' | 'transfer' | 'statistics' | 'evaluate'
/** What became of a member's update: counted, refused (late, invalid, a conflict), or its round was given up. */
export type Fate = 'accepted' | 'refused' | 'abandoned'

/** An update that counts. `blob` holds its bytes, or the partial sum that a simulation worker folded it into. */
export interface AcceptedUpdate {
  readonly slot: Slot
  readonly updateId: Hash
  readonly sha256: Hash
  readonly weight: number
  readonly metrics: Metrics
  readonly blob: Hash
}

/** One closed round. Immutable; `previous` chains it to the one before. */
export interface RoundRecord {
  readonly runId: RunId
  readonly round: number
  readonly attempt: number
  readonly purpose: Purpose
  readonly part: string
  readonly cohort: readonly Slot[]
  /** In slot order. Empty in round 0, the initial evaluation. */
  readonly accepted: readonly Omit<AcceptedUpdate, 'blob'>[]
  /**
   * Only where privacy settings hide who took part: `cohort` and `accepted` are empty then, and this says how many. What a
   * coordinator stores has none.
   */
  readonly counts?: { readonly asked: number; readonly accepted: number }
  readonly population: number
  /** accuracy and loss in [0,1] and nats where evaluated; `recall/<class>`; a method's own. */
  readonly metrics: Metrics
  /** More than numbers by name, where the run asks for it. */
  readonly diagnostics?: Diagnostics
  /** Examples of the central test split by label and, within it, by what the model predicts; where it was scored, up to 32 classes. */
  readonly confusion?: readonly (readonly number[])[]
  readonly modelHash: Hash
  readonly stateHash: Hash
  readonly previous: Hash | null
  readonly bytesUp: number
  readonly bytesDown: number
  readonly durationMs: number
  /** Where deadlines are adaptive: when four in five of the wanted updates had come, in ms after the opening; null: fewer did. */
  readonly paceMs?: number | null
  readonly closedAt: string
}

/** What computed: part of a fingerprint, because it decides the last bits. */
export interface Engine {
  readonly backend: string
  readonly version: string
  readonly threads: number
}
export interface RosterEntry {
  readonly slot: Slot
  readonly nodeId: NodeId | null
  readonly name: string
  readonly card: DataCard
  readonly engine: Engine
}

export type RunState = 'waiting' | 'running' | 'stopped' | 'finished' | 'failed'

/** Everything a run leaves: `runs export`, `compare`, `simulate --replay` and the dashboard read this and nothing else. */
export interface RunRecord {
  readonly format: 1
  readonly kind: 'deployed' | 'simulated' | 'replay'
  readonly runId: RunId
  readonly name: string
  readonly createdAt: string
  readonly state: RunState
  /** Why the run waits, stopped or failed. */
  readonly reason: string | null
  readonly config: RunConfig
  readonly configHash: Hash
  readonly version: string
  /** The engine of the coordinator's compute worker. */
  readonly engine: Engine
  readonly roster: readonly RosterEntry[]
  readonly rounds: readonly RoundRecord[]
  readonly modelHash: Hash | null
}

export const roundRecordSchema = z.strictObject({
  runId,
  round,
  attempt,
  purpose,
  part: z.string().max(40),
  cohort: z.array(slot),
  accepted: z.array(z.strictObject({ slot, updateId: hash, sha256: hash, weight, metrics })),
  counts: z.strictObject({ asked: count, accepted: count }).exactOptional(),
  population: count,
  metrics,
  diagnostics: diagnosticsSchema.exactOptional(),
  confusion: z.array(z.array(count).max(32)).max(32).exactOptional(),
  modelHash: hash,
  stateHash: hash,
  previous: hash.nullable(),
  bytesUp: count,
  bytesDown: count,
  durationMs: z.number().nonnegative(),
  paceMs: z.number().nonnegative().nullable().exactOptional(),
  closedAt: time,
}) satisfies z.ZodType<RoundRecord>

export const runRecordSchema = z.strictObject({
  format: z.literal(1),
  kind: z.enum(['deployed', 'simulated', 'replay']),
  runId,
  name: z.string().min(1).max(100),
  createdAt: time,
  state: z.enum(['waiting', 'running', 'stopped', 'finished', 'failed']),
  reason: z.string().nullable(),
  config: recordedConfigSchema,
  configHash: hash,
  version: z.string().max(40),
  engine,
  roster: z.array(
    z.strictObject({
      slot,
      nodeId: nodeId.nullable(),
      name: z.string(),
      card: dataCardSchema,
      engine,
    }),
  ),
  rounds: z.array(roundRecordSchema),
  modelHash: hash.nullable(),
}) satisfies z.ZodType<RunRecord>

/** How many a round asked, and how many of them count in it: also where privacy settings hide who they are. */
export const countsOf = ({
  cohort,
  accepted,
  counts,
}: Pick<RoundRecord, 'cohort' | 'accepted' | 'counts'>): {
  readonly asked: number
  readonly accepted: number
} => counts ?? { asked: cohort.length, accepted: accepted.length }

const notARecord = (why: string, cause?: unknown): Result<RunRecord> =>
  fail(new FederationError('config/invalid', `This is no record of a run: ${why}`, { cause }))

/** A run's record from its JSON text; `config/invalid` when it is none. Never throws. */
export function parseRunRecord(text: string): Result<RunRecord> {
  let value: unknown
  try {
    value = sjson.parse(text, { protoAction: 'error', constructorAction: 'error' })
  } catch (cause) {
    return notARecord('it is not JSON', cause)
  }
  if (!isShallow(value, MAX_DEPTH)) return notARecord('it is nested too deeply')
  const parsed = runRecordSchema.safeParse(value, { error: describeIssue })
  return parsed.success ? ok(parsed.data) : notARecord(parsed.error.issues[0]?.message ?? '')
}
