import { describe, expect, it, vi } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import type { RunId } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import type { Attempt, RunView } from '#protocol/run-views.js'
import type { RunEvent } from '#protocol/ui-messages.js'
import type { RunWatcher } from './live.js'
import { RunFollower, type RunNews } from './run-follower.js'

const RUN = 'run-0123456789ab' as RunId
const AT = '2026-11-28T12:00:00.000Z'
const event = (seq: number, type: string, data: JsonObject = {}): RunEvent => ({
  ...{ seq, at: AT, type, data },
})
const opened = (seq: number, round: number): RunEvent =>
  event(seq, 'round:opened', {
    ...{ round, attempt: 1, purpose: 'train', part: 'method', cohort: [0, 1] },
    deadlineSeconds: 60,
  })
const accepted = (seq: number, round: number, slot: number): RunEvent =>
  event(seq, 'update:accepted', { round, attempt: 1, slot, weight: 10 })
const closed = (seq: number, round: number): RunEvent =>
  event(seq, 'round:closed', {
    record: {
      ...{ round, attempt: 1, cohort: [0, 1], metrics: { accuracy: round / 10 } },
      accepted: [{ slot: 0, metrics: { loss: 1 } }],
      diagnostics: { headNorms: [1] },
    },
  })

const viewAt = (lastSeq: number, round: number): RunView =>
  ({
    line: { runId: RUN, state: 'running', reason: null, round, rounds: 9, accuracy: null },
    ...{ stage: { stage: 'planned', round: round + 1, attempt: 1 }, latest: null, lastSeq },
    ...{ roster: [], metrics: [], memberMetrics: [], hidden: [] },
  }) as unknown as RunView

/** A coordinator, the connection to it, and a follower of a run there. */
function followed() {
  let watcher: RunWatcher | null = null
  let after = -1
  let view: RunView | FederationError = viewAt(3, 1)
  let timeline: { attempts: readonly Attempt[]; lastSeq: number; hasEarlier: boolean } = {
    ...{ attempts: [], lastSeq: 3, hasEarlier: false },
  }
  const call = vi.fn((name: string) => {
    if (name.endsWith('/timeline')) return Promise.resolve(timeline)
    return view instanceof FederationError ? Promise.reject(view) : Promise.resolve(view)
  })
  const news: RunNews = {
    onRun: (_, from, next) => {
      after = from
      watcher = next
      return () => (watcher = null)
    },
  }
  const onGrown = vi.fn()
  const follower = new RunFollower({ api: { call: call as never }, runId: RUN, onGrown })
  return {
    ...{ follower, news, onGrown, call },
    watched: () => (watcher === null ? null : after),
    tell: (...events: readonly RunEvent[]) => watcher?.onEvents(events),
    watcher: () => watcher,
    answer: (next: RunView | FederationError) => (view = next),
    answerTimeline: (next: typeof timeline) => (timeline = next),
    begin: async () => {
      const forget = follower.follow(news)
      await vi.waitFor(() => expect(follower.now() ?? follower.problem()).not.toBeNull())
      return forget
    },
  }
}

describe('a run that a page follows', () => {
  it('goes on from its view by events, and is let go', async () => {
    const { follower, begin, watched, tell } = followed()
    const forget = await begin()
    expect(watched()).toBe(3)
    tell(opened(4, 2), accepted(5, 2, 1))
    expect(follower.now()?.view.latest?.counts.accepted).toBe(1)
    tell(closed(6, 2))
    const now = follower.now()
    expect(now?.attempts.map(({ round, outcome }) => [round, outcome])).toEqual([[2, 'closed']])
    expect(now?.view.line).toMatchObject({ round: 2, accuracy: 0.2, latestAt: AT })
    expect(now?.view.latest).toBe(now?.attempts[0])
    expect(now?.hasEarlier).toBe(false)
    expect(now?.lastSeq).toBe(6)
    forget()
    expect(watched()).toBeNull()
  })
  it('counts nothing twice that the timeline had already', async () => {
    const { follower, begin, tell, answerTimeline } = followed()
    const attempt: Attempt = {
      ...{ round: 2, attempt: 1, purpose: 'train', part: 'method', openedAt: AT, endedAt: null },
      ...{ outcome: 'open', deadlineSeconds: null, members: [] },
      counts: { asked: 2, accepted: 1, refused: 0, failed: 0 },
    }
    answerTimeline({ attempts: [attempt], lastSeq: 5, hasEarlier: false })
    await begin()
    const hidden = (seq: number) => event(seq, 'update:accepted', { round: 2, attempt: 1 })
    tell(opened(4, 2), hidden(5), hidden(6))
    expect(follower.now()?.attempts[0]?.counts.accepted).toBe(2)
  })
  it('asks again, once, when rounds have closed, and keeps what has happened since', async () => {
    vi.useFakeTimers()
    try {
      const { follower, begin, tell, call, answer, onGrown } = followed()
      await begin()
      tell(closed(4, 2))
      tell(closed(5, 3), closed(6, 4))
      answer({ ...viewAt(5, 3), metrics: ['accuracy'] })
      await vi.advanceTimersByTimeAsync(1000)
      expect(onGrown).toHaveBeenCalledOnce()
      expect(call.mock.calls.filter(([name]) => name.endsWith('/view'))).toHaveLength(2)
      expect(follower.now()?.view).toMatchObject({ metrics: ['accuracy'], lastSeq: 6 })
      expect(follower.now()?.view.line.round).toBe(4)
      tell(accepted(7, 5, 0))
      await vi.advanceTimersByTimeAsync(5000)
      expect(onGrown).toHaveBeenCalledOnce()
    } finally {
      vi.useRealTimers()
    }
  })
  it('begins anew when the coordinator knows of another past', async () => {
    const { follower, begin, tell, watcher, answer, watched } = followed()
    await begin()
    tell(closed(4, 2))
    answer(viewAt(1, 0))
    watcher()?.onLost()
    await vi.waitFor(() => expect(follower.now()?.lastSeq).toBe(1))
    expect(follower.now()).toMatchObject({ events: [], view: { line: { round: 0 } } })
    expect(watched()).toBe(1)
  })
  it('says why there is nothing to follow, and tries again where that may help', async () => {
    vi.useFakeTimers()
    try {
      const { follower, begin, answer } = followed()
      answer(new FederationError('coordinator/unreachable', 'The coordinator does not answer'))
      await begin()
      expect(follower.problem()?.code).toBe('coordinator/unreachable')
      answer(viewAt(3, 1))
      await vi.advanceTimersByTimeAsync(2000)
      expect(follower.now()?.lastSeq).toBe(3)
      expect(follower.problem()).toBeNull()
    } finally {
      vi.useRealTimers()
    }
  })
  it('holds no more of a long run than a page shows', async () => {
    const { follower, begin, tell } = followed()
    await begin()
    for (let round = 2, seq = 4; round < 400; round += 1, seq += 2)
      tell(opened(seq, round), closed(seq + 1, round))
    const now = follower.now()
    expect(now?.attempts).toHaveLength(60)
    expect(now?.hasEarlier).toBe(true)
    expect(now?.events).toHaveLength(500)
    const record = now?.events.at(-1)?.data['record']
    expect(record).toMatchObject({ accepted: [], counts: { asked: 2, accepted: 1 } })
    expect(record).not.toHaveProperty('diagnostics')
  })
  it('puts earlier attempts before those that are known', async () => {
    const { follower, begin, tell, answerTimeline, call } = followed()
    await begin()
    tell(opened(4, 2))
    const earlier = { ...follower.now()?.attempts[0], round: 1, outcome: 'closed' } as Attempt
    answerTimeline({ attempts: [earlier], lastSeq: 4, hasEarlier: false })
    await follower.loadEarlier()
    expect(call).toHaveBeenLastCalledWith('GET /api/runs/:id/timeline', {
      ...{ params: { id: RUN }, query: { before: 2, rounds: 20 } },
    })
    expect(follower.now()?.attempts.map(({ round }) => round)).toEqual([1, 2])
  })
})
