import { randomUUID } from 'node:crypto'
import type { Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NodeId } from '#protocol/ids.js'
import { keyIdOf } from '#coordinator/auth/enrolment.js'
import { ISSUER, signingKey } from '#coordinator/auth/jwt.js'
import { connectWith, SocketNode } from '#testing/socket-node.js'
import { sign } from './forgeries.js'
import { addPerson, openBrowser, signingSecret } from './people.js'
import { codeOf, World } from './world.js'

const heard = (socket: Socket, event: string): Promise<unknown> =>
  new Promise((resolve) => socket.once(event, resolve))

describe('SEC-T2: rights that have ended', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open()
  })
  afterAll(() => world.close())
  const can = async (token: string): Promise<boolean> =>
    (await world.call(['GET', '/api/runs'], { token })).status === 200
  const revoke = (path: string) => world.call(['POST', path], { body: '{}' })

  it('SEC-T2: a node that is revoked loses its connection, its upload and its token', async () => {
    const identity = await world.enrol('a')
    const node = await world.join('a', identity)
    await world.join('b')
    await world.run()
    const update = { task: await node.task(1), bytes: Buffer.from('an update') }
    expect(codeOf(await node.begin(update))).toBe('ok')
    const gone = heard(node.socket, 'disconnect')
    const chunk = node.chunk(update, 0).then(codeOf, () => 'connection lost')
    expect((await revoke(`/api/nodes/${identity.nodeId}/revoke`)).status).toBe(200)
    await gone
    await chunk
    await expect(SocketNode.connect(world.url, identity)).rejects.toThrow()
    const again = connectWith(world.url, node.token)
    const error = (await heard(again, 'connect_error')) as { data: { problem: { code: string } } }
    expect(error.data.problem.code).toBe('auth/bad-token')
    expect((await node.blob('ab'.repeat(32) as never)).status).toBe(401)
  })
  it('SEC-T2: a connection ends when its token does', async () => {
    const { nodeId } = await world.enrol('c')
    const { publicKey } = (await world.store.node(nodeId as NodeId))!
    const key = signingKey(await signingSecret(world), 'fl-client')
    const iat = Math.floor(Date.now() / 1000)
    const claims = {
      iss: ISSUER,
      aud: 'fl-client',
      sub: nodeId,
      role: 'node',
      ver: keyIdOf(publicKey),
    }
    const rest = { iat, exp: iat + 2, jti: randomUUID(), sid: randomUUID(), auth_time: iat }
    const socket = connectWith(world.url, sign({ ...claims, ...rest }, key))
    await heard(socket, 'connect')
    await heard(socket, 'disconnect')
    expect(socket.connected).toBe(false)
  })
  it('SEC-T2: a person who signs out, is revoked, or gets another role, is out at once', async () => {
    for (const [name, end] of [
      ['ana', (token: string) => world.call(['POST', '/api/sign-out'], { token, body: '{}' })],
      ['bob', () => revoke('/api/users/bob/revoke')],
      [
        'cleo',
        () => world.call(['POST', '/api/users/cleo/role'], { body: '{"role":"administrator"}' }),
      ],
      ['dora', () => world.call(['POST', '/api/users/dora/code'], { body: '{}' })],
    ] as const) {
      const person = await addPerson(world, name, 'viewer')
      expect(await can(person.token)).toBe(true)
      expect((await end(person.token)).status).toBe(200)
      expect([name, await can(person.token)]).toEqual([name, false])
      const body = JSON.stringify({ session: person.session })
      expect((await world.call(['POST', '/api/renew'], { token: '', body })).status).toBe(401)
    }
  })
  it('SEC-T2: what a person waits for ends with their right', async () => {
    const person = await addPerson(world, 'emil', 'viewer')
    const runId = await world.run()
    const { text } = await world.call(['GET', `/api/runs/${runId}/events`])
    const { events } = JSON.parse(text) as { events: unknown[] }
    const path = `/api/runs/${runId}/events?after=${events.length + 1000}&wait=60`
    const waiting = world.call(['GET', path], { token: person.token }).then(
      () => 'answered',
      () => 'cut off',
    )
    // The other call is on its way when this one is answered: the coordinator reads them in order of arrival.
    expect(await can(person.token)).toBe(true)
    await revoke('/api/users/emil/revoke')
    expect(await waiting).toBe('cut off')
  })
  it('SEC-T2: a session that was ended stays ended after a restart', async () => {
    const person = await addPerson(world, 'fay', 'viewer')
    const { cookie } = await openBrowser(world, 'fay')
    await world.call(['POST', '/api/sign-out'], { token: person.token, body: '{}' })
    await world.coordinator.stop()
    await world.start()
    expect(await can(person.token)).toBe(false)
    // The other session of the same person is another one.
    const answer = await world.call(['GET', '/api/runs'], { token: '', headers: { cookie } })
    expect(answer.status).toBe(200)
  })
})
