import { beforeEach, describe, expect, it } from 'vitest'
import { newNodeId, newRunId } from '#protocol/ids.js'
import { DEFAULT_POLICY } from '#protocol/policy.js'
import { FakeClock } from '#testing/fake-clock.js'
import { NodeFacts } from './node-facts.js'
import type { Assignment } from './open-round.js'

const NODE = newNodeId()
const SESSION = {
  nodeId: NODE,
  card: { inputShape: [2], classes: ['cat', 'dog'] },
  policy: DEFAULT_POLICY,
}
const taskOf = (config: object = {}): Assignment =>
  ({
    nodeId: NODE,
    round: {
      ...{ runId: newRunId(), opening: { round: 3 } },
      config: { training: { batchSize: 32 }, ...config },
    },
  }) as unknown as Assignment
const NOISE = { updates: [{ name: 'gaussian-noise', stddev: 1 }] }
const LOST = { code: 'task/failed', message: 'The node was away' } as const

describe('what is known of nodes', () => {
  let clock: FakeClock
  let facts: NodeFacts
  beforeEach(() => {
    clock = new FakeClock()
    facts = new NodeFacts(clock)
    facts.seen(SESSION)
  })

  it('is nothing of one that has not been there', () => {
    expect(facts.of(newNodeId())).toBeNull()
    facts.failed({ ...taskOf(), nodeId: newNodeId() }, LOST)
  })
  it('is what it said when it was there last, and when that was', () => {
    const { card, policy } = SESSION
    expect(facts.of(NODE)).toMatchObject({ card, policy, lastSeenAt: clock.timestamp() })
    clock.advance(60_000)
    const other = { ...card, classes: ['a', 'b'] }
    facts.seen({ ...SESSION, card: other })
    expect(facts.of(NODE)).toMatchObject({ card: other, lastSeenAt: clock.timestamp() })
  })
  it('is how fast it trains, from the first it tells of a task', () => {
    const task = taskOf()
    facts.progressed(task, 10)
    clock.advance(100)
    facts.progressed(task, 11)
    expect(facts.of(NODE)?.examplesPerSecond).toBeNull()
    clock.advance(1900)
    facts.progressed(task, 60)
    expect(facts.of(NODE)?.examplesPerSecond).toBe(800)
    facts.seen(SESSION)
    expect(facts.of(NODE)?.examplesPerSecond).toBe(800)
    const next = taskOf()
    facts.progressed(next, 0)
    clock.advance(1000)
    facts.progressed(next, 10)
    expect(facts.of(NODE)?.examplesPerSecond).toBe(320)
  })
  it('is how often it failed, and why the latest times', () => {
    for (let i = 1; i <= 7; i += 1) facts.failed(taskOf(), { ...LOST, message: `Failure ${i}` })
    const { count, latest } = facts.of(NODE)?.failures ?? { count: 0, latest: [] }
    expect(count).toBe(7)
    expect(latest.map(({ problem }) => problem.message)).toEqual(
      [7, 6, 5, 4, 3].map((i) => `Failure ${i}`),
    )
    expect(latest[0]).toMatchObject({ round: 3, at: clock.timestamp() })
  })
  it('SEC-T25: is neither of runs that hide their members', () => {
    const task = taskOf(NOISE)
    facts.progressed(task, 0)
    clock.advance(1000)
    facts.progressed(task, 10)
    facts.failed(task, LOST)
    expect(facts.of(NODE)).toMatchObject({ examplesPerSecond: null, failures: { count: 0 } })
  })
})
