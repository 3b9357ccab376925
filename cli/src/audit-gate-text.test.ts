import { describe, expect, it } from 'vitest'
import { Command } from 'commander'
import { auditEventText, auditLines } from './audit-gate-text.js'
import { auditPolicyOf, auditPolicyOptions, type AuditPolicyFlags } from './audit-policy-options.js'

const NONE = {
  ...({ state: 'none', threshold: null, verdict: null, because: null, source: null } as const),
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
      'Made    by this coordinator, on records of nobody',
      expect.stringContaining('runs override RUN --reason') as string,
    ])
    const override = { by: 'user:ana', reason: 'public', at: '2026-01-01T00:00:00.000Z' }
    const overridden = auditLines({ ...above, state: 'overridden', override })
    expect(overridden).toContain('Override by user:ana at 2026-01-01T00:00:00.000Z: public')
    expect(overridden.join()).not.toContain('runs override RUN')
    expect([...lines, ...overridden].join().toLowerCase()).not.toContain('safe')
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
