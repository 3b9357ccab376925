import { levelText } from '#protocol/audit-level.js'
import type { Policy } from '#protocol/policy.js'

/** What the owner of a node allows, sentences without a full stop; the first always, the others where they narrow something. */
export function policyWords(policy: Policy): readonly string[] {
  const { perExample, methods, minCohort, maxClip, minNoise, audit } = policy
  return [
    perExample
      ? 'Features, labels or scores of single examples may leave'
      : 'Nothing about single examples leaves',
    ...(methods === null ? [] : [`Only ${methods.join(', ')}`]),
    ...(minCohort > 1 ? [`Only rounds of at least ${minCohort} members`] : []),
    ...(maxClip === undefined ? [] : [`Only updates clipped to a norm of ${maxClip} or less`]),
    ...(minNoise === undefined
      ? []
      : [`Only with noise of standard deviation ${minNoise} or more`]),
    ...(audit === undefined
      ? []
      : [
          `Only runs whose privacy audit says ${levelText(audit.most)} at most (budget ${audit.budget}, ${audit.records} records or more)`,
        ]),
  ]
}
