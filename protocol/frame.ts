import sjson from 'secure-json-parse'
import { z } from 'zod'
import { describeIssue } from './config-problems.js'
import { FederationError } from './errors.js'
import { canonicalJson } from './json.js'
import { fail, ok, type Result } from './result.js'
import { attempt, count, hash, lease, round, runId, weight } from './wire.js'

/** Which upload a chunk belongs to; repeated in every frame, so that each can be judged alone. */
const frameHeaderSchema = z.strictObject({
  runId,
  round,
  attempt,
  lease,
  updateId: hash,
  payloadSha256: hash,
  payloadBytes: count,
  weight,
})
export type FrameHeader = z.output<typeof frameHeaderSchema>
export interface Frame {
  readonly header: FrameHeader
  /** 0, 1, 2 … strictly in order. */
  readonly chunkIndex: number
  readonly chunk: Uint8Array
}

const MAGIC = 0x31554c46 // 'FLU1', little-endian
const VERSION = 1
const PREFIX_BYTES = 8
const CHUNK_PREFIX_BYTES = 8
const MAX_HEADER_BYTES = 8192

const malformed = (message: string): FederationError =>
  new FederationError('frame/malformed', message)

/** magic 'FLU1' | u16 version | u16 header length | header JSON | u32 chunk index | u32 chunk length | bytes; little-endian. */
export function encodeFrame({ header, chunkIndex, chunk }: Frame): Uint8Array {
  const json = Buffer.from(canonicalJson(header), 'utf8')
  const bytes = new Uint8Array(PREFIX_BYTES + json.length + CHUNK_PREFIX_BYTES + chunk.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint16(4, VERSION, true)
  view.setUint16(6, json.length, true)
  bytes.set(json, PREFIX_BYTES)
  const tail = PREFIX_BYTES + json.length
  view.setUint32(tail, chunkIndex, true)
  view.setUint32(tail + 4, chunk.length, true)
  bytes.set(chunk, tail + CHUNK_PREFIX_BYTES)
  return bytes
}

/** Pure; never throws; the chunk is a view. `maxChunkBytes`: what the coordinator granted. */
export function decodeFrame(
  bytes: Uint8Array,
  { maxChunkBytes }: { readonly maxChunkBytes: number },
): Result<Frame> {
  if (bytes.length < PREFIX_BYTES)
    return fail(malformed(`A frame has at least ${PREFIX_BYTES} bytes, got ${bytes.length}`))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== MAGIC) return fail(malformed("A frame starts with 'FLU1'"))
  const version = view.getUint16(4, true)
  if (version !== VERSION) return fail(malformed(`Frame version ${version} is not ${VERSION}`))
  const headerBytes = view.getUint16(6, true)
  const tail = PREFIX_BYTES + headerBytes
  if (headerBytes > MAX_HEADER_BYTES || tail + CHUNK_PREFIX_BYTES > bytes.length) {
    return fail(malformed(`The header claims ${headerBytes} bytes`))
  }
  const chunkBytes = view.getUint32(tail + 4, true)
  const chunk = new Uint8Array(
    bytes.buffer,
    bytes.byteOffset + tail + CHUNK_PREFIX_BYTES,
    bytes.length - tail - CHUNK_PREFIX_BYTES,
  )
  if (chunkBytes !== chunk.length)
    return fail(malformed(`The chunk claims ${chunkBytes} bytes, ${chunk.length} are there`))
  if (chunkBytes < 1 || chunkBytes > maxChunkBytes)
    return fail(malformed(`A chunk has 1 to ${maxChunkBytes} bytes, got ${chunkBytes}`))
  const header = parseHeader(bytes.subarray(PREFIX_BYTES, tail))
  if (!header.ok) return header
  const chunkIndex = view.getUint32(tail, true)
  const { payloadBytes } = header.value
  if (chunkBytes > payloadBytes || chunkIndex >= payloadBytes) {
    return fail(
      malformed(`Chunk ${chunkIndex} of ${chunkBytes} bytes is no part of ${payloadBytes} bytes`),
    )
  }
  return ok({ header: header.value, chunkIndex, chunk })
}

function parseHeader(bytes: Uint8Array): Result<FrameHeader> {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let value: unknown
  try {
    value = sjson.parse(source.toString('utf8'), {
      protoAction: 'error',
      constructorAction: 'error',
    })
  } catch (cause) {
    return fail(new FederationError('frame/malformed', 'The header is not JSON', { cause }))
  }
  const parsed = frameHeaderSchema.safeParse(value, { error: describeIssue })
  if (!parsed.success) return fail(malformed(`Header: ${parsed.error.issues[0]?.message ?? ''}`))
  // The schema is flat, so what passed it is not nested deeply.
  if (!source.equals(Buffer.from(canonicalJson(parsed.data), 'utf8'))) {
    return fail(malformed('The header is not canonical JSON'))
  }
  return ok(parsed.data)
}
