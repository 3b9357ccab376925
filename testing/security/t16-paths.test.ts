import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isHash, isNodeId, isRunId } from '#protocol/ids.js'
import { ROUTES } from '#coordinator/http/routes.js'
import { tokenOf } from '#testing/synthetic-identity.js'
import { World } from './world.js'

const CANARY = 'not for anyone: 7d1f0c'
const HEX = 'ab'.repeat(32)

/** Paths, and things that have been taken for paths, in the place of an id. `DIR` stands for the folder with the canary. */
const PAYLOADS: readonly string[] = [
  ...[
    '..',
    '../',
    '../../canary',
    '..%2fcanary',
    '..%2Fcanary',
    '..%252fcanary',
    '%2e%2e%2fcanary',
  ],
  ...[
    '..%5ccanary',
    '..\\canary',
    '%2e%2e/canary',
    '%2e%2e%5ccanary',
    '..;/canary',
    '....//canary',
  ],
  ...[
    '..%c0%afcanary',
    '..%e0%80%afcanary',
    '..%c1%9ccanary',
    '%uff0e%uff0e/canary',
    '..%ef%bc%8fcanary',
  ],
  ...['%00', `${HEX}%00`, `${HEX}%00.bundle`, 'canary%00', `..%2f${HEX}`, `${HEX}%2f..%2fcanary`],
  ...['DIR/canary', '/DIR/canary', '%2fDIR%2fcanary', '//DIR/canary', 'file:%2f%2fDIR%2fcanary'],
  ...[
    'C:%5cWindows%5cwin.ini',
    '%5c%5chost%5cshare',
    'CON',
    'NUL',
    'aux.txt',
    'canary.',
    'canary%20',
  ],
  ...[
    '~root',
    '~%2fcanary',
    '$HOME',
    '%24%7bHOME%7d',
    '`id`',
    '$(id)',
    '|id',
    ';id',
    '%0aid',
    '%0d%0a',
  ],
  ...[
    '.',
    './',
    '.%2f',
    '.env',
    '.git%2fconfig',
    'signing-secret',
    '..%2fsigning-secret',
    'operator.json',
  ],
  ...[
    `${HEX.toUpperCase()}`,
    `${HEX}a`,
    HEX.slice(1),
    `${HEX}%0a`,
    `%20${HEX}`,
    `${HEX.slice(2)}..`,
  ],
  ...[
    'run-0123456789ab%00',
    'run-0123456789ab%2f..%2f..',
    'run-..%2f..%2f..%2f',
    'node-../../../..',
  ],
]

describe('SEC-T16: names that are paths', () => {
  let world: World
  let outside: string
  let nodeToken: string
  beforeAll(async () => {
    outside = await mkdtemp(join(tmpdir(), 'tributary-outside-'))
    world = await World.open()
    nodeToken = await tokenOf(world.url, await world.enrol('a'))
    for (const directory of [outside, world.dataDir])
      await writeFile(join(directory, 'canary'), CANARY)
  })
  afterAll(async () => {
    await world.close()
    await rm(outside, { recursive: true })
  })

  /** The path as it is written, which `fetch` would tidy up. */
  const raw = (method: string, path: string, token: string): Promise<readonly [number, string]> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(world.url)
      const headers = { authorization: `Bearer ${token}`, 'content-range': 'bytes 0-0/1' }
      const body = method === 'GET' ? '' : method === 'PUT' ? 'x' : '{}'
      const sent = request({ hostname, port, method, path, headers }, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
        response.on('end', () => resolve([response.statusCode ?? 0, text]))
      })
      sent.on('error', reject)
      sent.end(body)
    })
  const files = async (): Promise<readonly string[]> =>
    (await readdir(world.dataDir, { recursive: true }))
      .filter((name) => !name.includes('.db'))
      .sort()

  it(`SEC-T16: ${PAYLOADS.length} of them open nothing on any route that takes a name`, async () => {
    expect(PAYLOADS.length).toBeGreaterThanOrEqual(60)
    const named = ROUTES.filter(({ path }) => path.includes(':'))
    expect(named.length).toBeGreaterThan(8)
    const before = await files()
    for (const { method, path } of named)
      for (const payload of PAYLOADS) {
        const name = payload.replaceAll('DIR', outside.slice(1))
        const target = path.replace(/:(id|hash|name)/, () => name).replaceAll(' ', '%20')
        const token = path === '/api/blobs/:hash' && method === 'get' ? nodeToken : world.people
        const [status, text] = await raw(method.toUpperCase(), target, token)
        // A path that dots have led to another route of the API is that route.
        const isElsewhere = status === 200 && /^\/api\/[^:]*\/\.{0,2}\/?$/.test(target)
        if (!isElsewhere) expect([target, [400, 404].includes(status)]).toEqual([target, true])
        expect(text).not.toContain(CANARY)
      }
    expect(await files()).toEqual(before)
    expect(await readdir(outside)).toEqual(['canary'])
  })
  it('SEC-T16: no id that is none is taken for one', () => {
    for (const payload of PAYLOADS.map((one) => decodeURIComponentOrSame(one)))
      for (const is of [isHash, isRunId, isNodeId])
        expect([payload, is(payload)]).toEqual([payload, false])
    expect([isHash(`${HEX}\n`), isRunId('run-0123456789ab\n')]).toEqual([false, false])
  })
  it('SEC-T16: a name of a run or a node is never part of the name of a file', async () => {
    const name = '../../../../canary'
    const node = await world.join(name)
    const runId = await world.run({ name, rounds: 1 })
    await node.upload({ task: await node.task(1), bytes: Buffer.from('update') })
    await world.coordinator.runs.ended(runId)
    for (const path of await files())
      expect(path).toMatch(/^(blobs|staging|vault)?(\/[0-9a-f]{2})?(\/?[\w.-]+)?$/)
    expect((await files()).some((path) => path.includes('..'))).toBe(false)
    expect(await readFile(join(outside, 'canary'), 'utf8')).toBe(CANARY)
  })
})

function decodeURIComponentOrSame(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
