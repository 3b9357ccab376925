import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HTTP_API, parseBody, type HttpCall } from '#protocol/http-api.js'
import { MESSAGE_NAMES } from '#protocol/messages.js'
import { ROUTES } from '#coordinator/http/routes.js'
import { connectWith, type SocketNode } from '#testing/socket-node.js'
import { starHeight, regexesIn } from './regex-literals.js'
import { codeOf, World } from './world.js'

const OPERATORS: readonly unknown[] = [
  ...[{ $ne: null }, { $gt: '' }, { $regex: '.*' }, { $where: 'sleep(1000)' }, { $in: [null] }],
  ...[{ $exists: true }, { $expr: { $eq: [1, 1] } }, ['$ne'], { toString: 'x' }, { length: 1 }],
]
const TEXTS = [
  ...["' OR 1=1 --", "'; DROP TABLE runs; --", '" OR ""="', "1' UNION SELECT body FROM users --"],
  ...['{"$ne":null}', '$where', '%', '_', "\\'; --", 'run-%', "x' OR run_id LIKE 'run-%"],
]
/** The names in a body or a message, wherever a value of a person can be put. */
const KEYS = [
  ...[
    'code',
    'name',
    'nodeId',
    'runId',
    'secret',
    'password',
    'role',
    'minutes',
    'token',
    'challenge',
  ],
  ...['signature', 'publicKey', 'proof', 'purpose', 'updateId', 'lease', 'sha256', 'slot', 'round'],
  ...['attempt', 'weight', 'metrics', 'engine', 'card', 'policy', 'version', 'config', 'problem'],
]

describe('SEC-T18: operators and statements where values belong', () => {
  let world: World
  let node: SocketNode
  beforeAll(async () => {
    world = await World.open()
    node = await world.join('a')
  })
  afterAll(() => world.close())
  const everything = (value: unknown): string =>
    JSON.stringify(Object.fromEntries(KEYS.map((key) => [key, value])))

  it('SEC-T18: operators are refused in every field of every body', async () => {
    for (const call of Object.keys(HTTP_API) as HttpCall[]) {
      const { shape = {} } = HTTP_API[call].body as { shape?: object }
      for (const key of Object.keys(shape))
        for (const value of OPERATORS) {
          const parsed = parseBody(call, { [key]: value })
          // The configuration of a run is an object by right: its own schema judges it.
          if (key !== 'config') expect([call, key, parsed.ok]).toEqual([call, key, false])
        }
    }
    for (const { method, path } of ROUTES.filter((route) => route.method === 'post'))
      for (const value of OPERATORS) {
        const id = path.includes('nodes') ? 'node-0123456789ab' : 'run-0123456789ab'
        const target = path.replace(':id', id).replace(':name', 'ana')
        const { code } = await world.call([method, target], { body: everything(value) })
        expect([path, code]).toEqual([path, 'message/malformed'])
      }
  })
  it('SEC-T18: one operator in the place of one value is refused as such', async () => {
    for (const value of OPERATORS) {
      for (const [path, body] of [
        ['/api/sign-in', { code: value }],
        ['/api/sign-in', { name: value, password: value }],
        ['/api/challenge', { nodeId: value, purpose: value }],
        ['/api/nodes/invite', { minutes: value }],
      ] as const) {
        const answer = await world.call(['POST', path], { body: JSON.stringify(body) })
        expect([path, answer.status, answer.code]).toEqual([path, 400, 'message/malformed'])
      }
    }
  })
  it('SEC-T18: operators are refused in queries, and a query cannot make an object', async () => {
    for (const query of [
      ...['after[$ne]=1', 'after[$gt]=', 'after[]=1', 'after=1&after=2', 'after=%7B%22$ne%22:1%7D'],
      ...['after[__proto__]=1', 'wait[$where]=1', '$where=1', 'after.$ne=1'],
    ])
      for (const path of ['/api/runs/run-0123456789ab/events', '/api/log'])
        expect([query, (await world.call(['GET', `${path}?${query}`])).code]).toEqual([
          ...[query, 'message/malformed'],
        ])
  })
  it('SEC-T18: operators are refused in every message, and as a token', async () => {
    for (const name of MESSAGE_NAMES)
      for (const value of OPERATORS)
        expect(codeOf(await node.ask(name, JSON.parse(everything(value))))).toBe(
          'message/malformed',
        )
    for (const value of OPERATORS) {
      const socket = connectWith(world.url, value)
      const refused = await new Promise((resolve) => {
        socket.once('connect', () => resolve('connected'))
        socket.once('connect_error', (error: Error & { data?: { problem?: { code: string } } }) =>
          resolve(error.data?.problem?.code),
        )
      })
      socket.disconnect()
      expect(refused).toBe('auth/bad-token')
    }
  })
  it('SEC-T18: statements are words like others', async () => {
    const runId = await world.run()
    for (const text of TEXTS) {
      const named = await world.run({ name: text })
      const { text: shown } = await world.call(['GET', '/api/runs'])
      const { runs } = JSON.parse(shown) as { runs: { runId: string; name: string }[] }
      expect(runs.find((run) => run.runId === named)?.name).toBe(text)
      expect(runs.some((run) => run.runId === runId)).toBe(true)
      const path = `/api/runs/${encodeURIComponent(text)}`
      expect((await world.call(['GET', path])).code).toBe('run/not-found')
      const body = JSON.stringify({ code: text })
      expect((await world.call(['POST', '/api/sign-in'], { body })).code).toBe('auth/bad-code')
    }
    expect(await world.store.runs()).toHaveLength(TEXTS.length + 1)
  })
})

describe('SEC-T18: our own regular expressions', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const sources = ['protocol', 'coordinator', 'client', 'cli', 'data', 'algorithms'].flatMap(
    (folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
        .map((name) => join(folder, name)),
  )

  it('SEC-T18: none can be made to try without end: no repetition inside a repetition', () => {
    expect(starHeight('(a+)+$')).toBe(2)
    expect(starHeight('^(a|b*)*$')).toBe(2)
    expect(starHeight('^[a-z]+(-[0-9]{1,3})?$')).toBe(1)
    expect(starHeight('^[(a+)+]*$')).toBe(1)
    const found = sources.flatMap((file) =>
      regexesIn(readFileSync(join(root, file), 'utf8')).map((pattern) => ({ file, pattern })),
    )
    expect(found.length).toBeGreaterThan(50)
    const risky = found.filter(({ pattern }) => starHeight(pattern) > 1)
    expect(risky).toEqual([])
  })
})
