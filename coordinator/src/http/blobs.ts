import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response } from 'express'
import { FederationError } from '#protocol/errors.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import { isHash, isNodeId, type Hash } from '#protocol/ids.js'
import type { BlobStore } from '#coordinator/store/store.js'
import type { Call } from './call.js'
import { openSound } from './sound-file.js'

interface Span {
  readonly start: number
  /** Inclusive. */
  readonly end: number
}

type Source = Pick<BlobStore, 'get' | 'size' | 'path'>

/** Bytes of a blob to a node that has a task which names it; everyone else is told that there is no such blob. */
export async function sendBlob(call: Call): Promise<'sent'> {
  const { parts, who, params, response } = call
  const hash = params['hash'] ?? ''
  const nodeId = who?.subject ?? ''
  const reading = isHash(hash) && isNodeId(nodeId) ? await parts.fleet.readBlob(nodeId, hash) : null
  if (!isHash(hash) || reading === null) throw notFound()
  response.on('finish', () => reading.count(Number(response.getHeader('content-length') ?? 0)))
  return sendBytes(call, reading.blobs, hash)
}

/** A piece of a bundle that a run will start from. */
export async function receiveBlob({
  parts,
  params,
  body,
  request,
}: Call): Promise<HttpAnswer<'PUT /api/blobs/:hash'>> {
  const hash = params['hash'] ?? ''
  if (!isHash(hash)) throw malformed('A blob is named by its SHA-256')
  const range = request.get('content-range') ?? ''
  const [, first, last, whole] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(range) ?? []
  const [start, end, total] = [Number(first), Number(last), Number(whole)]
  const bytes = body instanceof Uint8Array ? body : new Uint8Array(0)
  // NaN, where there is no range, satisfies no comparison.
  if (!(start <= end && end < total && bytes.byteLength === end - start + 1)) {
    throw malformed(
      `Expected content-range: bytes FIRST-LAST/TOTAL for ${bytes.byteLength} bytes, got '${range}'`,
    )
  }
  return { received: await parts.uploads.add(hash, { start, total, bytes }) }
}

/** With ETag and Range, so that an interrupted download goes on where it stopped. */
export async function sendBytes(
  { request, response }: Call,
  blobs: Source,
  hash: Hash,
): Promise<'sent'> {
  const size = await blobs.size(hash)
  if (size === null) throw notFound()
  const span = spanOf(request.range(size), size)
  // Not `request.fresh`: fetch adds `no-cache` to conditional requests, but bytes under a hash never go stale.
  const isKnown = request.get('if-none-match')?.includes(`"${hash}"`) === true
  const { start, end } =
    span === null || span === 'unsatisfiable' ? { start: 0, end: size - 1 } : span
  // Before a word of the answer: bytes that were changed on disk are refused, not served.
  const source =
    isKnown || span === 'unsatisfiable' ? null : await open(blobs, hash, { start, end })
  response.set({
    etag: `"${hash}"`,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000, immutable',
    'content-type': 'application/octet-stream',
  })
  if (isKnown) response.status(304).end()
  else if (source === null) response.status(416).set('content-range', `bytes */${size}`).end()
  else {
    if (span !== null) response.status(206).set('content-range', `bytes ${start}-${end}/${size}`)
    response.set('content-length', String(end - start + 1))
    await stream(source, response)
  }
  return 'sent'
}

/** One range only: null when the whole is asked for, which also answers several ranges. */
function spanOf(
  ranges: ReturnType<Call['request']['range']>,
  size: number,
): Span | null | 'unsatisfiable' {
  if (ranges === undefined || ranges === -2) return null
  if (ranges === -1) return 'unsatisfiable'
  const [first] = ranges
  if (ranges.type !== 'bytes' || ranges.length !== 1 || first === undefined || size === 0)
    return null
  return { start: first.start, end: first.end }
}

async function open(blobs: Source, hash: Hash, { start, end }: Span): Promise<Readable> {
  const path = blobs.path(hash)
  if (path !== null) {
    const file = await openSound(path, hash)
    if (file === null) throw notFound()
    // Closes the file when it ends.
    return file.createReadStream({ start, end: Math.max(end, 0) })
  }
  const bytes = await blobs.get(hash)
  if (bytes === null) throw notFound()
  return Readable.from([Buffer.from(bytes.subarray(start, end + 1))])
}

async function stream(source: Readable, response: Response): Promise<void> {
  try {
    await pipeline(source, response)
  } catch (cause) {
    // The peer went away, or the file did: the head is out already, so only the connection can tell.
    response.destroy(cause instanceof Error ? cause : undefined)
  }
}

const malformed = (message: string): FederationError =>
  new FederationError('message/malformed', message)
const notFound = (): FederationError =>
  new FederationError('http/not-found', 'There is no such blob, or it is not for this node')
