import { describe, expect, it } from 'vitest'
import { advance } from './attempts.js'
import type { JsonObject } from './json.js'
import { attemptSchema, type Attempt } from './run-views.js'

/** Events of a run, one each second. */
function attemptsAfter(...events: readonly (readonly [string, JsonObject])[]): readonly Attempt[] {
  const attempts = events.reduce<readonly Attempt[]>(
    (so, [type, data], i) => advance(so, { seq: i + 1, at: atOf(i), type, data }),
    [],
  )
  for (const attempt of attempts) attemptSchema.parse(attempt)
  return attempts
}
const atOf = (second: number): string => new Date(second * 1000).toISOString()
const FIRST = { round: 1, attempt: 1 }
const opened = (place: object = FIRST, cohort: JsonObject['cohort'] = [0, 2]) =>
  [
    'round:opened',
    { ...place, purpose: 'train', part: 'method', cohort, deadlineSeconds: 60 } as JsonObject,
  ] as const
const closed = (record: object) =>
  ['round:closed', { record: { ...FIRST, ...record } as JsonObject }] as const

describe('attempts at rounds', () => {
  it('begin with whom they ask', () => {
    expect(attemptsAfter(['run:started', {}], opened())).toEqual([
      {
        ...{ ...FIRST, purpose: 'train', part: 'method', deadlineSeconds: 60 },
        ...{ openedAt: atOf(1), endedAt: null, outcome: 'open' },
        counts: { asked: 2, accepted: 0, refused: 0, failed: 0 },
        members: [0, 2].map((slot) => ({ slot, state: 'asked', at: null, code: null })),
      },
    ])
  })
  it('tell of each member what became of its task, and when', () => {
    const [attempt] = attemptsAfter(
      opened(FIRST, [0, 1, 2, 3]),
      ['update:accepted', { ...FIRST, slot: 2, weight: 1 }],
      ['update:refused', { ...FIRST, slot: 0, weight: 1, code: 'update/not-finite' }],
      ['task:failed', { ...FIRST, slot: 1, code: 'round/closed' }],
    )
    expect(attempt?.members).toEqual([
      { slot: 0, state: 'refused', at: atOf(2), code: 'update/not-finite' },
      { slot: 1, state: 'failed', at: atOf(3), code: 'round/closed' },
      { slot: 2, state: 'accepted', at: atOf(1), code: null },
      { slot: 3, state: 'asked', at: null, code: null },
    ])
    expect(attempt?.counts).toEqual({ asked: 4, accepted: 1, refused: 1, failed: 1 })
  })
  it('count what counts, whatever the member sends after it, and what is sent again better', () => {
    const [attempt] = attemptsAfter(
      opened(),
      ['update:refused', { ...FIRST, slot: 0, code: 'update/not-finite' }],
      ['update:accepted', { ...FIRST, slot: 0 }],
      ['update:refused', { ...FIRST, slot: 0, code: 'update/conflict' }],
    )
    expect(attempt?.members[0]).toMatchObject({ state: 'accepted', at: atOf(2) })
    expect(attempt?.counts).toEqual({ asked: 2, accepted: 1, refused: 0, failed: 0 })
  })
  it('end closed, with as many as the record counts, or abandoned', () => {
    const [first, second] = attemptsAfter(
      opened(),
      ['round:abandoned', { ...FIRST, reason: 'x' }],
      opened({ round: 1, attempt: 2 }),
      closed({ attempt: 2, cohort: [0, 2], accepted: [{ slot: 0 }] }),
    )
    expect(first).toMatchObject({ outcome: 'abandoned', endedAt: atOf(1) })
    expect(second).toMatchObject({ outcome: 'closed', endedAt: atOf(3), counts: { accepted: 1 } })
  })
  it.each(['run:stopped', 'run:failed'])('end with their run: %s', (type) => {
    const [first, second] = attemptsAfter(
      opened(),
      closed({ cohort: [0, 2], accepted: [] }),
      opened({ round: 2, attempt: 1 }),
      [type, { reason: 'x' }],
    )
    expect(first).toMatchObject({ outcome: 'closed', endedAt: atOf(1) })
    expect(second).toMatchObject({ outcome: 'abandoned', endedAt: atOf(3) })
  })
  it('end when another one begins: a coordinator that was killed could not say how', () => {
    const [first, second] = attemptsAfter(opened(), opened({ round: 1, attempt: 2 }))
    expect(first).toMatchObject({ outcome: 'abandoned', endedAt: atOf(1) })
    expect(second).toMatchObject({ outcome: 'open', endedAt: null })
  })
  it('that are told again are not there twice', () => {
    expect(attemptsAfter(opened(), opened())).toHaveLength(1)
  })
  it('are counted where privacy settings hide who took part', () => {
    const [attempt] = attemptsAfter(
      opened(FIRST, 5),
      ['update:accepted', FIRST],
      ['update:accepted', FIRST],
      ['update:refused', { ...FIRST, code: 'update/not-finite' }],
      ['task:failed', { ...FIRST, code: 'round/closed' }],
      closed({ cohort: [], accepted: [], counts: { asked: 5, accepted: 2 } }),
    )
    expect(attempt).toMatchObject({
      ...{ outcome: 'closed', members: [] },
      counts: { asked: 5, accepted: 2, refused: 1, failed: 1 },
    })
  })
  it('are as they were after what is about none of them', () => {
    const before = attemptsAfter(opened())
    const other = { ...FIRST, round: 7 }
    for (const [type, data] of [
      ['run:waiting', { reason: 'x' }],
      ['member:refused', { nodeId: 'x' }],
      ['no:such', {}],
    ] as const)
      expect(advance(before, { seq: 9, at: atOf(9), type, data })).toBe(before)
    for (const type of ['update:accepted', 'task:failed', 'round:abandoned'])
      expect(advance(before, { seq: 9, at: atOf(9), type, data: other })).toEqual(before)
  })
})
