import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import type { Express } from 'express'
import { beforeAll, describe, expect, it } from 'vitest'
import { MESSAGE_NAMES } from '#protocol/messages.js'
import { AuditLog } from '#coordinator/audit/audit-log.js'
import { createAuth, type Auth } from '#coordinator/auth/auth.js'
import { PERMISSIONS } from '#coordinator/auth/permissions.js'
import { Operations } from '#coordinator/ops/operations.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { RECEIVED_FROM_PEOPLE } from '#coordinator/transport/people.js'
import { RECEIVED } from '#coordinator/transport/receive.js'
import { serveSockets } from '#coordinator/transport/socket-server.js'
import { FakeClock } from '#testing/fake-clock.js'
import { createApp, type AppOptions } from './app.js'

const ready = Promise.resolve()
const onError = () => undefined

describe('the table of permissions', () => {
  let app: Express
  let auth: Auth
  beforeAll(async () => {
    const [store, clock] = [new MemoryStore(), new FakeClock()]
    auth = await createAuth({ secret: Buffer.alloc(32, 1), store, clock })
    const log = await AuditLog.open(store, () => clock.timestamp())
    const rest = { note: { debug: () => undefined }, ready, onError }
    // Routes are laid without what their handlers will work with.
    app = createApp({ auth, clock, log, ops: new Operations(), ...rest } as unknown as AppOptions)
  })

  it('names every route that express serves, and no other', () => {
    const served = app.router.stack.flatMap(({ route }) =>
      (route?.stack ?? []).map(({ method }) => `${method.toUpperCase()} ${route?.path ?? ''}`),
    )
    expect(served.length).toBeGreaterThan(20)
    const calls = [...PERMISSIONS.keys()].filter((name) => !name.startsWith('/'))
    // Pages are at every address that is no call: a function in between serves them.
    expect(app.router.stack.filter(({ name }) => name === 'servePage')).toHaveLength(1)
    expect([...new Set([...served, 'GET /'])].sort()).toEqual(calls.sort())
  })

  it('lets express serve nothing beside routes and pages: what is neither looks at requests, or answers that there is nothing', () => {
    const names = app.router.stack
      .filter(({ route }) => route === undefined)
      .map(({ name }) => name)
    expect(names.filter((name) => /static|serve|router/i.test(name))).toEqual(['servePage'])
  })

  it('names every namespace and every message that sockets take, and no other', () => {
    const server = createServer()
    const sockets = serveSockets({
      ...{ server, auth, fleet: {} as never, live: {} as never, ready, onError },
      ops: new Operations(),
    })
    sockets.close()
    const names = [...PERMISSIONS.keys()].filter((name) => name.startsWith('/'))
    const namespaces = [...sockets.io._nsps.keys()].filter((name) => name !== '/')
    expect(names.filter((name) => !name.includes(' ')).sort()).toEqual(namespaces.sort())
    const messages = names.filter((name) => name.includes(' '))
    const ofNodes = RECEIVED.map((name) => `/fl ${name}`)
    const ofPeople = RECEIVED_FROM_PEOPLE.map((name) => `/ui ${name}`)
    expect(messages.sort()).toEqual([...ofNodes, ...ofPeople].sort())
  })

  it('gives nodes what they send, and people nothing of it', () => {
    for (const name of MESSAGE_NAMES) {
      const permission = PERMISSIONS.get(`/fl ${name}`)
      if (permission !== undefined) expect(permission.need).toBe('node')
      expect(PERMISSIONS.has(`/ui ${name}`)).toBe(false)
    }
  })

  it('is what docs/access.md and docs/protocol.md say', () => {
    const access = readFileSync(new URL('../../../docs/access.md', import.meta.url), 'utf8')
    const rows = [...access.matchAll(/^\| `([^`]+)` \| (.+?) \| (.*?) \|$/gm)].map(
      ([, name, need, just]) => [name, { need, isFresh: just === 'just signed in' }],
    )
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(PERMISSIONS))
    const protocol = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8')
    const calls = [...protocol.matchAll(/^\| `((?:GET|POST|PUT) [^`?]+)[^`]*` \| ([^|]+) \|/gm)]
    const ROLES = ['viewer', 'researcher', 'administrator', 'node', 'anyone']
    for (const [, name = '', who = ''] of calls) {
      const { need } = PERMISSIONS.get(name)!
      const isOpen = !ROLES.includes(who)
      expect([name, isOpen ? 'guesser' : who]).toEqual([name, need])
    }
    expect(calls.length).toBeGreaterThan(25)
  })
})
