import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { io, type Socket } from 'socket.io-client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { newRunId, sha256, type RunId } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import { MOST_WATCHED_RUNS } from '#protocol/run-views.js'
import type { UiMessage } from '#protocol/ui-messages.js'
import { createAuth, type Auth } from '#coordinator/auth/auth.js'
import { startSession } from '#coordinator/auth/session.js'
import { systemClock, type Clock } from '#coordinator/clock.js'
import type { EventFeed } from '#coordinator/http/event-feed.js'
import type { News } from '#coordinator/live/news.js'
import { Operations } from '#coordinator/ops/operations.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import type { Head, Store } from '#coordinator/store/store.js'
import { liveOn } from '#testing/live-on.js'
import { PAGE_SILENCE_MS } from './people.js'
import { serveSockets, type SocketServer } from './socket-server.js'

const HASH = sha256('x')
const HEAD: Head = {
  ...{ epoch: 1, round: 1, attempt: 1, state: 'PLANNED', stateHash: HASH, modelHash: HASH },
  ...{ recordHash: null, openingHash: null, personalHash: null, reason: null, failures: 0 },
  auditHead: null,
}
const NOISE = [{ name: 'gaussian-noise', stddev: 1 }]
type Told = readonly [string, JsonObject]

describe('pages', () => {
  let store: Store
  let auth: Auth
  let feed: EventFeed
  let news: News
  let server: Server
  let sockets: SocketServer
  let url: string
  const onError = vi.fn()
  const open: Socket[] = []
  /** What waits for a page to acknowledge, to be fired by hand. */
  const silences = new Set<() => void>()
  const clock: Clock = {
    ...systemClock,
    after: (ms, then) => {
      if (ms !== PAGE_SILENCE_MS) return systemClock.after(ms, then)
      silences.add(then)
      return { cancel: () => silences.delete(then) }
    },
  }

  beforeEach(async () => {
    const watched = liveOn(new MemoryStore(), clock)
    ;({ store, feed, news } = watched)
    auth = await createAuth({ secret: Buffer.alloc(32, 3), store, clock })
    server = createServer()
    const rest = { live: watched.live, fleet: {} as never, ready: Promise.resolve(), onError }
    sockets = serveSockets({ server, auth, ...rest, ops: new Operations({ clock }) })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    onError.mockReset()
  })
  afterEach(async () => {
    for (const socket of open.splice(0)) socket.disconnect()
    feed.close()
    sockets.close()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  /** A page of a person; `told` is what it was told so far, and `acknowledge` what it does about it. */
  class Page {
    readonly told: Told[] = []
    acknowledges = true
    /** Acknowledgements that are not sent yet. */
    held: (() => void)[] = []
    #heard: (() => void)[] = []
    constructor(readonly socket: Socket) {
      socket.onAny((name: string, message: JsonObject, acknowledge: (ack: object) => void) => {
        this.told.push([name, message])
        this.held.push(() => acknowledge({ ok: true }))
        if (this.acknowledges) this.acknowledge()
        for (const heard of this.#heard.splice(0)) heard()
      })
    }
    acknowledge(): void {
      for (const send of this.held.splice(0)) send()
    }
    watch(wanted: object): Promise<Record<string, unknown>> {
      const message = { lists: [], runs: [], ...wanted }
      return this.socket.timeout(20_000).emitWithAck('ui:watch', message) as never
    }
    of<T>(name: string): readonly T[] {
      return this.told.flatMap(([one, message]) => (one === name ? [message as T] : []))
    }
    get seqs(): readonly number[] {
      return this.of<UiMessage<'ui:events'>>('ui:events').flatMap(({ events }) =>
        events.map(({ seq }) => seq),
      )
    }
    async until(holds: () => boolean): Promise<void> {
      while (!holds()) await new Promise<void>((resolve) => this.#heard.push(resolve))
    }
  }
  const pageOf = async (name = 'ada'): Promise<Page> => {
    await auth.people.add({ name, role: 'viewer' }, '2026-01-01T00:00:00.000Z')
    const { access } = startSession(auth, (await store.user(name))!)
    const socket = io(`${url}/ui`, {
      ...{ transports: ['websocket'], reconnection: false, forceNew: true },
      auth: { token: access.token },
    })
    open.push(socket)
    const page = new Page(socket)
    await once(socket as never, 'connect')
    return page
  }
  const begin = async (config: object = {}): Promise<RunId> => {
    const runId = newRunId()
    const engine = { backend: 'fake', version: '1', threads: 1 }
    const rest = { name: 'a', kind: 'deployed', createdAt: '', engine, configHash: HASH } as const
    const whole = { task: { inputShape: [1], classes: ['a'] }, compute: { threads: 1 }, ...config }
    await store.createRun({ ...rest, runId, config: whole as never }, HEAD)
    return runId
  }
  const tell = async (runId: RunId, count = 1, data: JsonObject = {}): Promise<void> => {
    for (let i = 0; i < count; i += 1) await store.appendEvent(runId, 'update:accepted', data)
    feed.wake(runId)
  }

  it('are told what followed the event that they have seen, in order, and what follows', async () => {
    const runId = await begin()
    await tell(runId, 5)
    const page = await pageOf()
    expect(await page.watch({ runs: [{ runId, after: 2 }] })).toEqual({ ok: true, lost: [] })
    await page.until(() => page.seqs.length === 3)
    await tell(runId, 2)
    await page.until(() => page.seqs.length === 5)
    expect(page.seqs).toEqual([3, 4, 5, 6, 7])
  })

  it('are told where the run is, first and whenever it moves', async () => {
    const runId = await begin()
    const page = await pageOf()
    await page.watch({ runs: [{ runId, after: 0 }] })
    await page.until(() => page.told.length === 1)
    await store.advance(runId, HEAD, { ...HEAD, state: 'COLLECTING' })
    await page.until(() => page.told.length === 2)
    const at = { runId, round: 1, attempt: 1 }
    expect(page.told).toEqual([
      ['ui:stage', { ...at, stage: 'planned' }],
      ['ui:stage', { ...at, stage: 'collecting' }],
    ])
  })

  it('get no more before they have acknowledged, and are let go when they are silent', async () => {
    const runId = await begin()
    await tell(runId)
    const page = await pageOf()
    page.acknowledges = false
    await page.watch({ runs: [{ runId, after: 0 }] })
    await page.until(() => page.told.length === 1)
    await tell(runId, 3)
    // A further message is answered behind what would have been sent.
    await page.watch({ runs: [{ runId, after: 0 }] })
    expect(page.told.map(([name]) => name)).toEqual(['ui:stage'])
    expect(silences.size).toBe(1)
    const gone = once(page.socket as never, 'disconnect')
    for (const fire of silences) fire()
    expect((await gone)[0]).toBe('transport close')
    await expect.poll(() => news.listeners).toBe(0)
    expect(onError).not.toHaveBeenCalled()
  })

  it('may watch as many runs as they compare, without a warning of listeners that leak', async () => {
    const warned = vi.fn()
    process.on('warning', warned)
    const runs = await Promise.all(Array.from({ length: MOST_WATCHED_RUNS }, () => begin()))
    const page = await pageOf()
    page.acknowledges = false
    await page.watch({ runs: runs.map((runId) => ({ runId, after: 0 })) })
    await page.until(() => page.told.length === runs.length)
    // Warnings come with the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warned)
    expect(warned).not.toHaveBeenCalled()
    expect(silences.size).toBe(runs.length)
    page.socket.disconnect()
    await expect.poll(() => silences.size).toBe(0)
  })

  it('are told once what is on its way when they say again what they watch', async () => {
    const [runId, other] = [await begin(), await begin()]
    await tell(runId, 3)
    const page = await pageOf()
    await page.watch({ runs: [{ runId, after: 0 }] })
    await page.until(() => page.seqs.length === 3)
    page.acknowledges = false
    await tell(runId, 2)
    await page.until(() => page.seqs.length === 5)
    await page.watch({
      runs: [
        { runId, after: 3 },
        { runId: other, after: 0 },
      ],
    })
    await tell(runId)
    page.acknowledges = true
    page.acknowledge()
    await page.until(() => page.seqs.length >= 6)
    expect(page.seqs).toEqual([1, 2, 3, 4, 5, 6])
    // What it has forgotten it is told again, and of what it watches no more nothing.
    await page.watch({ runs: [{ runId, after: 4 }] })
    await page.until(() => page.seqs.length === 8)
    expect(page.seqs.slice(6)).toEqual([5, 6])
    await page.watch({})
    expect(news.listeners).toBe(3)
  })

  it('are told which runs they cannot watch', async () => {
    const [runId, nowhere] = [await begin(), newRunId()]
    await tell(runId, 2)
    const page = await pageOf()
    const runs = [
      { runId, after: 3 },
      { runId: nowhere, after: 0 },
    ]
    expect(await page.watch({ runs })).toEqual({ ok: true, lost: [runId, nowhere] })
  })

  it('hear that a list changed which they may ask for, and of no other', async () => {
    const page = await pageOf()
    expect(await page.watch({ lists: ['runs', 'operations'] })).toMatchObject({
      ...{ ok: false, problem: { code: 'auth/forbidden' } },
    })
    await page.watch({ lists: ['runs'] })
    news.changed('nodes')
    news.changed('operations')
    await begin()
    await page.until(() => page.told.length === 1)
    expect(page.told).toEqual([['ui:changed', { list: 'runs' }]])
  })

  it.each([
    ['no run', { runs: [{ runId: 'x', after: 0 }] }],
    ['a run twice', { runs: Array(2).fill({ runId: 'run-0123456789ab', after: 0 }) }],
    ['an event that cannot be', { runs: [{ runId: 'run-0123456789ab', after: -1 }] }],
    ['an unknown list', { lists: ['users'] }],
    [
      'too many runs',
      { runs: Array.from({ length: 13 }, () => ({ runId: newRunId(), after: 0 })) },
    ],
  ])('may not watch %s', async (_what, wanted) => {
    expect(await (await pageOf()).watch(wanted)).toMatchObject({
      ...{ ok: false, problem: { code: 'message/malformed' } },
    })
  })

  it('see nothing of single members where the run hides them', async () => {
    const runId = await begin({ updates: NOISE })
    await tell(runId, 1, { round: 1, attempt: 1, slot: 3, weight: 7 })
    const page = await pageOf()
    await page.watch({ runs: [{ runId, after: 0 }] })
    await page.until(() => page.seqs.length === 1)
    const [{ events } = { events: [] }] = page.of<UiMessage<'ui:events'>>('ui:events')
    expect(events[0]?.data).toEqual({ round: 1, attempt: 1 })
  })

  it('of a person who was revoked are told nothing any more', async () => {
    const runId = await begin()
    const page = await pageOf()
    await page.watch({ lists: ['runs'], runs: [{ runId, after: 0 }] })
    await page.until(() => page.told.length === 1)
    const gone = once(page.socket as never, 'disconnect')
    await auth.people.revoke('ada', '2026-01-01T00:00:00.000Z')
    auth.gate.expel('ada')
    await tell(runId)
    await gone
    await expect.poll(() => news.listeners).toBe(0)
    expect(page.seqs).toEqual([])
  })
})
