import { describe, expect, it } from 'vitest'
import { logLines } from './log-lines.js'
import { linesOf } from './sample-lines.js'

const entry = (seq: number, more: object): Record<string, never> =>
  ({
    ...{ seq, at: '2026-11-28T12:00:00.000Z', actor: 'user:ana', action: 'run.stop', data: {} },
    ...{ phase: 'intent', subject: 'run-1', previous: null, hash: 'x', ...more },
  }) as unknown as Record<string, never>
const words = (...entries: Parameters<typeof logLines>[0]): readonly string[] =>
  logLines(entries).lines.map(({ actor, words, outcome }) => `${actor} ${words}: ${outcome}`)

describe('the audit log in lines', () => {
  it('has one for an act and what came of it, latest first', () => {
    const { lines } = logLines([
      entry(1, {}),
      entry(2, { action: 'node.invite', subject: null, data: { minutes: 60 } }),
      entry(3, { phase: 'done', data: { intent: 1 } }),
      entry(4, { phase: 'failed', action: 'node.invite', data: { intent: 2, code: 'store/io' } }),
      entry(5, { action: 'run.export' }),
    ])
    expect(lines.map(({ seq, outcome }) => [seq, outcome])).toEqual([
      [5, 'open'],
      [2, 'failed'],
      [1, 'done'],
    ])
    expect(lines[1]?.details).toBe('minutes: 60, code: store/io')
  })
  it('what was refused has no name: it says what it would have been', () => {
    const refused = { phase: 'failed', subject: null, data: { code: 'config/invalid' } }
    expect(words(entry(1, { ...refused, action: 'run.start' }))).toEqual([
      'ana started a run: failed',
    ])
  })
  it('says what was made, and who came in', () => {
    expect(
      words(
        entry(1, { action: 'run.start', subject: null }),
        entry(2, { action: 'run.start', phase: 'done', subject: 'run-7', data: { intent: 1 } }),
        entry(3, { actor: 'anyone', action: 'user.sign-in', subject: null }),
        entry(4, {
          actor: 'anyone',
          action: 'user.sign-in',
          phase: 'done',
          subject: 'bo',
          data: { intent: 3 },
        }),
        entry(5, { actor: 'anyone', action: 'user.sign-in', phase: 'failed', subject: null }),
        entry(6, { action: 'user.new-role', subject: 'bo', data: { role: 'viewer' } }),
      ),
    ).toEqual([
      'ana gave bo the role viewer: open',
      'anyone signed in: failed',
      'bo signed in: done',
      'ana started run-7: done',
    ])
  })
  it('shows an outcome whose act is on an earlier page, and acts that it does not know', () => {
    expect(words(entry(9, { phase: 'done', data: { intent: 2 } }))).toEqual([
      'ana stopped run-1: done',
    ])
    expect(words(entry(1, { action: 'constructor' }))).toEqual(['ana constructor run-1: open'])
  })
  it('goes on behind entries that cannot be read', () => {
    const { lines, unreadable } = logLines([null, entry(2, { phase: 7 }), entry(3, {})])
    expect(unreadable).toBe(2)
    expect(lines).toHaveLength(1)
  })
  it('an outcome that claims to be of itself or of what comes later is none', () => {
    expect(words(entry(2, { phase: 'done', data: { intent: 2 } }))).toHaveLength(1)
    expect(words(entry(2, { phase: 'done', data: { intent: 9 } }), entry(9, {}))).toHaveLength(2)
  })
})

describe('what is measured, as lines', () => {
  const sample = { at: '2026-11-28T12:00:00.000Z', lagMs: 3, storeBytes: null } as never
  it('is against the time of day, without what was never measured', () => {
    const measures = [
      { label: 'lag', of: ({ lagMs }: { readonly lagMs: number }) => lagMs },
      { label: 'store', of: () => null },
    ]
    expect(linesOf([sample], measures)).toEqual([
      { id: 'lag', label: 'lag', x: [Date.parse('2026-11-28T12:00:00.000Z') / 1000], y: [3] },
    ])
  })
})
