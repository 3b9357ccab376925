import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SOCKET_SETTINGS } from '#coordinator/transport/settings.js'
import { SERVER_LIMITS } from '#coordinator/ops/limits.js'
import { codeOf, World } from './world.js'

/** Everything sooner than usual, so that the tests need not wait. */
const LIMITS = {
  ...{ headersMs: 1_000, requestMs: 2_000, checkMs: 200, keepAliveMs: 500, idleMs: 2_000 },
  ...{ connectionsPerAddress: 150, connections: 400 },
  ...{ uploadBytes: 2 * 4 * 2 ** 18, uploadStallMs: 1_000, uploadWaitMs: 20_000 },
}
const ATTACKER = '127.0.0.2'

describe('SEC-T11: connections that want nothing but to be there', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open({ serverLimits: LIMITS })
  })
  afterAll(() => world.close())
  const descriptors = (): number => readdirSync('/proc/self/fd').length
  const port = () => Number(new URL(world.url).port)

  /** From another address than that of honest nodes. Counts those that the server has closed. */
  class Crowd {
    readonly sockets: Socket[] = []
    closed = 0
    async open(count: number, first: string): Promise<void> {
      for (let i = 0; i < count; i += 1) {
        const socket = connect({ host: '127.0.0.1', port: port(), localAddress: ATTACKER })
        socket.on('error', () => undefined)
        socket.on('close', () => (this.closed += 1))
        socket.on('data', () => undefined)
        this.sockets.push(socket)
      }
      await Promise.all(
        this.sockets.map((socket) =>
          socket.connecting
            ? Promise.race([once(socket, 'connect'), once(socket, 'close')])
            : Promise.resolve(),
        ),
      )
      for (const socket of this.sockets) if (!socket.destroyed) socket.write(first)
    }
    async allClosed(): Promise<void> {
      await Promise.all(
        this.sockets.map((socket) => (socket.closed ? Promise.resolve() : once(socket, 'close'))),
      )
    }
  }
  const round = async (name: string): Promise<string> => {
    const node = await world.join(name)
    const runId = await world.run({ rounds: 1 })
    const verdict = codeOf(
      await node.upload({ task: await node.task(1), bytes: Buffer.from(name) }),
    )
    await world.coordinator.runs.ended(runId)
    node.close()
    return verdict
  }

  it('SEC-T11: the limits in force are those of the table, and no library default is left', () => {
    expect(SERVER_LIMITS).toMatchObject({
      ...{ headersMs: 10_000, requestMs: 30_000, checkMs: 5_000 },
    })
    expect(SERVER_LIMITS.connections).toBeLessThan(20_000)
    expect(SOCKET_SETTINGS.connectTimeout).toBe(5_000)
  })
  it.each([
    ['that say nothing', ''],
    ['that never end their first line', 'GET /api/sta'],
    ['that bring a head for ever', 'GET / HTTP/1.1\r\nhost: x\r\nx-a: '],
    [
      'that bring no body',
      'POST /api/sign-in HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{',
    ],
    ['that keep alive for nothing', 'GET /api/status HTTP/1.1\r\nhost: x\r\n\r\n'],
    [
      'that upgrade and say nothing',
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    ],
  ])(
    'SEC-T11: 300 connections %s: half are refused, all end, a node works meanwhile',
    async (name, first) => {
      const before = descriptors()
      const crowd = new Crowd()
      await crowd.open(300, first)
      expect(await round(`beside those ${name}`)).toBe('ok')
      await crowd.allClosed()
      expect(crowd.closed).toBe(300)
      for (let turns = 0; turns < 10_000 && descriptors() > before + 8; turns += 1) await nextTurn()
      expect(descriptors()).toBeLessThanOrEqual(before + 8)
    },
  )
  it('SEC-T11: uploads that stand still lose their places to others', async () => {
    const slow = await Promise.all(['s', 't'].map((name) => world.join(name)))
    const honest = await world.join('u')
    const runId = await world.run({ rounds: 1 })
    for (const node of slow) {
      const update = { task: await node.task(1), bytes: Buffer.from('never brought') }
      expect(codeOf(await node.begin(update))).toBe('ok')
    }
    const update = { task: await honest.task(1), bytes: Buffer.from('brought') }
    // Both places are taken: it waits until one is lost.
    expect(codeOf(await honest.upload(update))).toBe('ok')
    const late = { task: slow[0]!.tasks[0]!, bytes: Buffer.from('never brought') }
    expect(['upload/too-slow', 'upload/out-of-order']).toContain(
      codeOf(await slow[0]!.chunk(late, 0)),
    )
    await world.call(['POST', `/api/runs/${runId}/stop`], { body: '{}' })
  })
})
