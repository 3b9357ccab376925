/**
 * What the owner of a node allows. The node keeps to it whatever a coordinator asks, and tells it so that it is not asked in
 * vain; both sides decide with the same function.
 */
import { z } from 'zod'
import { describeIssue } from './config-problems.js'
import { FederationError } from './errors.js'
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
})
export type Policy = z.output<typeof policySchema>

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
}
/** Why a policy says no. Both complete a sentence: "… does not allow WHAT", "its owner can: REMEDY". */
export interface NotAllowed {
  readonly what: string
  readonly remedy: string
}

/** The first thing asked that the policy does not allow; null: it allows everything. */
export function notAllowed(
  policy: Policy,
  { algorithms, classes, cohort }: Asked,
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
  if (cohort >= minCohort) return null
  return {
    what: `rounds with fewer than ${minCohort} members (this one has ${cohort})`,
    remedy: `join again with --min-cohort ${cohort}`,
  }
}

/** What the node answers. */
export const refusalText = ({ what, remedy }: NotAllowed): string =>
  `The policy of this node does not allow ${what}. Its owner can: ${remedy}`
