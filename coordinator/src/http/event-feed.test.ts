import { beforeEach, describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import type { Head, RunRow } from '#coordinator/store/store.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { FakeClock } from '#testing/fake-clock.js'
import { EventFeed } from './event-feed.js'

const RUN = 'run-0123456789ab' as RunId

describe('the feed of events', () => {
  let store: MemoryStore
  let clock: FakeClock
  let feed: EventFeed
  let gone: AbortController
  const wait = async (after: number, waitSeconds: number): Promise<readonly number[]> =>
    (await feed.after(RUN, after, { waitSeconds, signal: gone.signal })).map(({ seq }) => seq)

  beforeEach(async () => {
    store = new MemoryStore()
    clock = new FakeClock()
    feed = new EventFeed(store, clock)
    gone = new AbortController()
    await store.createRun({ runId: RUN } as RunRow, {} as Head)
    await feed.note(RUN, 'one', {})
  })

  it('tells at once what there is', async () => {
    expect(await wait(0, 60)).toEqual([1])
    expect(await wait(1, 0)).toEqual([])
    expect(clock.pending).toBe(0)
  })
  it('tells no more at a time than was asked for', async () => {
    for (const type of ['two', 'three']) await feed.note(RUN, type, {})
    const few = await feed.after(RUN, 0, { limit: 2, waitSeconds: 0, signal: gone.signal })
    expect(few.map(({ seq }) => seq)).toEqual([1, 2])
  })
  it('waits for the next event', async () => {
    const waiting = wait(1, 60)
    await feed.note(RUN, 'two', {})
    expect(await waiting).toEqual([2])
    expect(clock.pending).toBe(0)
  })
  it('gives up when the time is over, when the asker is gone, and when it closes', async () => {
    const late = wait(1, 60)
    clock.advance(60_000)
    expect(await late).toEqual([])
    const left = wait(1, 60)
    gone.abort()
    expect(await left).toEqual([])
    gone = new AbortController()
    const closed = wait(1, 60)
    feed.close()
    expect(await closed).toEqual([])
    expect(await wait(1, 60)).toEqual([])
    expect(clock.pending).toBe(0)
  })
})
