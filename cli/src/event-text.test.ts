import { describe, expect, it } from 'vitest'
import { recordedConfigSchema } from '#protocol/config-schema.js'
import type { JsonObject } from '#protocol/json.js'
import { eyesOn } from '#coordinator/views/privacy.js'
import { eventLines } from './event-text.js'

const AT = { round: 2, attempt: 1 }
const PROBLEM = { code: 'task/failed', message: 'The loss is NaN' }
const COOLING = { nodeId: 'node-x', name: 'ward-7', failures: 3, seconds: 60, reason: 'NaN' }
/** With the text for who sees everything, and where members are hidden. */
const EVENTS: readonly (readonly [string, JsonObject, string, string])[] = [
  [
    'run:waiting',
    { reason: '1 of at least 2 members are available. ward-7: fell' },
    'waiting: 1 of at least 2 members are available. ward-7: fell',
    'waiting: 1 of at least 2 members are available',
  ],
  [
    'update:refused',
    { ...AT, slot: 3, code: 'round/closed' },
    'slot 3 refused: round/closed',
    'a member refused: round/closed',
  ],
  [
    'task:failed',
    { ...AT, slot: 3, ...PROBLEM },
    'slot 3: task/failed: The loss is NaN',
    'a member: task/failed',
  ],
  [
    'member:refused',
    { name: 'ward-7', ...PROBLEM },
    'ward-7: task/failed: The loss is NaN',
    'a member: task/failed',
  ],
  [
    'member:cooling-down',
    COOLING,
    'ward-7 is not asked for 60 s: 3 failures in a row, the last: NaN',
    'a member is not asked for a while',
  ],
  [
    'round:waiting-for',
    { ...AT, slots: [3, 5] },
    'waiting for slot 3, 5, until the deadline of the round',
    'waiting for 2 members, until the deadline of the round',
  ],
]
const EYES = eyesOn(
  recordedConfigSchema.parse({
    task: { inputShape: [2], classes: ['cat', 'dog'] },
    updates: [{ name: 'gaussian-noise', stddev: 1 }],
  }),
)

describe('events in words', () => {
  it.each(EVENTS)('tell what %s says, and no more than is shown', (type, data, open, closed) => {
    const event = { seq: 1, at: '2026-01-01T00:00:00.000Z', type, data }
    expect(eventLines(event)).toEqual([`  ${open}`])
    expect(eventLines(EYES.event(event))).toEqual([`  ${closed}`])
  })
  it('are none of what has a line of its own, or needs none', () => {
    for (const type of ['round:closed', 'run:finished', 'update:accepted'])
      expect(eventLines({ type, data: {} })).toEqual([])
  })
})
