/**
 * How much an audit could show, by the rules of the gifd specification §14.3: the highest level over all methods and the stages
 * they went through, because the attacker picks the method. It never says "safe": a failed attack proves nothing.
 */
import { attemptsOf, methodTitle, type Attempt } from '#protocol/audit-attempts.js'
import { highestLevel, isAbove, type AuditLevel } from '#protocol/audit-level.js'
import type { AuditMethodResult, AuditReport, AuditRow } from '#protocol/audit-report.js'
import { decisiveRows } from '#protocol/audit-settings.js'
import { DEFAULT_THRESHOLDS, type AuditThresholds } from '#protocol/audit-thresholds.js'
import { chanceOf } from './metrics/binomial.js'

export interface Verdict {
  readonly level: AuditLevel
  /** Which rule and which method it comes from, in a sentence. */
  readonly because: string
}

/** What the rules look at. */
export type JudgedRow = Pick<AuditRow, 'methods' | 'labelRecovery'>

const attemptTitle = ({ name, stopped, by }: Attempt): string =>
  [
    methodTitle(name),
    ...(stopped === null ? [] : [stopped]),
    ...(by === 'features' ? ['by auxiliary distance'] : []),
  ].join(' ')

const db = (value: number): string => `${value.toFixed(1)} dB`
const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`

const hitsText = ({ hits, of, candidates }: Attempt['sameClass']): string =>
  `told ${hits} of ${of} records from ${candidates - 1} others of the same class`

/** A rule that held: how strongly, and in words. */
interface Finding extends Verdict {
  /** Larger is told first. */
  readonly strength: number
}

function analyticFinding(
  methods: readonly AuditMethodResult[],
  limits: AuditThresholds,
): readonly Finding[] {
  return methods.flatMap(({ name, residual }) =>
    residual === null || !(residual < limits.analyticResidual)
      ? []
      : [
          {
            level: 'certain' as const,
            strength: Infinity,
            because: `${methodTitle(name)} computes a record from the update by a formula, with a relative error of ${residual.toExponential(1)}`,
          },
        ],
  )
}

function identificationFindings(attempt: Attempt, limits: AuditThresholds): readonly Finding[] {
  const { sameClass, gain } = attempt
  const name = attemptTitle(attempt)
  const { hits, of, chance, interval } = sameClass
  const low = interval[0]
  const findings: Finding[] = []
  if (hits === of && gain.median > limits.certainGain) {
    findings.push({
      level: 'certain',
      strength: gain.median,
      because: `${name} ${hitsText(sameClass)}, at a median gain of ${db(gain.median)}`,
    })
  }
  for (const [level, times] of [
    ['high', limits.highIdentification],
    ['elevated', limits.elevatedIdentification],
  ] as const) {
    if (!(low > times * chance)) continue
    findings.push({
      level,
      strength: low / chance,
      because: `${name} ${hitsText(sameClass)}: at least ${percent(low)} (95% confidence), where chance is ${percent(chance)}`,
    })
  }
  return findings
}

function gainFindings(attempt: Attempt, limits: AuditThresholds): readonly Finding[] {
  const { gain } = attempt
  const name = attemptTitle(attempt)
  const findings: Finding[] = []
  if (gain.max > limits.highGain) {
    findings.push({
      level: 'high',
      strength: gain.max,
      because: `${name} came ${db(gain.max)} closer to one record than the best guess without the update`,
    })
  }
  if (gain.median > limits.elevatedGain) {
    findings.push({
      level: 'elevated',
      strength: gain.median,
      because: `${name} came ${db(gain.median)} (median) closer to the records than the best guess without the update`,
    })
  }
  return findings
}

function labelFindings(
  { rate, chance, pValue }: AuditRow['labelRecovery'],
  limits: AuditThresholds,
): readonly Finding[] {
  if (!(pValue < limits.labelPValue && rate > chance)) return []
  return [
    {
      level: 'elevated',
      strength: 0,
      because: `${percent(rate)} of the labels were read off the update, where guessing finds ${percent(chance)}`,
    },
  ]
}

/** The verdict on one row. */
export function verdictOfRow(
  row: JudgedRow,
  limits: AuditThresholds = DEFAULT_THRESHOLDS,
): Verdict {
  const attempts = row.methods.flatMap(attemptsOf)
  const findings = [
    ...analyticFinding(row.methods, limits),
    ...attempts.flatMap((attempt) => identificationFindings(attempt, limits)),
    ...attempts.flatMap((attempt) => gainFindings(attempt, limits)),
    ...labelFindings(row.labelRecovery, limits),
  ]
  const level = highestLevel(findings.map((finding) => finding.level))
  const strongest = findings
    .filter((finding) => finding.level === level)
    .reduce<Finding | null>(
      (best, one) => (best === null || one.strength > best.strength ? one : best),
      null,
    )
  return { level, because: strongest?.because ?? nothingShown(row.methods, attempts) }
}

function nothingShown(methods: readonly AuditMethodResult[], attempts: readonly Attempt[]): string {
  const tried = methods.filter(({ chosen }) => chosen !== null).length
  if (attempts.length === 0) {
    return 'not demonstrated: no method gave a picture, and labels were not recovered better than by guessing'
  }
  const gain = attempts.reduce((best, one) => (one.gain.median > best.gain.median ? one : best))
  const told = attempts.reduce((best, one) =>
    one.sameClass.rate > best.sameClass.rate ? one : best,
  )
  const methodsText = tried === 1 ? 'the one method' : `the ${tried} methods`
  return `not demonstrated by ${methodsText} within this budget: the best median gain was ${db(gain.gain.median)} (${attemptTitle(gain)}); ${attemptTitle(told)} ${hitsText(told.sameClass)}`
}

/** What a report comes to. Gates go by `DEFAULT_THRESHOLDS`, whatever thresholds the report was made with. */
export function verdictOfReport(
  report: Pick<AuditReport, 'rows' | 'settings' | 'thresholds'>,
  limits: AuditThresholds = report.thresholds,
): Verdict {
  const rows = decisiveRows(report).map((row) => ({ row, verdict: verdictOfRow(row, limits) }))
  const highest = rows.reduce((best, one) =>
    isAbove(one.verdict.level, best.verdict.level) ? one : best,
  )
  const { level, because } = highest.verdict
  return { level, because: rows.length === 1 ? because : `${highest.row.id}: ${because}` }
}

/** What placebos recognised, by pixels and by features. */
export const placeboTests = (
  rows: readonly Pick<AuditRow, 'controls'>[],
): readonly AuditMethodResult['stages'][number]['sameClass'][] =>
  rows.flatMap(({ controls }) =>
    controls.flatMap(({ name, sameClass, auxiliarySameClass }) =>
      name !== 'placebo' ? [] : [sameClass, auxiliarySameClass].filter((one) => one !== null),
    ),
  )

/**
 * Whether the placebos tell nothing: an update of another record must identify this one no better than chance (§14.2), by
 * pixels and by features. All of these tests share the error. Placebos are of what methods take in the end: there is none of
 * a stage or of the noise floor, for which the same search went through the same update.
 */
export async function isPlaceboAtChance(
  rows: readonly Pick<AuditRow, 'controls'>[],
  limits: AuditThresholds = DEFAULT_THRESHOLDS,
): Promise<boolean> {
  const tests = placeboTests(rows)
  for (const one of tests) {
    const pValue = await chanceOf(one, one.chance)
    if (pValue < limits.placeboPValue / tests.length) return false
  }
  return true
}
