import { describe, expect, it } from 'vitest'
import type { AuditLevel } from './audit-level.js'
import {
  algorithmsOf,
  auditNotAllowed,
  DEFAULT_POLICY,
  notAllowed,
  parsePolicy,
  refusalText,
  type Asked,
  type AskedProtection,
  type ReportedAudit,
  type ReportedEffort,
} from './policy.js'
import { newKeyPair } from './proof.js'

const ENOUGH = { budget: 'standard', records: 4 } as const
const NONE: AskedProtection = { clip: Infinity, noise: 0, noiseAfterClip: 0 }
const ASKED: Asked = {
  ...{ algorithms: ['fedavg'], classes: ['model-delta', 'metrics'], cohort: 1 },
  protection: NONE,
  calibration: null,
}
const textFor = (policy: object, asked: Partial<Asked>): string | null => {
  const found = notAllowed({ ...DEFAULT_POLICY, ...policy }, { ...ASKED, ...asked })
  return found === null ? null : refusalText(found)
}

describe('the policy of a node', () => {
  it('has defaults for what is left out: nothing of single examples, any method, any cohort', () => {
    expect(parsePolicy({})).toEqual({ ok: true, value: DEFAULT_POLICY })
    expect(DEFAULT_POLICY).toEqual({ perExample: false, methods: null, minCohort: 1 })
    expect(parsePolicy({ minCohort: 3 })).toMatchObject({
      value: { perExample: false, methods: null, minCohort: 3 },
    })
  })

  it.each<[string, unknown, RegExp]>([
    ['a key that there is not', { perExamples: true }, /perExamples: unknown key.*perExample\?/],
    ['a text for a truth', { perExample: 'yes' }, /perExample: expected true or false, got "yes"/],
    ['a cohort of nobody', { minCohort: 0 }, /minCohort: expected ≥ 1, got 0/],
    ['half a member', { minCohort: 1.5 }, /minCohort: expected a whole number/],
    ['no method at all', { methods: [] }, /methods: expected ≥ 1 entries/],
    ['a name that is none', { methods: ['fedavg', 3] }, /methods\[1\]: expected a text/],
    ['a clip to nothing', { maxClip: 0 }, /maxClip: expected > 0, got 0/],
    ['noise of nothing', { minNoise: 0 }, /minNoise: expected > 0, got 0/],
    ['a list', [], /expected an object/],
  ])('refuses %s, and names the key', (_what, value, message) => {
    const parsed = parsePolicy(value)
    expect(parsed.ok).toBe(false)
    if (parsed.ok) return
    expect(parsed.error.code).toBe('config/invalid')
    expect(parsed.error.message).toMatch(/^In the policy: /)
    expect(parsed.error.message).toMatch(message)
  })

  it('allows what it does not forbid', () => {
    expect(textFor({}, { classes: ['statistics', 'control-variate'] })).toBeNull()
    expect(textFor({ perExample: true }, { classes: ['per-example'] })).toBeNull()
    expect(textFor({ methods: ['moon', 'fedavg'] }, {})).toBeNull()
    expect(textFor({ minCohort: 3 }, { cohort: 3 })).toBeNull()
  })

  it('says what it does not allow, and how the owner can', () => {
    expect(textFor({}, { classes: ['metrics', 'per-example'] })).toMatch(
      /single examples \(per-example\)\. .*--allow-per-example$/,
    )
    expect(textFor({ methods: ['moon'] }, { algorithms: ['fedavg'] })).toMatch(
      /not allow fedavg, only moon\. .*--only-methods moon,fedavg$/,
    )
    expect(textFor({ minCohort: 3 }, { cohort: 2 })).toMatch(
      /fewer than 3 members \(this one has 2\)\. .*--min-cohort 2$/,
    )
  })

  it('allows runs whose transforms protect as much as it asks, and names what they lack', () => {
    const of = (policy: object, protection: Partial<AskedProtection>) =>
      textFor(policy, { protection: { ...NONE, ...protection } })
    expect(of({ maxClip: 2 }, { clip: 2 })).toBeNull()
    expect(of({ maxClip: 2 }, { clip: 3 })).toMatch(
      /clips to 3\)\. .*"norm": 2\}.*--require-clip 3$/,
    )
    expect(of({ maxClip: 2 }, {})).toMatch(/this one does not clip\)\. .*no --require-clip$/)
    expect(of({ minNoise: 0.5 }, { noise: 0.5 })).toBeNull()
    expect(of({ minNoise: 0.5 }, { noise: 0.25 })).toMatch(
      /standard deviation 0\.5 on updates \(this one has 0\.25\)\. .*--require-noise 0\.25$/,
    )
    // Noise that is clipped with what it should hide does not hide it.
    const both = { maxClip: 2, minNoise: 0.5 }
    expect(of(both, { clip: 1, noise: 3, noiseAfterClip: 0.5 })).toBeNull()
    expect(of(both, { clip: 1, noise: 3, noiseAfterClip: 0 })).toMatch(
      /0\.5 after the clip on updates \(this one has 0\)\. .*no --require-noise$/,
    )
  })

  it.each([{ maxClip: 1 }, { minNoise: 0.1 }])(
    'allows no calibration where it asks for %j: neither acts on what that tells',
    (policy) => {
      const protection = { clip: 1, noise: 1, noiseAfterClip: 1 }
      expect(textFor(policy, { protection })).toBeNull()
      expect(textFor({}, { calibration: 'ccvr' })).toBeNull()
      expect(textFor(policy, { protection, calibration: 'ccvr' })).toMatch(
        /the calibration ccvr, whose statistics .*--require-clip and --require-noise$/,
      )
    },
  )

  it('wants audits of a standard budget and four records, unless the owner says otherwise', () => {
    expect(parsePolicy({ audit: { most: 'high' } })).toMatchObject({
      value: { audit: { most: 'high', key: null, budget: 'standard', records: 4 } },
    })
    const audit = { most: 'high', budget: 'smoke', records: 2 }
    expect(parsePolicy({ audit })).toMatchObject({ value: { audit } })
    expect(parsePolicy({ audit: { ...audit, records: 0 } }).ok).toBe(false)
  })

  it('holds for the calibration of a run too', () => {
    const config = {
      method: { name: 'fedavg' },
      calibration: { name: 'ccvr', when: 'final' },
    } as const
    const asked = { algorithms: algorithmsOf(config) }
    expect(algorithmsOf({ method: config.method })).toEqual(['fedavg'])
    expect(textFor({ methods: ['fedavg'] }, asked)).toContain('not allow ccvr')
    expect(textFor({ methods: ['fedavg', 'ccvr'] }, asked)).toBeNull()
  })

  it('holds runs against the report of their privacy audit', () => {
    const key = newKeyPair().publicKey
    const textOf = (
      most: AuditLevel,
      report: ReportedAudit | null,
      by: string | null = null,
    ): string | null => {
      const refused = auditNotAllowed({ audit: { most, key: by, ...ENOUGH } }, report)
      return refused === null ? null : refusalText(refused)
    }
    const effort: ReportedEffort = { smoke: 10_000, standard: 4 }
    const report = (verdict: AuditLevel) => ({ verdict, publicKey: key, effort })
    expect(auditNotAllowed({}, null)).toBeNull()
    expect(textOf('certain', null)).toContain('without a signed report')
    expect(textOf('elevated', report('elevated'))).toBeNull()
    expect(textOf('elevated', report('high'))).toMatch(
      /more than elevated \(this one says high\)\. .*--require-audit high$/,
    )
    expect(textOf('high', report('high'), key)).toBeNull()
    const other = newKeyPair().publicKey
    expect(textOf('high', report('high'), other)).toContain(`another key than ${other}`)
    expect(textOf('high', { ...report('high'), effort: { smoke: 3 } })).toMatch(
      /less than the budget standard on 4 records \(this one: smoke on 3\)\. .*--audit-budget smoke --audit-records 3$/,
    )
    expect(textOf('high', { ...report('high'), effort: { standard: 3 } })).toMatch(
      /\(this one: standard on 3\)/,
    )
    expect(textOf('high', { ...report('high'), effort: {} })).toContain('kept to no budget')
    const written = { audit: { most: 'high', key: 'no key' } }
    expect(parsePolicy(written)).toMatchObject({ ok: false, error: { code: 'config/invalid' } })
  })
})
