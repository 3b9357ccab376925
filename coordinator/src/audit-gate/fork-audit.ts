import type { AuditReport } from '#protocol/audit-report.js'
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { startChild } from '#coordinator/compute/child-calls.js'
import type { AuditPlan, AuditSession } from './auditor.js'

/** An audit in a process of its own, that shares the blob directory for what the run starts from. */
export function forkAudit(config: RunConfig, blobDirectory: string): AuditSession {
  let onProgress: (share: number) => void = () => undefined
  const child = startChild({
    parentUrl: import.meta.url,
    path: './audit-main.js',
    args: [blobDirectory],
    onNote: (note) => onProgress((note as { readonly share: number }).share),
  })
  return {
    plan: () => child.call<AuditPlan>('plan', config),
    cell: (key, listener) => {
      onProgress = listener
      return child.call<JsonObject>('cell', config, key)
    },
    report: (cells, createdAt) => child.call<AuditReport>('report', config, { cells, createdAt }),
    end: () => child.kill(),
  }
}
