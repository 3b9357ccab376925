import type { AuditReport } from './audit-report.js'
import { canonicalJson } from './json.js'

/** What is signed. The settings of the run are part of the report, so that no other configuration can be put under it. */
export const reportText = (report: AuditReport): string =>
  `tributary/audit-report/1|${canonicalJson(report)}`
