import { describe, expect, it } from 'vitest'
import { decodeFrame } from '#protocol/frame.js'
import { FederationError } from '#protocol/errors.js'
import { sha256, type RunId } from '#protocol/ids.js'
import { unwrap } from '#protocol/result.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { OpenTask } from './state/node-state.js'
import type { Link } from './transport/socket.js'
import { upload } from './upload.js'

const UPDATE = Uint8Array.from({ length: 2500 }, (_, i) => i % 251)
const CHUNK_BYTES = 1024
const TASK: OpenTask = {
  runId: 'run-000000000000' as RunId,
  round: 2,
  attempt: 1,
  slot: 3,
  lease: '0'.repeat(32),
  part: 'method',
  config: {} as RunConfig,
  weight: 7,
  metrics: {},
  engine: { backend: 'cpu', version: '1', threads: 1 },
  privacy: {},
  updateSha256: sha256(UPDATE),
  hasPending: false,
}

/** A coordinator that keeps what arrives, and loses the connection before the chunks named in `lostAt`. */
function coordinator(options: { lostAt?: readonly number[]; verdict?: FederationError } = {}) {
  const staged: Uint8Array[] = []
  const lostAt = [...(options.lostAt ?? [])]
  const begins: number[] = []
  let isDone = false
  const answers: Record<string, (message: unknown) => object> = {
    'update:begin': () => {
      begins.push(staged.length)
      return isDone
        ? { ok: true, status: 'accepted' }
        : { ok: true, nextChunk: staged.length, chunkBytes: CHUNK_BYTES }
    },
    'update:chunk': (message) => {
      const { chunk, chunkIndex } = unwrap(
        decodeFrame(message as Uint8Array, { maxChunkBytes: CHUNK_BYTES }),
      )
      if (lostAt[0] === chunkIndex) {
        lostAt.shift()
        throw new FederationError('coordinator/unreachable', 'lost')
      }
      if (chunkIndex !== staged.length)
        throw new FederationError('upload/out-of-order', `want ${staged.length}`)
      staged.push(Uint8Array.from(chunk))
      return { ok: true, nextChunk: staged.length }
    },
    'update:finish': () => {
      if (options.verdict !== undefined) throw options.verdict
      isDone = true
      return { ok: true, status: 'accepted' }
    },
  }
  const link = {
    connected: () => Promise.resolve(),
    ask: async (name: string, message: unknown) => answers[name]?.(message),
  } as unknown as Link
  return { link, begins, bytes: () => Buffer.concat(staged) }
}
const { signal } = new AbortController()

describe('upload', () => {
  it('sends the update in chunks, in order', async () => {
    const server = coordinator()
    expect(await upload(server.link, TASK, { update: UPDATE, signal })).toBe('accepted')
    expect(server.bytes().equals(UPDATE)).toBe(true)
  })

  it('goes on at the first missing chunk after the connection was lost, twice', async () => {
    const server = coordinator({ lostAt: [1, 1] })
    expect(await upload(server.link, TASK, { update: UPDATE, signal })).toBe('accepted')
    expect(server.begins).toEqual([0, 1, 1])
    expect(server.bytes().equals(UPDATE)).toBe(true)
  })

  it('gets the same answer when the update is there already', async () => {
    const server = coordinator()
    await upload(server.link, TASK, { update: UPDATE, signal })
    expect(await upload(server.link, TASK, { update: UPDATE, signal })).toBe('accepted')
    expect(server.begins).toEqual([0, 3])
  })

  it('returns a refusal instead of trying for ever', async () => {
    const server = coordinator({ verdict: new FederationError('round/closed', 'too late') })
    expect(await upload(server.link, TASK, { update: UPDATE, signal })).toEqual({
      code: 'round/closed',
      message: 'too late',
    })
    expect(server.begins).toHaveLength(1)
  })

  it('survives that a later chunk is refused while an earlier one is still being written', async () => {
    const server = coordinator()
    // More chunks than may be on their way: the fifth waits for the first.
    const update = new Uint8Array(5 * CHUNK_BYTES)
    const task = { ...TASK, updateSha256: sha256(update) }
    let written: () => void = () => undefined
    let refusals = 0
    const link = {
      ...server.link,
      ask: async (name: 'update:chunk', message: unknown) => {
        const chunks = server.bytes().length / CHUNK_BYTES
        if (name === 'update:chunk' && chunks > 0 && refusals === 0) {
          refusals += 1
          // Rejections that nobody handles are noticed after a turn of the event loop.
          setImmediate(() => setImmediate(written))
          throw new FederationError('upload/out-of-order', 'too many at once')
        }
        const answer = await server.link.ask(name, message)
        if (name === 'update:chunk' && chunks === 0)
          await new Promise<void>((resolve) => (written = resolve))
        return answer
      },
    } as unknown as Link
    expect(await upload(link, task, { update, signal })).toBe('accepted')
    expect(refusals).toBe(1)
    expect(server.bytes().equals(update)).toBe(true)
  })

  it("waits ever longer while the coordinator's disk is full, and succeeds when it is not", async () => {
    const server = coordinator({ verdict: new FederationError('store/io', 'no space left') })
    const pauses: number[] = []
    let isFull = true
    const pause = async (ms: number): Promise<void> => {
      pauses.push(ms)
      isFull = pauses.length < 9
    }
    const link = {
      ...server.link,
      ask: async (name: 'update:finish', message: unknown) =>
        name === 'update:finish' && !isFull
          ? { ok: true, status: 'accepted' }
          : server.link.ask(name, message),
    } as unknown as Link
    expect(await upload(link, TASK, { update: UPDATE, signal, pause })).toBe('accepted')
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
    pauses.length = 0
    const never = async (ms: number): Promise<void> => void pauses.push(ms)
    const gaveUp = await upload(server.link, TASK, { update: UPDATE, signal, pause: never })
    expect(gaveUp).toMatchObject({ code: 'store/io' })
    expect(pauses).toHaveLength(20)
  })

  it('gives up when the bytes are corrupt again and again', async () => {
    const server = coordinator({ verdict: new FederationError('update/corrupt', 'hash differs') })
    expect(await upload(server.link, TASK, { update: UPDATE, signal })).toMatchObject({
      code: 'update/corrupt',
    })
    expect(server.begins.length).toBeGreaterThan(1)
    expect(server.begins.length).toBeLessThan(50)
  })
})
