import type { Command } from 'commander'
import { registerTrainGenerator } from './audit-generator.js'
import { registerAuditReport } from './audit-report.js'
import { registerAuditRun } from './audit-run.js'
import { registerAuditVerify } from './audit-verify.js'

export function registerAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('how much one update would tell of the records behind it')
  registerAuditRun(audit)
  registerAuditVerify(audit)
  registerAuditReport(audit)
  registerTrainGenerator(audit)
}
