import { Option, type Command } from 'commander'
import { AUDIT_BUDGETS, type AuditBudgetName } from '#protocol/audit-config.js'
import { AUDIT_LEVELS, type AuditLevel } from '#protocol/audit-level.js'
import type { Policy } from '#protocol/policy.js'
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
      'whose reports count (default: those of the coordinator, by the key that it told this node first); `coordinator fingerprint` prints it',
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

/** Options over what the file says. */
export function auditPolicyOf(
  { requireAudit, auditKey, auditBudget, auditRecords }: AuditPolicyFlags,
  written: Policy['audit'],
): Pick<Policy, 'audit'> {
  const most = requireAudit ?? written?.most
  if (most === undefined) return {}
  return {
    audit: {
      ...{ most, key: auditKey ?? written?.key ?? null },
      budget: auditBudget ?? written?.budget ?? 'standard',
      records: auditRecords ?? written?.records ?? 4,
    },
  }
}
