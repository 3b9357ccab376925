/**
 * What the owner of a node allows. The node keeps to it whatever a coordinator asks, and tells it so that it is not asked in
 * vain; both sides decide with the same function.
 */
import { z } from 'zod'
import { AUDIT_BUDGETS, type AuditBudgetName } from './audit-config.js'
import { AUDIT_LEVELS, isAbove, type AuditLevel } from './audit-level.js'
import { describeIssue } from './config-problems.js'
import { FederationError } from './errors.js'
import { isPublicKey } from './public-key.js'
import { fail, ok, type Result } from './result.js'
import type { RunConfig } from './run-config.js'
import type { PrivacyClass } from './uplink.js'

export const policySchema = z.strictObject({
  /** Whether uploads of class `per-example` may leave: features, labels or scores of single examples. */
  perExample: z.boolean().default(false),
  /** Methods and calibrations whose runs are taken part in; null: any. */
  methods: z.array(z.string().min(1).max(100)).min(1).max(100).nullable().default(null),
  /** Rounds that ask fewer members than this are not taken part in: what leaves is hidden among as many. */
  minCohort: z.int().min(1).max(1_000_000).default(1),
  /** Runs must clip updates to this L2 norm or a smaller one, before any noise that is required; left out: need not. */
  maxClip: z.number().positive().exactOptional(),
  /** Runs must add Gaussian noise of this standard deviation or a larger one to every number; left out: need not. */
  minNoise: z.number().positive().exactOptional(),
  /** Only runs are taken part in whose signed report of a privacy audit says no more than this; left out: any. */
  audit: z
    .strictObject({
      most: z.enum(AUDIT_LEVELS),
      /** Whose reports count; null: those of the coordinator that the node first came to. */
      key: z
        .string()
        .refine(isPublicKey, 'expected an Ed25519 public key')
        .nullable()
        .default(null),
      /** The least budget of the audit: less shows little. */
      budget: z.enum(AUDIT_BUDGETS).default('standard'),
      /** Records that must have been audited at least. */
      records: z.int().min(1).max(10_000).default(4),
    })
    .exactOptional(),
})
export type Policy = z.output<typeof policySchema>
/** As people write it. */
export type PolicyInput = z.input<typeof policySchema>

/** What holds where the owner decides nothing. */
export const DEFAULT_POLICY: Policy = policySchema.parse({})

/** Reads a policy; keys that are left out have their defaults. `config/invalid` names the first key that is wrong. */
export function parsePolicy(value: unknown): Result<Policy> {
  const parsed = policySchema.safeParse(value, { error: describeIssue })
  if (parsed.success) return ok(parsed.data)
  const [issue] = parsed.error.issues
  return fail(new FederationError('config/invalid', `In the policy: ${issue?.message ?? ''}`))
}

/** What an owner may allow or not by name. */
export const algorithmsOf = ({
  method,
  calibration,
}: Pick<RunConfig, 'method' | 'calibration'>): readonly string[] =>
  calibration === undefined ? [method.name] : [method.name, calibration.name]

/** What a round, or a run before its rounds, asks of a node. */
export interface Asked {
  /** The method of the run, and its calibration if it has one. */
  readonly algorithms: readonly string[]
  readonly classes: readonly PrivacyClass[]
  /** How many members are asked. */
  readonly cohort: number
  readonly protection: AskedProtection
  /** Of the run: no update transform acts on what it makes clients tell, and noise that it has of its own is not drawn by them. */
  readonly calibration: string | null
}
/** What the update transforms of a run make certain. */
export interface AskedProtection {
  /** Largest norm of what the model moves by; Infinity: any. */
  readonly clip: number
  /** Standard deviation of noise on every number; 0: none. */
  readonly noise: number
  /** Of noise that comes after the clip. */
  readonly noiseAfterClip: number
}
/** Of those who do not know the transforms' mathematics: somebody else decides about them. */
export const PROTECTION_UNKNOWN: AskedProtection = {
  clip: 0,
  noise: Infinity,
  noiseAfterClip: Infinity,
}
/** Why a policy says no. Both complete a sentence: "… does not allow WHAT", "its owner can: REMEDY". */
export interface NotAllowed {
  readonly what: string
  readonly remedy: string
}

/** The first thing asked that the policy does not allow; null: it allows everything. */
export function notAllowed(
  policy: Policy,
  { algorithms, classes, cohort, protection, calibration }: Asked,
): NotAllowed | null {
  if (!policy.perExample && classes.includes('per-example')) {
    return {
      what: 'uploads about single examples (per-example)',
      remedy: 'join again with --allow-per-example',
    }
  }
  const { methods, minCohort } = policy
  const other = methods === null ? undefined : algorithms.find((name) => !methods.includes(name))
  if (methods !== null && other !== undefined) {
    return {
      what: `${other}, only ${methods.join(', ')}`,
      remedy: `join again with --only-methods ${[...methods, other].join(',')}`,
    }
  }
  const bare = notProtected(policy, protection) ?? notCalibrated(policy, calibration)
  if (bare !== null) return bare
  if (cohort >= minCohort) return null
  return {
    what: `rounds with fewer than ${minCohort} members (this one has ${cohort})`,
    remedy: `join again with --min-cohort ${cohort}`,
  }
}

/** What is known of a run's audit before its report is read. */
export interface ReportedAudit {
  readonly verdict: AuditLevel
  /** Who signed the report. */
  readonly publicKey: string
  readonly effort: ReportedEffort
}

/** How hard an audit must have tried at least. */
export interface LeastEffort {
  readonly budget: AuditBudgetName
  /** Audited in every row that counts; a budget that never takes so many is held to its own. */
  readonly records: number
}
/** By the budgets to which an audit kept with all attacks that apply: how many records one may ask for. Empty: to none. */
export type ReportedEffort = Readonly<Partial<Record<AuditBudgetName, number>>>

export const isEnough = (effort: ReportedEffort, { budget, records }: LeastEffort): boolean =>
  (effort[budget] ?? 0) >= records

/** What a policy does not allow of a run with this report, or with none; null: nothing. The node then checks the report itself. */
export function auditNotAllowed(
  { audit }: Pick<Policy, 'audit'>,
  report: ReportedAudit | null,
): NotAllowed | null {
  if (audit === undefined) return null
  const { most, key } = audit
  if (report === null)
    return {
      what: 'runs without a signed report of a privacy audit',
      remedy: 'ask for a run with the key audit, or join again without --require-audit',
    }
  if (isAbove(report.verdict, most))
    return {
      what: `runs whose privacy audit says more than ${most} (this one says ${report.verdict})`,
      remedy: `join again with --require-audit ${report.verdict}`,
    }
  if (key !== null && key !== report.publicKey)
    return {
      what: `reports of privacy audits by another key than ${key}`,
      remedy: `join again with --audit-key ${report.publicKey}`,
    }
  return isEnough(report.effort, audit) ? null : tooLittle(report.effort, audit)
}

/** Of a node that trains on fewer examples than the report speaks of. How many it has stays its own matter. */
export const auditOfLarger = (records: number): NotAllowed => ({
  what: `runs whose privacy audit is about clients with ${records} records or more, because it trains on fewer, and its update would show more of each`,
  remedy:
    'ask for a report with a row of "batchSize": 1 and the settings of the run (audit run, then runs start --audit-report), or join again with more examples or without --require-audit',
})

function tooLittle(effort: ReportedEffort, { budget, records }: LeastEffort): NotAllowed {
  const wanted = `runs whose privacy audit tried less than the budget ${budget} on ${records} records`
  const found = effort[budget] === undefined ? largestOf(effort) : budget
  if (found === undefined)
    return {
      what: `${wanted} (this one kept to no budget with all attacks that apply and records enough)`,
      remedy: 'ask for a run that is audited with that budget, all attacks and more records',
    }
  const most = Math.min(records, effort[found] ?? 0)
  return {
    what: `${wanted} (this one: ${found} on ${effort[found] ?? 0})`,
    remedy: `join again with --audit-budget ${found} --audit-records ${most}`,
  }
}
const largestOf = (effort: ReportedEffort): AuditBudgetName | undefined =>
  AUDIT_BUDGETS.findLast((name) => effort[name] !== undefined)

function notCalibrated(
  { maxClip, minNoise }: Policy,
  calibration: string | null,
): NotAllowed | null {
  if (calibration === null || (maxClip ?? minNoise) === undefined) return null
  return {
    what: `runs with the calibration ${calibration}, whose statistics no clip and no noise of this node act on`,
    remedy:
      'ask for a run without calibration, or join again without --require-clip and --require-noise',
  }
}

function notProtected(
  { maxClip = Infinity, minNoise = 0 }: Policy,
  { clip, noise, noiseAfterClip }: AskedProtection,
): NotAllowed | null {
  if (clip > maxClip) {
    return {
      what: `runs whose updates are not clipped to a norm of ${maxClip} (${clip === Infinity ? 'this one does not clip' : `this one clips to ${clip}`})`,
      remedy: `add {"name": "clip", "norm": ${maxClip}} to the updates of the run, or join again with ${clip === Infinity ? 'no --require-clip' : `--require-clip ${clip}`}`,
    }
  }
  // Noise before the clip that it has to hide would be clipped with it.
  const counts = maxClip === Infinity ? noise : noiseAfterClip
  if (counts >= minNoise) return null
  const place = maxClip === Infinity ? '' : ' after the clip'
  return {
    what: `runs without noise of standard deviation ${minNoise}${place} on updates (this one has ${counts})`,
    remedy: `add {"name": "gaussian-noise", "stddev": ${minNoise}}${place} to the updates of the run, or join again with ${counts === 0 ? 'no --require-noise' : `--require-noise ${counts}`}`,
  }
}

/** What the node answers. */
export const refusalText = ({ what, remedy }: NotAllowed): string =>
  `The policy of this node does not allow ${what}. Its owner can: ${remedy}`
