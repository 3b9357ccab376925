/** A whole audit: cells, what transforms cost, the report, its signature. */
import type { SignedReport } from '#protocol/audit-report.js'
import { isSignatureValid, signReport } from '#protocol/audit-signature.js'
import { FederationError } from '#protocol/errors.js'
import { publicKeyOf } from '#protocol/proof.js'
import { auditHash, cellsOf } from '#algorithms/audit/run/cells.js'
import { reportOf } from '#algorithms/audit/run/report.js'
import { hardwareText } from '#algorithms/tensor/hardware.js'
import { CellFiles } from './cell-files.js'
import type { AuditProgress } from './estimate.js'
import type { OpenAudit } from './open-audit.js'
import { folderForOwner } from './owner-files.js'
import { reportFiles, reportIn, writeReport, type ReportFiles } from './report-files.js'
import { runCells } from './run-audit.js'
import { measureUtility, type UtilityOptions } from './utility.js'

export interface AuditOptions {
  /** Processes; 0: everything in this one. The numbers are the same for any number. */
  readonly workers: number
  /** Folder of the report. */
  readonly out: string
  /** Takes cells that an interrupted attempt left in `out`, or the report that it finished. */
  readonly resume: boolean
  /** Until when pictures may be kept, YYYY-MM-DD; null: numbers alone are written. */
  readonly retainUntil: string | null
  /** PKCS #8 DER in base64url. */
  readonly privateKey: string
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: AuditProgress) => void
  readonly onUtilityRun?: UtilityOptions['onRun']
}

export interface FinishedAudit {
  readonly signed: SignedReport
  readonly files: ReportFiles
  /** Cells that an earlier attempt finished. */
  readonly resumed: number
}

/** Runs an audit and writes its report. Throws what cells throw, `audit/interrupted`, and `audit/unwritable` before anything is computed. */
export async function runAudit(audit: OpenAudit, options: AuditOptions): Promise<FinishedAudit> {
  const { spec } = audit
  const { out, retainUntil, signal, onProgress, onUtilityRun } = options
  const withPictures = retainUntil !== null
  if (withPictures) assertPicturesAllowed(audit)
  const before = options.resume ? await finishedBefore(audit, options) : null
  if (before !== null) return before
  // What cannot be written is not worth the hours.
  await folderForOwner(out)
  const checkpoints = new CellFiles(out, { retainUntil })
  const watched = signal === undefined ? {} : { signal }
  const utility = await measureUtility(spec, {
    ...{ workers: options.workers, ...watched },
    ...(onUtilityRun === undefined ? {} : { onRun: onUtilityRun }),
  })
  const cells = await runCells(
    { ...audit, withPictures },
    {
      ...{ workers: options.workers, resume: options.resume, checkpoints, ...watched },
      ...(onProgress === undefined ? {} : { onProgress }),
    },
  )
  const report = await reportOf(spec, cells.results, {
    ...{ facts: cells.facts, engine: cells.engine, retainUntil },
    ...{ utility: utility.accuracy, remarks: utility.remarks },
    createdAt: new Date().toISOString(),
    hardware: `${hardwareText()}; ${Math.max(1, options.workers)} process(es)`,
    seconds: cells.results.reduce((sum, { seconds }) => sum + seconds, 0),
  })
  const signed = signReport(report, options.privateKey)
  const files = await writeReport(out, signed)
  await checkpoints.clear()
  return { signed, files, resumed: cells.resumed }
}

/** The report of the same audit that is in `out` already, signed with the same key; null: there is none. */
async function finishedBefore(
  { spec }: OpenAudit,
  { out, retainUntil, privateKey }: AuditOptions,
): Promise<FinishedAudit | null> {
  const signed = await reportIn(out)
  const isSame =
    signed?.report.auditHash === auditHash(spec) &&
    (signed.report.pictures?.retainUntil ?? null) === retainUntil &&
    signed.signature.publicKey === publicKeyOf(privateKey) &&
    isSignatureValid(signed)
  if (!isSame) return null
  return { signed, files: reportFiles(out), resumed: cellsOf(spec).length }
}

/** Gifd specification §1: reconstructions of people's records are data of those people. */
function assertPicturesAllowed({ spec }: OpenAudit): void {
  if (spec.records.basis !== 'consented') return
  throw new FederationError(
    'config/impossible',
    'Pictures of records of people are not written, even with their consent to the audit; leave out --pictures, or audit public, synthetic or canary records',
  )
}
