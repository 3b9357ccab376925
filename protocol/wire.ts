/** Schemas of the small values that messages, records and frames share. */
import { z } from 'zod'
import type { BlobRef } from './blob-ref.js'
import { ERRORS, type ErrorCode, type Problem } from './errors.js'
import { isHash, isNodeId, isRunId, type Hash, type NodeId, type RunId } from './id-shapes.js'

const LARGEST_INT32 = 2 ** 31 - 1
const branded = <Id extends string>(isId: (text: string) => text is Id, what: string) =>
  z.custom<Id>((value) => typeof value === 'string' && isId(value), `expected ${what}`)

export const hash = branded<Hash>(isHash, 'a SHA-256: 64 lower-case hexadecimal digits')
export const runId = branded<RunId>(isRunId, 'the id of a run')
export const nodeId = branded<NodeId>(isNodeId, 'the id of a node')
/** 128 random bits that a task carries and its update must present. */
export const lease = z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits')
export const slot = z.int().min(0).max(LARGEST_INT32)
/** 0: the initial evaluation. */
export const round = z.int().min(0).max(LARGEST_INT32)
/** From 1; 0 only in the record of round 0. */
export const attempt = z.int().min(0).max(1_000_000)
export const weight = z
  .int()
  .min(1)
  .max(2 ** 31)
export const count = z.int().min(0)
/** ISO 8601 in UTC, as `Date.toISOString` writes it. */
export const time = z.iso.datetime()
export const metrics = z.record(z.string().max(200), z.number())
export const purpose = z.enum(['train', 'transfer', 'statistics', 'evaluate'])
export const fate = z.enum(['accepted', 'refused', 'abandoned'])
export const engine = z.strictObject({
  backend: z.string().min(1).max(40),
  version: z.string().max(200),
  threads: z.int().min(1).max(1024),
})
export const blobRef = z.strictObject({ hash, bytes: count }) satisfies z.ZodType<BlobRef>
export const problem = z.strictObject({
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  message: z.string().max(4000),
}) satisfies z.ZodType<Problem>
export const place = { runId, round, attempt, slot }
