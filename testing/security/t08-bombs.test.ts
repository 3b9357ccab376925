import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle, makeBundle } from '#protocol/bundle.js'
import { decodeFrame } from '#protocol/frame.js'
import { isShallow } from '#protocol/json.js'
import { MESSAGE_NAMES, parseMessage } from '#protocol/messages.js'
import { frameOf } from '#testing/socket-node.js'
import { tokenOf, type Identity } from '#testing/synthetic-identity.js'
import { frame, RawWebSocket, TEXT } from './raw-websocket.js'
import { World } from './world.js'

const MB = 2 ** 20
const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

describe('SEC-T8: what grows when it is unpacked', () => {
  let world: World
  let identity: Identity
  beforeAll(async () => {
    world = await World.open()
    identity = await world.enrol('a')
  })
  afterAll(() => world.close())

  it('SEC-T8: no compression is agreed on, and a frame that says it is compressed ends the connection', async () => {
    const offered = { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' }
    const raw = await RawWebSocket.open(world.url, { headers: offered })
    expect(raw.headers['sec-websocket-extensions']).toBeUndefined()
    const before = process.memoryUsage().rss
    await raw.write(frame(TEXT, gzipSync(Buffer.alloc(20 * MB)), 0x80 | 0x40))
    await raw.until(() => raw.isClosed)
    expect(raw.closeCode).toBe(1002)
    expect((process.memoryUsage().rss - before) / MB).toBeLessThan(60)
  })
  it('SEC-T8: a compressed body of a request is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * MB))
    const before = process.memoryUsage().rss
    const answer = await world.call(['POST', '/api/runs'], {
      body: bomb,
      headers: { 'content-encoding': 'gzip' },
    })
    expect([answer.status, answer.code]).toEqual([400, 'message/malformed'])
    expect((process.memoryUsage().rss - before) / MB).toBeLessThan(60)
    const small = gzipSync(JSON.stringify({ minutes: 5 }))
    const unpacked = await world.call(['POST', '/api/nodes/invite'], {
      body: small,
      headers: { 'content-encoding': 'gzip' },
    })
    expect(unpacked.code).toBe('message/malformed')
  })
  it('SEC-T8: JSON that is nested deeply is refused, not followed', async () => {
    const body = `{"config":{"model":${deep(10_000)}}}`
    expect((await world.call(['POST', '/api/runs'], { body })).code).toBe('message/malformed')
    const node = await world.join('a', identity)
    const value = JSON.parse(deep(10_000)) as unknown
    expect(isShallow(value, 32)).toBe(false)
    for (const name of MESSAGE_NAMES)
      expect(parseMessage(name, { card: value, policy: value, task: value })).toMatchObject({
        ok: false,
        error: { message: expect.stringMatching('nested deeper') as string },
      })
    const raw = await RawWebSocket.node(world.url, await tokenOf(world.url, identity))
    raw.text(`42/fl,5["node:progress",${deep(10_000)}]`)
    await raw.until(() => raw.isClosed || raw.texts.some((text) => text.startsWith('43/fl,5')))
    expect(node).toBeDefined()
    expect((await world.call(['GET', '/api/status'])).status).toBe(200)
  })
  it('SEC-T8: a bundle that claims 2^31 elements makes nothing be allocated', () => {
    const bytes = encodeBundle(
      makeBundle([{ name: 'w', shape: [2, 3], dtype: 'float32', data: new Float32Array(6) }]),
    )
    const text = Buffer.from(bytes).toString('latin1')
    const before = process.memoryUsage().arrayBuffers
    for (const shape of ['[2147483648]', '[9007199254740991]', '[2,999999999]', '[1e9,1e9]']) {
      const lie = Buffer.from(text.replace('[2,3]', shape), 'latin1')
      expect(lie.equals(bytes)).toBe(false)
      const fixed = Buffer.from(lie)
      expect(decodeBundle(fixed).ok).toBe(false)
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MB)
  })
  it('SEC-T8: a frame that claims more than is there is refused by its claim', () => {
    const task = {
      runId: 'run-0123456789ab',
      round: 1,
      attempt: 1,
      slot: 0,
      lease: 'ab'.repeat(16),
    }
    const sound = frameOf({ task: task as never, bytes: Buffer.from('abc') }, 0)
    for (const [at, value] of [
      [6, 0xffff],
      [sound.length - 3 - 4, 0x7fffffff],
    ] as const) {
      const lie = Buffer.from(sound)
      if (at === 6) lie.writeUInt16LE(value, at)
      else lie.writeUInt32LE(value, at)
      expect(decodeFrame(lie, { maxChunkBytes: 262_144 })).toMatchObject({ ok: false })
    }
  })
})
