import { Option, type Command } from 'commander'
import { AUDIT_BUDGETS, type AuditBudgetName } from '#protocol/audit-config.js'
import { AUDIT_LEVELS, type AuditLevel } from '#protocol/audit-level.js'
import { FederationError } from '#protocol/errors.js'
import type { Policy, PolicyInput } from '#protocol/policy.js'
import { integer } from './command.js'

/** What the owner of a node wants of privacy audits. */
export interface AuditPolicyFlags {
  readonly requireAudit?: AuditLevel
  readonly auditKey?: string
  readonly auditBudget?: AuditBudgetName
  readonly auditRecords?: number
}

export const auditPolicyOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--require-audit <level>',
        'take part only in runs with a signed report of a privacy audit that says no more than this',
      ).choices(AUDIT_LEVELS),
    )
    .option(
      '--audit-key <key>',
      'whose reports count, a public key or a file of a key (default: those of the coordinator, by the key that it told this node first); `coordinator fingerprint` prints it',
    )
    .addOption(
      new Option(
        '--audit-budget <budget>',
        'the least budget of such an audit (default: standard)',
      ).choices(AUDIT_BUDGETS),
    )
    .option(
      '--audit-records <number>',
      'how many records it must have audited at least (default: 4)',
      integer({ min: 1, max: 10_000 }),
    )

/** Options over what the file says; the policy has the defaults. Throws `usage/bad-value` for options of an audit that nothing demands. */
export function auditPolicyOf(
  { requireAudit, auditKey, auditBudget, auditRecords }: AuditPolicyFlags,
  written: Policy['audit'],
): Pick<PolicyInput, 'audit'> {
  const how = {
    ...(auditKey === undefined ? {} : { key: auditKey }),
    ...(auditBudget === undefined ? {} : { budget: auditBudget }),
    ...(auditRecords === undefined ? {} : { records: auditRecords }),
  }
  const most = requireAudit ?? written?.most
  if (most !== undefined) return { audit: { ...written, ...how, most } }
  if (Object.keys(how).length === 0) return {}
  throw new FederationError(
    'usage/bad-value',
    '--audit-key, --audit-budget and --audit-records say which audits count, and none is demanded: add --require-audit',
  )
}
