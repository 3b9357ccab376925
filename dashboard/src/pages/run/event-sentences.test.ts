import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#protocol/json.js'
import { sentenceOf } from './event-sentences.js'

const NAMES = ['Bergen', 'Lyon', 'Porto', 'Turku']
const nameOf = (slot: number): string => NAMES[slot] ?? `member ${slot}`
const told = (type: string, data: JsonObject) =>
  sentenceOf({ seq: 1, at: '2026-11-28T12:00:00.000Z', type, data }, nameOf)
const text = (type: string, data: JsonObject): string => {
  const { text: sentence, more } = told(type, data)
  return more === null ? sentence : `${sentence} | ${more}`
}
const record = {
  ...{ round: 3, durationMs: 2300, bytesUp: 4096, bytesDown: 8192, cohort: [0, 1] },
  accepted: [{ slot: 0 }],
}

describe('what happened, in sentences', () => {
  it.each<[string, JsonObject, string]>([
    [
      'run:started',
      { name: 'x', engine: { backend: 'wasm' } },
      'The run was started | Computes with wasm',
    ],
    [
      'run:waiting',
      { reason: '1 of at least 3 members are available' },
      'The run waits for members | 1 of at least 3 members are available',
    ],
    ['run:resumed', { round: 4 }, 'The run goes on with round 4'],
    ['run:finished', {}, 'The run has finished'],
    ['run:failed', { reason: null }, 'The run has failed'],
    [
      'round:opened',
      { round: 2, attempt: 1, purpose: 'train', cohort: [0, 1, 2], deadlineSeconds: 90 },
      'Round 2 opened: 3 members are asked to train | For 1 min 30 s at most',
    ],
    [
      'round:opened',
      { round: 2, attempt: 3, purpose: 'evaluate', cohort: 1, deadlineSeconds: null },
      'Round 2 opened, attempt 3: 1 member is asked to score the model',
    ],
    [
      'round:closed',
      { record: { ...record, metrics: { accuracy: 0.5, loss: 1.25 } } },
      'Round 3 closed after 2.3 s: 1 of 2 reported | Accuracy 50.00 % · loss 1.25 · 4.10 kB up · 8.19 kB down',
    ],
    [
      'round:abandoned',
      { round: 2, attempt: 1, reason: 'too few' },
      'Attempt 1 at round 2 was given up | too few',
    ],
    [
      'round:waiting-for',
      { round: 2, attempt: 1, slots: [2, 0] },
      'Round 2 waits for Porto, Bergen to come back',
    ],
    [
      'update:accepted',
      { round: 1, slot: 0, weight: 1400 },
      'The update of Bergen counts in round 1 | Weight 1,400',
    ],
    [
      'update:refused',
      { round: 1, slot: 9, code: 'round/closed', message: 'm' },
      'The update of member 9 does not count in round 1: it came after the round had closed | m',
    ],
    [
      'task:failed',
      { round: 1, slot: 1, code: 'round/closed', message: 'm' },
      'Lyon did not answer in round 1: not done by the deadline | m',
    ],
    [
      'member:cooling-down',
      { name: 'Porto', failures: 3, seconds: 60, reason: 'r' },
      'Porto is not asked for 1 min, as it failed 3 times in a row | r',
    ],
    [
      'audit:finished',
      { verdict: 'not-demonstrated', isSound: true, because: 'b', obstacles: [] },
      'The privacy audit came to its verdict: not demonstrated | b',
    ],
    [
      'audit:finished',
      { verdict: 'high', isSound: false, because: 'b', obstacles: ['too few records'] },
      'The privacy audit proves nothing | too few records',
    ],
  ])('%s %j', (type, data, expected) => {
    expect(text(type, data)).toBe(expected)
  })

  it('names nobody where it is hidden who takes part', () => {
    expect(text('update:accepted', { round: 1, attempt: 1 })).toBe(
      'The update of a member counts in round 1',
    )
    expect(text('task:failed', { round: 1, attempt: 1, code: 'task/failed' })).toBe(
      'A member did not answer in round 1: the task failed on the node',
    )
    expect(text('round:waiting-for', { round: 1, attempt: 1, slots: 2 })).toBe(
      'Round 1 waits for 2 members to come back',
    )
    const hidden = { ...record, cohort: [], accepted: [], counts: { asked: 5, accepted: 4 } }
    expect(text('round:closed', { record: { ...hidden, metrics: {} } })).toContain(
      '4 of 5 reported',
    )
  })
  it('shows an event of a newer coordinator by its type, and broken data without breaking', () => {
    expect(told('moon:risen', {})).toEqual({
      kind: 'members',
      tone: 'neutral',
      text: 'moon:risen',
      more: null,
    })
    for (const type of ['update:refused', 'round:opened', 'member:refused', 'audit:progress'])
      expect(told(type, {}).text).not.toBe('')
  })
  it('sorts them by what they are about', () => {
    const kinds = ['run:failed', 'round:closed', 'update:accepted', 'audit:progress'].map(
      (type) => told(type, { record: { ...record, metrics: {} } }).kind,
    )
    expect(kinds).toEqual(['run', 'rounds', 'members', 'audit'])
  })
})
