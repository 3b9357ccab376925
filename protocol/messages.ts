import { z } from 'zod'
import { AUDIT_BUDGETS } from './audit-config.js'
import { AUDIT_LEVELS } from './audit-level.js'
import { recordedConfigSchema } from './config-schema.js'
import { dataCardSchema } from './data-card.js'
import { sha256, type Hash } from './ids.js'
import { parseWith } from './parse-with.js'
import { policySchema } from './policy.js'
import type { Result } from './result.js'
import type { UplinkGroup } from './uplink.js'
import * as wire from './wire.js'

export { parseWith } from './parse-with.js'

/** Sizes that both sides keep to. */
export const CHUNK_BYTES = 256 * 1024
/** How many chunks of one upload may be unacknowledged. */
export const CHUNK_CREDITS = 4

const { attempt, blobRef, count, engine, fate, hash, lease, metrics, place, problem, runId } = wire

const uplinkGroup = z.strictObject({
  name: z.string().min(1).max(100),
  tensors: z.array(
    z.strictObject({
      name: z.string().min(1).max(256),
      shape: z.array(count.nullable()).max(8),
      dtype: z.enum(['float64', 'float32', 'float16', 'int32', 'uint8', 'uint16']),
    }),
  ),
  reduce: z.enum(['mean', 'sum', 'gather']),
  weight: z.enum(['examples', 'uniform', 'none']),
  grid: z.strictObject({ bits: z.int().min(0).max(52), maxAbs: z.number().positive() }).nullable(),
  privacyClass: z.enum(['model-delta', 'control-variate', 'statistics', 'per-example', 'metrics']),
  maxBytes: count,
  sparseRows: z.literal(true).exactOptional(),
  protected: z.literal(true).exactOptional(),
  packed: z
    .strictObject({
      places: z.literal(true).exactOptional(),
      bits: z.int().min(2).max(16).exactOptional(),
    })
    .exactOptional(),
}) satisfies z.ZodType<UplinkGroup>

/** Every message on the socket namespace `/fl`, by event name. `update:chunk` is an update frame (frame.ts) instead. */
const MESSAGES = {
  'node:hello': z.strictObject({
    version: z.string().min(1).max(40),
    name: z.string().min(1).max(100),
    card: dataCardSchema,
    policy: policySchema,
  }),
  'node:progress': z.strictObject({
    runId,
    round: wire.round,
    slot: wire.slot,
    done: count,
    total: count,
  }),
  'update:begin': z.strictObject({
    ...place,
    lease,
    updateId: hash,
    sha256: hash,
    bytes: count,
    weight: wire.weight,
    metrics,
    engine,
  }),
  'update:finish': z.strictObject({ updateId: hash }),
  'task:failed': z.strictObject({ ...place, lease, problem }),
  'fate:ask': z.strictObject(place),
  'round:start': z.strictObject({
    ...place,
    attempt: attempt.min(1),
    lease,
    /** How many members were asked in this round: a node's policy may want a least number. */
    cohort: count.min(1),
    /** Milliseconds that were left when the message was sent: clocks of machines differ. */
    deadlineMs: z.number().min(0),
    config: recordedConfigSchema,
    configHash: hash,
    purpose: wire.purpose,
    /** Which part of the program the task belongs to. */
    part: z.string().min(1).max(40),
    task: z.record(z.string(), z.json()),
    shared: blobRef,
    assets: z.array(blobRef.extend({ name: z.string().min(1).max(100) })),
    personal: blobRef.nullable(),
    uplink: z.array(uplinkGroup),
    /** The signed report of the run's privacy audit, and what it says; absent: the run has none. */
    audit: z
      .strictObject({
        report: blobRef,
        verdict: z.enum(AUDIT_LEVELS),
        publicKey: z.string().max(200),
        /** By the budgets to which the audit kept: how many records one may ask for. */
        effort: z.partialRecord(z.enum(AUDIT_BUDGETS), count),
      })
      .exactOptional(),
    chunkBytes: z
      .int()
      .min(1024)
      .max(16 * 2 ** 20),
  }),
  'round:fate': z.strictObject({ ...place, fate }),
  'run:finished': z.strictObject({ runId }),
} as const

export type MessageName = keyof typeof MESSAGES
export const MESSAGE_NAMES = Object.keys(MESSAGES) as readonly MessageName[]
export type Message<Name extends MessageName> = z.output<(typeof MESSAGES)[Name]>
export type TaskMessage = Message<'round:start'>

const done = z.strictObject({ ok: z.literal(true) })
const refused = z.strictObject({ ok: z.literal(false), problem })
const accepted = z.strictObject({ ok: z.literal(true), status: z.literal('accepted') })
const simple = z.union([done, refused])

/** What comes back for each message. `problem` names a code of the table; nothing is ever refused in silence. */
const ACKS = {
  'node:hello': simple,
  'node:progress': simple,
  'update:begin': z.union([
    z.strictObject({ ok: z.literal(true), nextChunk: count, chunkBytes: count.min(1) }),
    accepted,
    refused,
  ]),
  'update:chunk': z.union([z.strictObject({ ok: z.literal(true), nextChunk: count }), refused]),
  'update:finish': z.union([accepted, refused]),
  'task:failed': simple,
  'fate:ask': z.union([
    z.strictObject({ ok: z.literal(true), fate: z.enum([...fate.options, 'open']) }),
    refused,
  ]),
  'round:start': simple,
  'round:fate': simple,
  'run:finished': simple,
} as const
export type AckName = keyof typeof ACKS
export const ACK_NAMES = Object.keys(ACKS) as readonly AckName[]
export type Ack<Name extends AckName> = z.output<(typeof ACKS)[Name]>

/** The message, or `message/malformed` naming the first problem. Never throws. */
export const parseMessage = <Name extends MessageName>(
  name: Name,
  value: unknown,
): Result<Message<Name>> =>
  parseWith(MESSAGES[name] as unknown as z.ZodType<Message<Name>>, name, value)

/** An acknowledgement of the named message as it came from the wire. */
export const parseAck = <Name extends AckName>(name: Name, value: unknown): Result<Ack<Name>> =>
  parseWith(ACKS[name] as unknown as z.ZodType<Ack<Name>>, `the answer to ${name}`, value)

export const isMessageName = (name: string): name is MessageName => Object.hasOwn(MESSAGES, name)

/** What makes an update itself: sending the same again is recognised, another one at the same place is a conflict. */
export interface UpdateKey {
  readonly runId: string
  readonly round: number
  readonly attempt: number
  readonly slot: number
  readonly lease: string
  readonly sha256: string
}
export const updateIdOf = ({
  runId,
  round,
  attempt,
  slot,
  lease,
  sha256: content,
}: UpdateKey): Hash => sha256(`fl/upd/1|${[runId, round, attempt, slot, lease, content].join('|')}`)
