import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { World } from './world.js'

const SOURCES = fileURLToPath(new URL('../../coordinator/src', import.meta.url))

describe('SEC-T19: addresses that the coordinator might be made to visit', () => {
  let world: World
  let canary: Server
  let visits = 0
  let port: number
  beforeAll(async () => {
    canary = createServer(() => (visits += 1)).listen(0, '127.0.0.1')
    await once(canary, 'listening')
    ;({ port } = canary.address() as AddressInfo)
    world = await World.open()
  })
  afterAll(async () => {
    await world.close()
    canary.close()
  })
  const addresses = (): readonly string[] => [
    ...[
      `http://127.0.0.1:${port}/`,
      `https://127.0.0.1:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
    ],
    ...[`http://2130706433:${port}/`, `http://0177.0.0.1:${port}/`, `http://0x7f.1:${port}/`],
    ...[`http://localhost:${port}/model`, `ftp://127.0.0.1:${port}/`, `//127.0.0.1:${port}/x`],
    ...[
      `gopher://127.0.0.1:${port}/_`,
      `mongodb://127.0.0.1:${port}/x`,
      'http://169.254.169.254/latest',
    ],
    ...[`http://user@127.0.0.1:${port}/`, `file:///etc/passwd`, `data:text/plain,x`],
  ]

  it('SEC-T19: nothing in it asks other machines for anything: the feature is not there', () => {
    const asking =
      /\bfetch\(|from '(undici|axios|got|node-fetch|node:http2|node:dgram|node:dns[^']*)'|\b(https?|net|tls)\.(request|get|connect|createConnection)\(|import \{[^}]*\b(request|get|connect|createConnection)\b[^}]*\} from 'node:(https?|net|tls)'/
    const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
    )
    expect(files.length).toBeGreaterThan(80)
    const found = files.filter((name) => asking.test(readFileSync(join(SOURCES, name), 'utf8')))
    expect(found).toEqual([])
    expect(asking.test("import { createServer, request } from 'node:http'")).toBe(true)
  })
  it('SEC-T19: an address in the place of any value of a run is refused, or a word', async () => {
    for (const address of addresses().slice(0, 6))
      for (const change of [
        { startFrom: address },
        { startFrom: { url: address } },
        { name: address },
        { data: { name: address } },
        { data: { name: 'idx', path: address } },
        { model: { name: address } },
        { method: { name: 'fedavg', url: address } },
        { evaluation: { central: { name: 'idx', path: address } } },
        { evaluation: { central: { name: address } } },
      ])
        await world.run(change)
    expect(visits).toBe(0)
  })
  it('SEC-T19: nor is one followed that comes in headers or in names', async () => {
    for (const address of addresses()) {
      const headers = { host: 'x', 'x-forwarded-host': address, referer: address }
      await world.call(['GET', `/api/runs/${encodeURIComponent(address)}`], { headers })
      await world.call(['GET', `/?url=${encodeURIComponent(address)}`], { headers })
      const body = JSON.stringify({ name: address, password: address, webhook: address })
      await world.call(['POST', '/api/sign-in'], { token: '', body, headers })
    }
    const node = await world.join(addresses()[0]!.slice(0, 100))
    expect(node.socket.connected).toBe(true)
    expect(visits).toBe(0)
  })
})
