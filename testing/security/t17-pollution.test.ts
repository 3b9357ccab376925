import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle, makeBundle } from '#protocol/bundle.js'
import { decodeFrame } from '#protocol/frame.js'
import { HTTP_API, parseBody, type HttpCall } from '#protocol/http-api.js'
import { MESSAGE_NAMES, parseMessage } from '#protocol/messages.js'
import { DEFAULT_POLICY } from '#protocol/policy.js'
import { parseRunRecord } from '#protocol/record.js'
import { permissionOf } from '#coordinator/auth/permissions.js'
import { nameOf, ROUTES } from '#coordinator/http/routes.js'
import { beginOf, frameOf, SocketNode, TINY_CARD } from '#testing/socket-node.js'
import { codeOf, World } from './world.js'

/** As text, because an object literal cannot have an own key of this name by accident. */
const POLLUTION = [
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"config":{"__proto__":{"polluted":true}}}',
  '{"config":{"method":{"constructor":{"prototype":{"polluted":true}}}}}',
  '{"a":[{"b":{"__proto__":{"polluted":true}}}]}',
  '{"\\u005f_proto__":{"polluted":true}}',
  '{"__proto__":null}',
]
const EXTRA = { role: 'administrator', approved: true, weight: 1e9, isAdmin: true }

/** Whether a call asks for it: a new role is what the change of a role is about. */
const hasKey = (call: HttpCall, key: string): boolean =>
  key in ((HTTP_API[call].body as { shape?: object }).shape ?? {})

describe('SEC-T17: keys that reach prototypes, and keys that nobody asked for', () => {
  let world: World
  let node: SocketNode
  beforeAll(async () => {
    world = await World.open()
    node = await world.join('a')
  })
  afterAll(() => world.close())
  afterEach(() => {
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(([] as unknown as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('SEC-T17: are refused in the body of every call', async () => {
    for (const { method, path } of ROUTES) {
      if (method !== 'post') continue
      const { need } = permissionOf(nameOf({ method, path }))
      const target = path.replace(':id', 'run-0123456789ab').replace(':name', 'ana')
      const token = need === 'node' ? node.token : world.people
      for (const body of POLLUTION)
        expect([path, body, (await world.call(['POST', target], { body, token })).code]).toEqual([
          ...[path, body, 'message/malformed'],
        ])
    }
  })
  it('SEC-T17: are refused in every message of a node', async () => {
    for (const name of MESSAGE_NAMES)
      for (const text of POLLUTION) {
        expect(parseMessage(name, JSON.parse(text))).toMatchObject({
          ...{ ok: false, error: { code: 'message/malformed' } },
        })
        const answer = await node.ask(name, JSON.parse(text))
        expect(codeOf(answer)).toBe('message/malformed')
      }
  })
  it('SEC-T17: reach nothing as the name of an event', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype'])
      expect(codeOf(await node.ask(name, {}))).toBe('message/malformed')
  })
  it('SEC-T17: are refused in frames, bundles and records', () => {
    const task = {
      runId: 'run-0123456789ab',
      round: 1,
      attempt: 1,
      slot: 0,
      lease: 'ab'.repeat(16),
    }
    const update = { task: task as never, bytes: Buffer.from('abc') }
    for (const key of ['__proto__', 'constructor', 'role']) {
      const header = JSON.parse(`{"${key}":{"prototype":{"polluted":true}}}`) as object
      const odd = { ...beginOf(update) }
      Object.defineProperty(odd, key, { value: header, enumerable: true })
      const frame = Buffer.from(frameOf(update, 0)).toString('latin1')
      const lie = frame.replace('{"attempt"', `{"${key}":{"prototype":1},"attempt"`)
      const bytes = Buffer.from(lie, 'latin1')
      bytes.writeUInt16LE(bytes.readUInt16LE(6) + (lie.length - frame.length), 6)
      expect(decodeFrame(bytes, { maxChunkBytes: 262_144 })).toMatchObject({ ok: false })
    }
    const meta = JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, never>
    const text = Buffer.from(encodeBundle(makeBundle([], { note: 1 }))).toString('latin1')
    expect(decodeBundle(Buffer.from(text.replace('"note":1', '"__proto__":{}'), 'latin1')).ok).toBe(
      false,
    )
    expect(Object.keys(meta)).toEqual(['__proto__'])
    for (const body of POLLUTION) expect(parseRunRecord(body).ok).toBe(false)
  })
  it('SEC-T17: that nobody asked for are refused everywhere, not left out', async () => {
    for (const call of Object.keys(HTTP_API) as HttpCall[]) {
      if (!call.startsWith('POST')) continue
      for (const [key, value] of Object.entries(EXTRA))
        if (!hasKey(call, key))
          expect([call, parseBody(call, { [key]: value }).ok]).toEqual([call, false])
    }
    for (const name of MESSAGE_NAMES)
      for (const [key, value] of Object.entries(EXTRA))
        expect([name, parseMessage(name, { [key]: value }).ok]).toEqual([name, false])
    const code = JSON.parse(
      (await world.call(['POST', '/api/nodes/invite'], { body: '{}' })).text,
    ) as {
      code: string
    }
    const enrol = JSON.stringify({ ...code, name: 'b', publicKey: 'x', proof: 'x', ...EXTRA })
    expect((await world.call(['POST', '/api/enrol'], { body: enrol })).code).toBe(
      'message/malformed',
    )
  })
  it('SEC-T17: a node that says more of itself than its hello has room for stays outside', async () => {
    const fresh = await SocketNode.connect(world.url, await world.enrol('c'))
    world.nodes.push(fresh)
    const hello = { version: '1', name: 'c', card: TINY_CARD, policy: DEFAULT_POLICY }
    for (const [key, value] of Object.entries(EXTRA)) {
      expect(codeOf(await fresh.ask('node:hello', { ...hello, [key]: value }))).toBe(
        'message/malformed',
      )
      const card = { ...TINY_CARD, [key]: value }
      expect(codeOf(await fresh.ask('node:hello', { ...hello, card }))).toBe('message/malformed')
    }
    expect(codeOf(await fresh.ask('node:hello', hello))).toBe('ok')
  })
})
