import { describe, expect, it, vi } from 'vitest'
import { FakeClock } from '#testing/fake-clock.js'
import { inBatches, BATCH_SIZE, thinned } from './batches.js'
import { News } from './news.js'

const eventOf = (seq: number, data: object, type = 'x') => ({
  ...{ seq, at: '2026-01-01T00:00:00.000Z', type },
  data: data as never,
})

describe('news of a list', () => {
  it('are told at once, then once a second for as long as it goes on changing', () => {
    const clock = new FakeClock()
    const news = new News(clock)
    const [told, other] = [vi.fn(), vi.fn()]
    news.onList('nodes', told)
    news.onList('runs', other)
    for (let i = 0; i < 100; i += 1) news.changed('nodes')
    expect(told).toHaveBeenCalledTimes(1)
    clock.advance(1_000)
    expect(told).toHaveBeenCalledTimes(2)
    clock.advance(1_000)
    clock.advance(1_000)
    expect(told).toHaveBeenCalledTimes(2)
    news.changed('nodes')
    expect(told).toHaveBeenCalledTimes(3)
    expect(other).not.toHaveBeenCalled()
  })
  it('keep no timer where nobody listens', () => {
    const clock = new FakeClock()
    const news = new News(clock)
    const forget = news.onList('runs', () => undefined)
    forget()
    news.changed('runs')
    expect(clock.pending).toBe(0)
  })
})

describe('events on their way to a page', () => {
  it('travel in messages of a bounded size, in order, and none is left out', () => {
    const events = [1, 2, 3, 4, 5].map((seq) => eventOf(seq, { text: 'x'.repeat(100_000) }))
    const batches = [...inBatches([...events, eventOf(6, { text: 'x'.repeat(BATCH_SIZE) })])]
    expect(batches.map((batch) => batch.map(({ seq }) => seq))).toEqual([[1, 2], [3, 4], [5], [6]])
  })
  it('lose what is about single members only where a record is larger than a message', () => {
    const accepted = Array.from({ length: 5_000 }, (_, slot) => ({ slot, sha256: 'a'.repeat(64) }))
    const record = { round: 1, cohort: accepted.map(({ slot }) => slot), diagnostics: {} }
    const small = eventOf(1, { record: { ...record, accepted: [] } }, 'round:closed')
    expect(thinned(small)).toBe(small)
    const large = thinned(eventOf(1, { record: { ...record, accepted } }, 'round:closed'))
    expect(large.data).toEqual({
      record: { round: 1, cohort: [], accepted: [], counts: { asked: 5_000, accepted: 5_000 } },
    })
  })
})
