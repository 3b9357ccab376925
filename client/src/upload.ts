import { setTimeout } from 'node:timers/promises'
import { encodeFrame, type FrameHeader } from '#protocol/frame.js'
import { FederationError, type Problem } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import { CHUNK_CREDITS, updateIdOf } from '#protocol/messages.js'
import type { OpenTask } from './state/node-state.js'
import type { Link } from './transport/socket.js'

/** Refusals after which beginning again can help: bytes were lost or mixed up on the way. */
const REPEATABLE = new Set<string>([
  'upload/out-of-order',
  'upload/too-slow',
  'update/corrupt',
  'coordinator/unreachable',
  // A disk that is full now may not be later; the update is safe here until then.
  'store/io',
])
const MOST_REPEATS = 20
/** Before an update is offered again to a coordinator whose disk is in trouble: doubled each time. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [500, 60_000]

type Verdict = 'accepted' | Problem

/** The task that an update answers, and what is told with it. */
export type UploadTask = Pick<
  OpenTask,
  | 'runId'
  | 'round'
  | 'attempt'
  | 'slot'
  | 'lease'
  | 'weight'
  | 'metrics'
  | 'engine'
  | 'updateSha256'
>

export interface UploadOptions {
  readonly update: Uint8Array
  readonly signal: AbortSignal
  /** Default: real time. Rejects when the signal aborts. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>
}
const realPause: NonNullable<UploadOptions['pause']> = (ms, signal) =>
  setTimeout(ms, undefined, { signal })

/**
 * Sends an update until the coordinator has answered for good. An interrupted upload goes on at the first chunk that the
 * coordinator does not hold; an update that it has already gets the same answer again.
 */
export async function upload(
  link: Link,
  task: UploadTask,
  { update, signal, pause = realPause }: UploadOptions,
): Promise<Verdict> {
  let repeats = 0
  for (;;) {
    await link.connected()
    signal.throwIfAborted()
    try {
      await uploadOnce(link, task, update)
      return 'accepted'
    } catch (error) {
      if (!(error instanceof FederationError)) throw error
      if (error.code !== 'coordinator/unreachable') repeats += 1
      if (!REPEATABLE.has(error.code) || repeats > MOST_REPEATS) return error.toProblem()
      if (error.code === 'store/io')
        await pause(Math.min(FIRST_PAUSE_MS * 2 ** (repeats - 1), LONGEST_PAUSE_MS), signal)
    }
  }
}

async function uploadOnce(link: Link, task: UploadTask, update: Uint8Array): Promise<void> {
  const { runId, round, attempt, slot, lease, weight, metrics, engine, updateSha256 } = task
  const updateId = updateIdOf({ runId, round, attempt, slot, lease, sha256: updateSha256 })
  const begun = await link.ask('update:begin', {
    ...{ runId, round, attempt, slot, lease, updateId, weight, metrics, engine },
    sha256: updateSha256,
    bytes: update.length,
  })
  if ('status' in begun) return
  const header: FrameHeader = {
    ...{ runId, round, attempt, lease, updateId, weight },
    payloadSha256: updateSha256,
    payloadBytes: update.length,
  }
  await sendChunks(link, { header, update, chunkBytes: begun.chunkBytes, from: begun.nextChunk })
  await link.ask('update:finish', { updateId })
  faultPoint('client.uploaded')
}

interface Sending {
  readonly header: FrameHeader
  readonly update: Uint8Array
  readonly chunkBytes: number
  readonly from: number
}
/** In order, with a few on the way at a time. */
async function sendChunks(
  link: Link,
  { header, update, chunkBytes, from }: Sending,
): Promise<void> {
  const count = Math.ceil(update.length / chunkBytes)
  const inFlight: Promise<unknown>[] = []
  try {
    for (let index = from; index < count; index += 1) {
      const chunk = update.subarray(index * chunkBytes, (index + 1) * chunkBytes)
      const frame = encodeFrame({ header, chunkIndex: index, chunk })
      const sent = link.ask('update:chunk', Buffer.from(frame.buffer))
      // Each is waited for in its turn; one that fails before that is no unhandled rejection.
      sent.catch(() => undefined)
      inFlight.push(sent)
      faultPoint('client.uploading')
      if (inFlight.length >= CHUNK_CREDITS) await inFlight.shift()
    }
    await Promise.all(inFlight)
  } catch (error) {
    await Promise.allSettled(inFlight)
    throw error
  }
}
