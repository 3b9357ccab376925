import { describe, expect, it } from 'vitest'
import { Command } from 'commander'
import { madeUpAudit, QUIET } from '#testing/made-up-audit.js'
import { auditEventText, auditLines } from './audit-gate-text.js'
import { auditPolicyOf, auditPolicyOptions, type AuditPolicyFlags } from './audit-policy-options.js'

const NONE = {
  ...({ state: 'none', threshold: null, verdict: null, because: null, source: null } as const),
  obstacles: [] as string[],
  ...{ decidedAt: null, override: null, progress: null, report: null },
}

describe('the audit of a run, for people', () => {
  it('says that there is none', () => {
    expect(auditLines(NONE)).toEqual(['Audit   none: rounds begin without one'])
  })
  it('says how far it is and how long it will take', () => {
    const progress = { done: 2, total: 5, secondsLeft: 140 }
    const view = { ...NONE, state: 'under-way', threshold: 'elevated', progress } as const
    expect(auditLines(view)).toEqual([
      'Audit   under way',
      'Done    2 of 5 parts, about 2 min left',
    ])
    expect(
      auditEventText({ type: 'audit:progress', data: { ...progress, secondsLeft: null } }),
    ).toBe('audit: 2 of 5 parts')
    expect(auditEventText({ type: 'round:opened', data: {} })).toBeNull()
  })
  it('says what stands against a run, what to do, and who decided otherwise; it never says safe', () => {
    const found = {
      threshold: 'not-demonstrated',
      verdict: 'high',
      because: 'GIFD told 5',
    } as const
    const above = { ...NONE, ...found, state: 'above-threshold', source: 'audited' } as const
    const lines = auditLines(above)
    expect(lines).toEqual([
      'Audit   above the threshold: the run does not start',
      'Verdict high; the run starts with not demonstrated at most',
      'Because GIFD told 5',
      'Made    by this coordinator',
      expect.stringContaining('runs override RUN --reason') as string,
    ])
    const override = { by: 'user:ana', reason: 'public', at: '2026-01-01T00:00:00.000Z' }
    const overridden = auditLines({ ...above, state: 'overridden', override })
    expect(overridden).toContain('Override by user:ana at 2026-01-01T00:00:00.000Z: public')
    expect(overridden.join()).not.toContain('runs override RUN')
    expect([...lines, ...overridden].join().toLowerCase()).not.toContain('safe')
  })
  it('says why a report proves nothing, also where somebody overrode that', () => {
    const obstacles = ['GIFD told the placebo', 'On 4 of 4 batches nothing was tried']
    const found = { threshold: 'elevated', verdict: 'not-demonstrated', because: 'x' } as const
    const view = { ...NONE, ...found, obstacles, state: 'unsound' as const }
    const lines = auditLines(view)
    expect(lines[0]).toBe('Audit   not sound: its report proves nothing; the run does not start')
    for (const one of obstacles) expect(lines).toContain(`But     ${one}`)
    expect(auditLines({ ...view, state: 'overridden' })).toContain(`But     ${obstacles[0]}`)
    const data = { verdict: 'not-demonstrated', because: 'x', isSound: false, obstacles }
    expect(auditEventText({ type: 'audit:finished', data })).toBe(
      'audit: it proves nothing. GIFD told the placebo. On 4 of 4 batches nothing was tried',
    )
    expect(
      auditEventText({ type: 'audit:finished', data: { ...data, isSound: true, obstacles: [] } }),
    ).toBe('audit: not demonstrated. x')
  })
  it('says whose records were audited', async () => {
    const records = { description: 'MNIST', basis: 'public', count: 4, candidates: 100 } as const
    const report = await madeUpAudit({ records }, [QUIET])
    const view = { ...NONE, state: 'passed', source: 'attached', report } as const
    expect(auditLines(view)).toContain('Records 4 (public): MNIST')
    expect(auditLines(view)).toContain('About   clients with 1 or more records each')
    expect(auditLines(view)).toContain('Made    elsewhere, and attached')
  })
})

describe('what an owner wants of audits', () => {
  const flags = (...args: readonly string[]): AuditPolicyFlags => {
    const command = auditPolicyOptions(new Command()).exitOverride()
    command.configureOutput({ writeErr: () => undefined })
    return command.parse(args, { from: 'user' }).opts()
  }
  it('is nothing, or what the options say over the file', () => {
    expect(auditPolicyOf(flags(), undefined)).toEqual({})
    const audit = { most: 'high', key: 'K', budget: 'thorough', records: 9 } as const
    expect(auditPolicyOf(flags(), audit)).toEqual({ audit })
    expect(auditPolicyOf(flags('--require-audit', 'elevated'), audit)).toEqual({
      audit: { ...audit, most: 'elevated' },
    })
    expect(auditPolicyOf(flags('--require-audit', 'high', '--audit-key', 'L'), undefined)).toEqual({
      audit: { most: 'high', key: 'L' },
    })
    expect(auditPolicyOf(flags('--audit-budget', 'smoke', '--audit-records', '2'), audit)).toEqual({
      audit: { ...audit, budget: 'smoke', records: 2 },
    })
    for (const [name, value] of [
      ['key', 'L'],
      ['budget', 'smoke'],
      ['records', '2'],
    ] as const)
      expect(() => auditPolicyOf(flags(`--audit-${name}`, value), undefined)).toThrow(
        /add --require-audit/,
      )
    expect(() => flags('--audit-budget', 'none')).toThrow(/smoke, standard, thorough/)
    expect(() => flags('--require-audit', 'safe')).toThrow(
      /not-demonstrated, elevated, high, certain/,
    )
  })
})
