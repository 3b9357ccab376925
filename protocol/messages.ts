import { z } from 'zod'
import { dataCardSchema } from './data-card.js'
import { ERRORS, FederationError, type ErrorCode } from './errors.js'
import { sha256, type Hash } from './ids.js'
import { fail, ok, type Result } from './result.js'
import type { RunConfig } from './run-config.js'

/** Sizes that both sides keep to. */
export const CHUNK_BYTES = 256 * 1024
/** How many chunks of one upload may be unacknowledged. */
export const CHUNK_CREDITS = 4

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as Hash)
const runId = z.string().regex(/^run-[0-9a-z]{12}$/)
const lease = z.string().regex(/^[0-9a-f]{32}$/)
const slot = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
const round = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
const attempt = z.int().min(1).max(1_000_000)
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const metrics = z.record(z.string().max(200), z.number())
const errorCode = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]])
const problem = z.strictObject({ code: errorCode, message: z.string().max(4000) })
export const engineSchema = z.strictObject({
  backend: z.string().max(40),
  version: z.string().max(200),
  threads: z.int().min(1).max(1024),
})
const place = { runId, round, attempt, slot }

const blobRef = z.strictObject({ hash, bytes: count })
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
})

/** Every message on the socket namespace `/fl`, by event name. Acknowledgements are `Ack`. */
const MESSAGES = {
  'node:hello': z.strictObject({
    version: z.string().max(40),
    name: z.string().min(1).max(100),
    card: dataCardSchema,
  }),
  'node:progress': z.strictObject({ runId, round, slot, done: count, total: count }),
  'update:begin': z.strictObject({
    ...place,
    lease,
    updateId: hash,
    sha256: hash,
    bytes: count,
    weight: z
      .int()
      .min(1)
      .max(2 ** 31),
    metrics,
    engine: engineSchema,
  }),
  'update:finish': z.strictObject({ updateId: hash }),
  'task:failed': z.strictObject({ ...place, lease, problem }),
  'fate:ask': z.strictObject(place),
  'round:start': z.strictObject({
    ...place,
    lease,
    deadlineMs: z.number().min(0),
    /** The coordinator parsed it with the full schema; a node reads it as it is. */
    config: z.record(z.string(), z.unknown()).transform((value) => value as unknown as RunConfig),
    configHash: hash,
    purpose: z.enum(['train', 'transfer', 'statistics', 'evaluate']),
    part: z.string().max(40),
    task: z.record(z.string(), z.json()),
    shared: blobRef,
    assets: z.array(z.strictObject({ name: z.string().min(1).max(100), hash, bytes: count })),
    personal: blobRef.nullable(),
    uplink: z.array(uplinkGroup),
    chunkBytes: z
      .int()
      .min(1024)
      .max(16 * 2 ** 20),
  }),
  'round:fate': z.strictObject({ ...place, fate: z.enum(['accepted', 'refused', 'abandoned']) }),
  'run:finished': z.strictObject({ runId }),
} as const

export type MessageName = keyof typeof MESSAGES
export type Message<Name extends MessageName> = z.output<(typeof MESSAGES)[Name]>
export type TaskMessage = Message<'round:start'>

/** What comes back for a message. `problem` names a code of the table; nothing is ever refused in silence. */
export type Ack<Value extends object = object> =
  | ({ readonly ok: true } & Value)
  | { readonly ok: false; readonly problem: { readonly code: ErrorCode; readonly message: string } }
export type BeginAck = Ack<
  { readonly nextChunk: number; readonly chunkBytes: number } | { readonly status: 'accepted' }
>
export type ChunkAck = Ack<{ readonly nextChunk: number }>
export type FinishAck = Ack<{ readonly status: 'accepted' }>
export type FateAck = Ack<{ readonly fate: 'accepted' | 'refused' | 'abandoned' | 'open' }>

const ackSchema = z.union([
  z.looseObject({ ok: z.literal(true) }),
  z.strictObject({ ok: z.literal(false), problem }),
])

/** The message, or `message/malformed` naming the first problem. Never throws. */
export function parseMessage<Name extends MessageName>(
  name: Name,
  value: unknown,
): Result<Message<Name>> {
  return parseWith<Message<Name>>(
    MESSAGES[name] as unknown as z.ZodType<Message<Name>>,
    value,
    name,
  )
}
/** An acknowledgement as it came from the wire. */
export function parseAck<Value extends object>(value: unknown): Result<Ack<Value>> {
  return parseWith(ackSchema as unknown as z.ZodType<Ack<Value>>, value, 'acknowledgement')
}
export const isMessageName = (name: string): name is MessageName => Object.hasOwn(MESSAGES, name)

function parseWith<T>(schema: z.ZodType<T>, value: unknown, name: string): Result<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return ok(parsed.data)
  const [issue] = parsed.error.issues
  const where =
    issue === undefined ? '' : `${issue.path.map(String).join('.') || 'message'}: ${issue.message}`
  return fail(new FederationError('message/malformed', `${name}: ${where}`))
}

/** One id per (place, lease, content): sending the same update again is recognised, another one is a conflict. */
export function updateIdOf(update: {
  readonly runId: string
  readonly round: number
  readonly attempt: number
  readonly slot: number
  readonly lease: string
  readonly sha256: string
}): Hash {
  const parts = [
    update.runId,
    update.round,
    update.attempt,
    update.slot,
    update.lease,
    update.sha256,
  ]
  return sha256(`fl/upd/1|${parts.join('|')}`)
}
