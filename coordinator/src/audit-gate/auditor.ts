import type { AuditReport } from '#protocol/audit-report.js'
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'

/** What an audit of a configuration consists of. Depends on the configuration alone. */
export interface AuditPlan {
  /** In the order in which they are computed. A key names everything that the result of a cell depends on. */
  readonly cells: readonly { readonly key: string }[]
}
export interface FinishedCell {
  readonly result: JsonObject
  readonly seconds: number
}

/** One audit in a process of its own. What is computed is kept by whoever asks: it can end at any time. */
export interface AuditSession {
  /** Throws `audit/…` and `data/…` for what cannot be audited. */
  plan(): Promise<AuditPlan>
  /** `onProgress`: which share of the cell is done, 0 to 1. */
  cell(key: string, onProgress: (share: number) => void): Promise<JsonObject>
  /** `cells`: results of all cells of the plan, in its order. */
  report(cells: readonly FinishedCell[], createdAt: string): Promise<AuditReport>
  /** At once, whatever is under way: pending calls reject. */
  end(): Promise<void>
}

/** Starts audits. Nothing of audits is in the process that serves runs. */
export type StartAudit = (config: RunConfig) => AuditSession
