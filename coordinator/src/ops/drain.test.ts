import { describe, expect, it } from 'vitest'
import { FakeClock } from '#testing/fake-clock.js'
import { Drain } from './drain.js'
import { TokenBucket } from './token-bucket.js'

describe('stopping', () => {
  it('waits for what is under way, and for no longer than it may', async () => {
    const clock = new FakeClock()
    const drain = new Drain()
    const [first, second] = [drain.enter(), drain.enter()]
    const drained = drain.drained(clock, 1_000)
    expect(drain.isDraining).toBe(true)
    first()
    first()
    expect(drain.underWay).toBe(1)
    second()
    expect(await drained).toBe(true)
    expect(clock.pending).toBe(0)

    drain.enter()
    const late = drain.drained(clock, 1_000)
    clock.advance(1_000)
    expect(await late).toBe(false)
  })
  it('is done at once when nothing is under way', async () => {
    expect(await new Drain().drained(new FakeClock(), 1_000)).toBe(true)
  })
})

describe('a token bucket', () => {
  it('gives a burst, then so many a second, and keeps no more than a burst', () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket(clock, { burst: 3, perSecond: 2 })
    const taken = (tries: number): number =>
      Array.from({ length: tries }, () => bucket.take()).filter(Boolean).length
    expect(taken(5)).toBe(3)
    clock.advance(500)
    expect(taken(5)).toBe(1)
    clock.advance(1_000_000)
    expect(taken(5)).toBe(3)
  })
})
