import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BLOB_PIECE_BYTES } from '#protocol/http-api.js'
import { updateIdOf } from '#protocol/messages.js'
import { beginOf } from '#testing/socket-node.js'
import { tokenOf, type Identity } from '#testing/synthetic-identity.js'
import { BINARY, frame, RawWebSocket, TEXT } from './raw-websocket.js'
import { codeOf, World } from './world.js'

const LIMIT = 262_144 + 16_384
const MB = 2 ** 20

describe('SEC-T7: messages that are too large', () => {
  let world: World
  let identity: Identity
  beforeAll(async () => {
    world = await World.open()
    identity = await world.enrol('a')
  })
  afterAll(() => world.close())
  const connect = async () => RawWebSocket.node(world.url, await tokenOf(world.url, identity))

  it('SEC-T7: one of the limit is handled, one byte more closes the connection with 1009', async () => {
    const raw = await connect()
    await raw.write(frame(TEXT, `451-/fl,["update:chunk",{"_placeholder":true,"num":0}]`))
    await raw.write(frame(BINARY, Buffer.alloc(LIMIT)))
    await raw.write(frame(TEXT, `42/fl,7["nothing"]`))
    await raw.until(() => raw.isClosed || raw.texts.some((text) => text.startsWith('43/fl,7')))
    expect(raw.isClosed).toBe(false)
    await raw.write(frame(BINARY, Buffer.alloc(LIMIT + 1)))
    await raw.until(() => raw.isClosed)
    expect(raw.closeCode).toBe(1009)
  })
  it('SEC-T7: what only claims to be large is not waited for, and takes no memory', async () => {
    const before = process.memoryUsage().rss
    const closed: number[] = []
    for (let i = 0; i < 30; i += 1) {
      const raw = await connect()
      const head = frame(BINARY, Buffer.alloc(65_536)).subarray(0, 14)
      head.writeBigUInt64BE(BigInt(i % 2 === 0 ? 100 * LIMIT : 2 ** 40), 2)
      await raw.write(head)
      await raw.until(() => raw.isClosed)
      closed.push(raw.closeCode ?? 0)
    }
    expect(new Set(closed)).toEqual(new Set([1009]))
    expect((process.memoryUsage().rss - before) / MB).toBeLessThan(60)
  })
  it('SEC-T7: fragments count together', async () => {
    const raw = await connect()
    await raw.write(frame(TEXT, Buffer.alloc(LIMIT, 'a'), 0))
    await raw.write(frame(0, Buffer.alloc(10, 'a'), 0))
    await raw.until(() => raw.isClosed)
    expect(raw.closeCode).toBe(1009)
  })
  it('SEC-T7: an update that lies about its size is refused before a byte of it is taken', async () => {
    const node = await world.join('a', identity)
    await world.run()
    const task = await node.task(1)
    for (const bytes of [2 ** 31, Number.MAX_SAFE_INTEGER]) {
      const begin = { ...beginOf({ task, bytes: Buffer.from('x') }), bytes }
      const answer = await node.ask('update:begin', { ...begin, updateId: updateIdOf(begin) })
      expect(codeOf(answer)).toBe('bundle/too-large')
    }
  })
  it('SEC-T7: bodies and pieces of HTTP have their limits', async () => {
    const body = JSON.stringify({ config: { name: 'x'.repeat(70_000) } })
    expect(await world.call(['POST', '/api/runs'], { body })).toMatchObject({
      ...{ status: 400, code: 'message/malformed' },
    })
    const piece = Buffer.alloc(BLOB_PIECE_BYTES + 1)
    const path = `/api/blobs/${'ab'.repeat(32)}`
    const headers = { 'content-range': `bytes 0-${piece.length - 1}/${piece.length}` }
    expect(await world.call(['PUT', path], { body: piece, headers })).toMatchObject({
      ...{ status: 400, code: 'message/malformed' },
    })
    const huge = { 'content-range': 'bytes 0-0/999999999999999' }
    expect(await world.call(['PUT', path], { body: Buffer.alloc(1), headers: huge })).toMatchObject(
      {
        ...{ status: 413, code: 'bundle/too-large' },
      },
    )
  })
})
