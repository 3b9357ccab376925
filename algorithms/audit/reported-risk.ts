/** What a report says of a run. The coordinator that is given one and the node that demands one ask the same. */
import { AUDIT_BUDGETS, type AuditBudgetName } from '#protocol/audit-config.js'
import { isAbove, type AuditLevel } from '#protocol/audit-level.js'
import type { AuditReport, AuditRow, SignedReport } from '#protocol/audit-report.js'
import {
  coversRun,
  decisiveRows,
  notAudited,
  settingsHash,
  settingsOf,
  staleKeys,
} from '#protocol/audit-settings.js'
import { isSignatureValid } from '#protocol/audit-signature.js'
import { DEFAULT_THRESHOLDS } from '#protocol/audit-thresholds.js'
import { FederationError } from '#protocol/errors.js'
import { isEnough, type LeastEffort, type ReportedEffort } from '#protocol/policy.js'
import type { RunConfig } from '#protocol/run-config.js'
import { contradictionsIn } from './recheck.js'
import { BUDGETS, isAsBudget } from './run/budgets.js'
import { canLabelsTell, obstaclesOf, outOfReach, toldOn } from './soundness.js'
import { verdictOfReport } from './verdict.js'

export interface ReportDemand {
  readonly config: RunConfig
  /** Whose reports count: public keys, SPKI DER in base64url. */
  readonly trustedKeys: readonly string[]
  /** `most`: the highest verdict that is taken. Null: whoever asks made the audit. */
  readonly least: (LeastEffort & { readonly most?: AuditLevel }) | null
}
export interface ReportedRisk {
  /** By the thresholds that gates go by, whatever those of the report are. */
  readonly verdict: AuditLevel
  /** From which row and which rule it comes. */
  readonly because: string
  /** Why the report proves nothing, whatever its verdict: sentences without a full stop. Empty: it is sound. */
  readonly obstacles: readonly string[]
  readonly effort: ReportedEffort
}

/**
 * Throws `audit/bad-report` where a report is not what was signed or contradicts itself, and `audit/not-trusted` where none of
 * the keys signed it; null: any key will do.
 */
export async function assertGenuine(
  signed: SignedReport,
  trustedKeys: readonly string[] | null,
): Promise<void> {
  const { report, signature } = signed
  if (!isSignatureValid(signed)) throw refused('audit/bad-report', NOT_SIGNED)
  if (trustedKeys !== null && !trustedKeys.includes(signature.publicKey))
    throw refused('audit/not-trusted', `The report is signed with the key ${signature.publicKey}`)
  if (report.settingsHash !== settingsHash(report.settings))
    throw refused('audit/bad-report', 'The settings in the report are not those of its hash')
  const contradictions = await contradictionsIn(report)
  if (contradictions.length > 0) throw refused('audit/bad-report', contradictions.join('. '))
}

/** Throws `audit/stale` where the run is another one or its clients send more than was audited; the message names the keys. */
export function assertAbout(report: AuditReport, config: RunConfig): void {
  const beside = notAudited(config)
  if (beside.length > 0) throw refused('audit/stale', beside.join('. '))
  const stale = staleKeys(report.settings, settingsOf(config))
  if (stale.length > 0)
    throw refused('audit/stale', `The report is about another run: ${stale.join(', ')} differ`)
  if (!coversRun(report)) throw refused('audit/stale', NOT_COVERED)
}

/**
 * The risk that a report states for a run. Throws what `assertGenuine` and `assertAbout` throw, and `audit/too-weak` when less
 * was tried than is asked for.
 */
export async function reportedRisk(
  signed: SignedReport,
  { config, trustedKeys, least }: ReportDemand,
): Promise<ReportedRisk> {
  const { report } = signed
  await assertGenuine(signed, trustedKeys)
  assertAbout(report, config)
  const weak = least === null ? null : await weaknessOf(report, least)
  if (weak !== null) throw refused('audit/too-weak', weak)
  const { level, because } = verdictOfReport(report, DEFAULT_THRESHOLDS)
  const found = await obstaclesOf(report, DEFAULT_THRESHOLDS)
  const obstacles = found.length > 0 || report.isSound ? found : [CALLED_VOID]
  return { verdict: level, because, obstacles, effort: await effortOf(report) }
}

const rank = (name: AuditBudgetName): number => AUDIT_BUDGETS.indexOf(name)

/**
 * What a report may be asked for: its budget, its attacks, and its records in every row that decides. Where these are too few
 * for recognition to count as high, for nothing.
 */
export async function effortOf(report: AuditReport): Promise<ReportedEffort> {
  const { budget, effort } = report
  if (effort.methods !== null || (await tooFew(report)) !== null) return {}
  const kept = AUDIT_BUDGETS.filter(
    (name) => rank(name) <= rank(budget) && isAsBudget(name, effort),
  )
  const of = (name: AuditBudgetName): number =>
    Math.min(...decisiveRows(report).map((row) => recordsIn(row, name)))
  return Object.fromEntries(kept.map((name) => [name, of(name)]))
}
/** For which the row is enough; where the budget takes no more, for any. */
const recordsIn = ({ records, batchSize, clients }: AuditRow, budget: AuditBudgetName): number =>
  records < BUDGETS[budget].batches * batchSize * clients ? records : MOST_RECORDS

/** Where a report could not have said high of recognition, whatever the updates show; null: nowhere. */
async function tooFew(report: AuditReport): Promise<string | null> {
  for (const row of decisiveRows(report)) {
    const told = toldOn(row)
    if (told !== null && (await outOfReach(told)).includes('high'))
      return `Row ${row.id} is about ${told.of} records, each told among ${told.candidates} of its class: recognition would not be high if every one was told. Audit more records, or take more to tell them from`
  }
  return null
}

/** Where elevated is too much, and labels could not have said it whatever the updates show; null: nowhere. */
function labelsUntold(
  report: AuditReport,
  { most = 'certain' }: NonNullable<ReportDemand['least']>,
): string | null {
  const row = isAbove('elevated', most)
    ? decisiveRows(report).find((one) => !canLabelsTell(one))
    : undefined
  return row === undefined
    ? null
    : `Row ${row.id} is about ${row.records} records: labels would not be an elevated risk if every one was inferred. Audit more records`
}

/** How the report falls short, in a sentence; null: it does not. */
async function weaknessOf(
  report: AuditReport,
  least: NonNullable<ReportDemand['least']>,
): Promise<string | null> {
  if (isEnough(await effortOf(report), least)) return labelsUntold(report, least)
  const { effort } = report
  const { budget, records } = least
  if (rank(report.budget) < rank(budget))
    return `The report is of an audit with the budget ${report.budget}, and ${budget} or more is asked for`
  if (!isAsBudget(budget, effort))
    return `The attacks of the report had ${effort.iterations} iterations and ${effort.restarts} restarts, fewer than the budget ${budget}`
  if (effort.methods !== null)
    return `Of all attacks the report tried only ${effort.methods.join(', ')}, and all that apply are asked for`
  const few = await tooFew(report)
  if (few !== null) return few
  const short = decisiveRows(report).filter((row) => recordsIn(row, budget) < records)
  const rows = short.map((row) => `${row.records} records in row ${row.id}`)
  return `The report is about ${rows.join(', ')}, and ${records} or more are asked for`
}

/** As many as may be asked for: `policySchema`. */
const MOST_RECORDS = 10_000
const CALLED_VOID = 'The report says of itself that it proves nothing'
const NOT_SIGNED =
  'The report is not what was signed: it was changed, or another key signed it than it says'
const NOT_COVERED =
  'The report has no row with the transforms and the local steps of this run, each step followed (unrolled) where they are 8 or fewer, on a batch of its size or less'

const refused = (
  code: 'audit/bad-report' | 'audit/not-trusted' | 'audit/stale' | 'audit/too-weak',
  message: string,
): FederationError => new FederationError(code, message)
