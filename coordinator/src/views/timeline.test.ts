import { beforeEach, describe, expect, it, vi } from 'vitest'
import { advance } from '#protocol/attempts.js'
import { newRunId } from '#protocol/ids.js'
import type { Attempt } from '#protocol/run-views.js'
import { planned, runRow, text } from '#testing/store-fixtures.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { eyesOn } from './privacy.js'
import { timelineOf, type Timeline } from './timeline.js'

const RUN = newRunId()
const eyes = eyesOn(runRow(RUN).config)

describe('the timeline', () => {
  let store: MemoryStore
  beforeEach(async () => {
    store = new MemoryStore()
    await store.createRun(runRow(RUN), planned(await store.blobs.put(text('state'))))
    await store.appendEvent(RUN, 'run:started', { name: 'test' })
  })
  const look = (before: number | null, rounds: number): Promise<Timeline> =>
    timelineOf(store, RUN, { before, rounds, eyes })
  const places = ({ attempts }: Timeline): readonly string[] =>
    attempts.map(({ round, attempt }) => `${round}.${attempt}`)
  async function tell(round: number, attempt: number, isClosed = true): Promise<void> {
    const at = { round, attempt }
    const cohort = [0, 1, 2]
    await store.appendEvent(RUN, 'round:opened', {
      ...at,
      purpose: 'train',
      part: 'method',
      cohort,
    })
    for (const slot of cohort) await store.appendEvent(RUN, 'update:accepted', { ...at, slot })
    const record = { ...at, cohort, accepted: cohort }
    if (isClosed) await store.appendEvent(RUN, 'round:closed', { record })
    else await store.appendEvent(RUN, 'round:abandoned', { ...at, reason: 'Too few' })
    await store.appendEvent(RUN, 'run:waiting', { reason: 'Nobody is there' })
  }

  it('is empty before the first round', async () => {
    expect(await look(null, 5)).toEqual({ attempts: [], lastSeq: 1, hasEarlier: false })
  })
  it('tells of the latest rounds with all their attempts, and what is before them', async () => {
    for (let round = 1; round <= 6; round += 1) {
      await tell(round, 1, false)
      await tell(round, 2)
    }
    const latest = await look(null, 2)
    expect(places(latest)).toEqual(['5.1', '5.2', '6.1', '6.2'])
    expect(latest).toMatchObject({ lastSeq: await store.lastSeq(RUN), hasEarlier: true })
    expect(latest.attempts.map(({ outcome }) => outcome)).toEqual([
      'abandoned',
      'closed',
      'abandoned',
      'closed',
    ])
    expect(places(await look(5, 3))).toEqual(['2.1', '2.2', '3.1', '3.2', '4.1', '4.2'])
    const first = await look(3, 9)
    expect([places(first), first.hasEarlier]).toEqual([['1.1', '1.2', '2.1', '2.2'], false])
    expect(places(await look(1, 9))).toEqual([])
  })
  it('tells what came late, while the next round was open already', async () => {
    await tell(1, 1)
    const opened = { round: 2, attempt: 1, purpose: 'train', part: 'method', cohort: [3] }
    await store.appendEvent(RUN, 'round:opened', opened)
    await store.appendEvent(RUN, 'round:opened', { ...opened, attempt: 2 })
    const late = { round: 2, attempt: 1, slot: 3, code: 'round/closed', message: 'Late' }
    await store.appendEvent(RUN, 'update:refused', late)
    for (const before of [null, 3])
      expect((await look(before, 1)).attempts[0]?.members).toMatchObject([
        { slot: 3, state: 'refused', code: 'round/closed' },
      ])
  })
  it('reads no more of a long run than it tells of', async () => {
    for (let round = 1; round <= 400; round += 1) await tell(round, 1)
    const reads = vi.spyOn(store, 'events')
    expect(places(await look(null, 3))).toEqual(['398.1', '399.1', '400.1'])
    expect(reads).toHaveBeenCalledTimes(1)
    reads.mockClear()
    expect(places(await look(100, 3))).toEqual(['97.1', '98.1', '99.1'])
    const read = reads.mock.calls.reduce((sum, [, , limit]) => sum + limit, 0)
    expect(read).toBeLessThan(800)
  })
  it('is what a page makes of the same events', async () => {
    for (let round = 1; round <= 3; round += 1) await tell(round, 1)
    const events = await store.events(RUN, 0, 1000)
    const page = events.reduce(advance, [] as readonly Attempt[])
    expect((await look(null, 60)).attempts).toEqual(page)
  })
  it('tells of fewer rounds where they have very many members', async () => {
    const cohort = Array.from({ length: 15_000 }, (_, slot) => slot)
    for (const round of [1, 2, 3]) {
      const opened = { round, attempt: 1, purpose: 'train', part: 'method', cohort }
      await store.appendEvent(RUN, 'round:opened', opened)
    }
    const timeline = await look(null, 60)
    expect([places(timeline), timeline.hasEarlier]).toEqual([['2.1', '3.1'], true])
  })
})
