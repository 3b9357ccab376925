import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { tokenOf } from '#testing/synthetic-identity.js'
import { frame, RawWebSocket, TEXT } from './raw-websocket.js'
import { World } from './world.js'

const MB = 2 ** 20
const MODEL_BYTES = 12 * MB

describe('SEC-T12: peers that ask and do not read', () => {
  let world: World
  beforeAll(async () => {
    // No flood: what is tested is what waits to be read.
    const bucket = { burst: 1e6, perSecond: 1e6 }
    const serverLimits = { messages: bucket, refusedMessages: 1e9, messagesAtOnce: 1e9 }
    world = await World.open({ serverLimits })
  })
  afterAll(() => world.close())
  const backlogs = async (): Promise<number> => {
    const { text } = await world.call(['GET', '/metrics'], { token: '' })
    const [, count = '0'] = /sockets_closed\w*\{[^}]*reason="backlog"[^}]*\} (\d+)/.exec(text) ?? []
    return Number(count)
  }

  it('SEC-T12: a socket whose answers pile up is closed before they are many', async () => {
    const before = process.memoryUsage().rss
    const question = frame(TEXT, `42/fl,1["${'x'.repeat(40)}"]`)
    const many = Buffer.concat(Array.from({ length: 500 }, () => question))
    const sockets = 8
    for (let i = 0; i < sockets; i += 1) {
      const token = await tokenOf(world.url, await world.enrol(`n${i}`))
      const raw = await RawWebSocket.node(world.url, token)
      raw.socket.pause()
      // 200 bytes of answer to each: far more than the buffers of the system and the limit hold.
      for (let sent = 0; sent < 400 && !raw.socket.destroyed; sent += 1) {
        await raw.write(many)
        if ((sent & 15) === 15 && (await backlogs()) > i) break
      }
      expect(await backlogs()).toBe(i + 1)
      raw.end()
    }
    expect((process.memoryUsage().rss - before) / MB).toBeLessThan(250)
  })
  it('SEC-T12: a model is read from the disk as fast as it is taken, not kept for those who wait', async () => {
    const bytes = randomBytes(MODEL_BYTES)
    const hash = sha256(bytes)
    for (let start = 0; start < bytes.length; start += 4 * MB) {
      const piece = bytes.subarray(start, start + 4 * MB)
      const range = `bytes ${start}-${start + piece.length - 1}/${bytes.length}`
      const init = { body: piece, headers: { 'content-range': range } }
      expect((await world.call(['PUT', `/api/blobs/${hash}`], init)).status).toBe(200)
    }
    const runId = await world.run({ startFrom: hash })
    const path = `/api/runs/${runId}/start`
    expect((await world.call(['GET', path])).status).toBe(200)
    const before = process.memoryUsage().rss
    const readers: Socket[] = []
    for (let i = 0; i < 30; i += 1) {
      const socket = connect(Number(new URL(world.url).port), '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(
        `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${world.people}\r\n\r\n`,
      )
      await new Promise((resolve) => socket.once('readable', resolve))
      socket.pause()
      readers.push(socket)
    }
    // The coordinator goes on meanwhile.
    for (let i = 0; i < 50; i += 1)
      expect((await world.call(['GET', '/api/status'], { token: '' })).status).toBe(200)
    expect((process.memoryUsage().rss - before) / MB).toBeLessThan((30 * MODEL_BYTES) / MB / 2)
    for (const socket of readers) socket.destroy()
  })
})
