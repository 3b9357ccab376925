/** What a report says of a run. The coordinator that is given one and the node that demands one ask the same. */
import type { AuditLevel } from '#protocol/audit-level.js'
import type { SignedReport } from '#protocol/audit-report.js'
import { coversRun, settingsHash, settingsOf, staleKeys } from '#protocol/audit-settings.js'
import { isSignatureValid } from '#protocol/audit-signature.js'
import { DEFAULT_THRESHOLDS } from '#protocol/audit-thresholds.js'
import { FederationError } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import { contradictionsIn } from './recheck.js'
import { isPlaceboAtChance, verdictOfReport } from './verdict.js'

export interface ReportDemand {
  readonly config: RunConfig
  /** Whose reports count: public keys, SPKI DER in base64url. */
  readonly trustedKeys: readonly string[]
}
export interface ReportedRisk {
  /** By the thresholds that gates go by, whatever those of the report are. */
  readonly verdict: AuditLevel
  /** From which row and which rule it comes. */
  readonly because: string
  /** False: the report proves nothing, whatever its verdict. */
  readonly isSound: boolean
}

/**
 * The risk that a report states for a run. Throws `audit/bad-report` when it is not what was signed or contradicts itself,
 * `audit/not-trusted` when another key signed it, `audit/stale` when the run is another one; the message names the keys.
 */
export async function reportedRisk(
  signed: SignedReport,
  { config, trustedKeys }: ReportDemand,
): Promise<ReportedRisk> {
  const { report, signature } = signed
  if (!isSignatureValid(signed)) throw refused('audit/bad-report', NOT_SIGNED)
  if (!trustedKeys.includes(signature.publicKey))
    throw refused('audit/not-trusted', `The report is signed with the key ${signature.publicKey}`)
  if (report.settingsHash !== settingsHash(report.settings))
    throw refused('audit/bad-report', 'The settings in the report are not those of its hash')
  const stale = staleKeys(report.settings, settingsOf(config))
  if (stale.length > 0)
    throw refused('audit/stale', `The report is about another run: ${stale.join(', ')} differ`)
  if (!coversRun(report)) throw refused('audit/stale', NOT_COVERED)
  const [contradiction] = await contradictionsIn(report)
  if (contradiction !== undefined) throw refused('audit/bad-report', contradiction)
  const { level, because } = verdictOfReport(report, DEFAULT_THRESHOLDS)
  const isAtChance = await isPlaceboAtChance(report.rows, DEFAULT_THRESHOLDS)
  return { verdict: level, because, isSound: report.isSound && isAtChance }
}

const NOT_SIGNED =
  'The report is not what was signed: it was changed, or another key signed it than it says'
const NOT_COVERED =
  'The report has no row with the transforms and the local steps of this run, on a batch of its size or less'

const refused = (
  code: 'audit/bad-report' | 'audit/not-trusted' | 'audit/stale',
  message: string,
): FederationError => new FederationError(code, message)
