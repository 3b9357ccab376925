import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SOCKET_SETTINGS } from '#coordinator/transport/settings.js'
import { tokenOf } from '#testing/synthetic-identity.js'
import { RawWebSocket } from './raw-websocket.js'
import { World } from './world.js'

describe('SEC-T3: connections that come back', () => {
  let world: World
  beforeAll(async () => {
    world = await World.open()
  })
  afterAll(() => world.close())
  const answerTo = async (auth: object): Promise<string> => {
    const raw = await RawWebSocket.open(world.url)
    raw.text(`40/fl,${JSON.stringify(auth)}`)
    await raw.until(() => raw.isClosed || raw.texts.some((text) => /^4[04]/.test(text)))
    const answer = raw.texts.find((text) => /^4[04]/.test(text)) ?? ''
    raw.end()
    return answer
  }

  it('SEC-T3: nothing is kept with which a connection could be recovered past the door', async () => {
    expect(Object.keys(SOCKET_SETTINGS)).not.toContain('connectionStateRecovery')
    const token = await tokenOf(world.url, await world.enrol('a'))
    const answer = await answerTo({ token })
    // With recovery on, there would be a private id beside the public one.
    expect(Object.keys(JSON.parse(answer.slice('40/fl,'.length)) as object)).toEqual(['sid'])
  })
  it('SEC-T3: who was revoked is refused, whatever it says of an earlier connection', async () => {
    const identity = await world.enrol('b')
    const token = await tokenOf(world.url, identity)
    const { sid } = JSON.parse((await answerTo({ token })).slice('40/fl,'.length)) as {
      sid: string
    }
    await world.call(['POST', `/api/nodes/${identity.nodeId}/revoke`], { body: '{}' })
    for (const auth of [
      { token, pid: sid, offset: '0' },
      { token, pid: sid, offset: '' },
      { pid: sid, offset: '0' },
      { pid: sid, offset: { $gt: '' } },
    ])
      expect(await answerTo(auth)).toMatch(/^44\/fl,.*auth\/bad-token/)
  })
  it('SEC-T3: the engine takes up no session of before, by whatever name', async () => {
    for (const sid of ['x', 'AAAAAAAAAAAAAAAAAAAA', '__proto__', 'constructor'])
      await expect(
        RawWebSocket.open(world.url, { path: `/socket.io/?EIO=4&transport=websocket&sid=${sid}` }),
      ).rejects.toThrow(/HTTP 400/)
  })
})
