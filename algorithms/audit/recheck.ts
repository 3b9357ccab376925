/** Whether a report agrees with itself: everything that follows from other numbers in it is computed again. */
import type { AuditReport, AuditRow } from '#protocol/audit-report.js'
import { chanceOf, clopperPearson } from './metrics/binomial.js'
import type { Identification } from './metrics/identification.js'
import { baselineOf, gainsOf, gainSummary } from './metrics/results.js'
import { spreadOf, type Spread } from './metrics/spread.js'
import { isAsBudget } from './run/budgets.js'
import { obstaclesOf } from './soundness.js'
import { verdictOfReport, verdictOfRow } from './verdict.js'

/** Numbers were written in full; another machine may round its last digits otherwise. */
const TOLERANCE = 1e-6

const isNear = (a: number, b: number): boolean =>
  Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b))

/** What does not follow, one sentence each; empty: all does. A signature says who wrote a report, this that the sums are right. */
export async function contradictionsIn(report: AuditReport): Promise<readonly string[]> {
  const rows = await Promise.all(report.rows.map((row) => inRow(row, report)))
  const found = rows.flat()
  const { level } = verdictOfReport(report)
  if (level !== report.verdict) {
    found.push(`The verdict is ${report.verdict}, but the rows give ${level}`)
  }
  if (report.isSound) {
    const obstacles = await obstaclesOf(report)
    found.push(...obstacles.map((one) => `${one}, but the report calls itself sound`))
  }
  const { effort, budget } = report
  if (effort.isAsBudget && !isAsBudget(budget, effort))
    found.push(`The effort is called that of the budget ${budget}, but it is less`)
  return found
}

async function inRow(row: AuditRow, { thresholds }: AuditReport): Promise<readonly string[]> {
  const found: string[] = []
  const claim = (holds: boolean, what: string): void => {
    if (!holds) found.push(`Row ${row.id}: ${what}`)
  }
  const { level } = verdictOfRow(row, thresholds)
  claim(level === row.verdict, `the verdict is ${row.verdict}, but the methods give ${level}`)
  const claimExact = async (name: string, found: readonly (Identification | null)[]) => {
    for (const one of found)
      claim(
        one === null || (await isExact(one)),
        `identification by ${name} does not follow from its hits`,
      )
  }
  for (const { name, psnr, anyClass, sameClass, auxiliarySameClass } of row.controls) {
    claim(isSpread(psnr), `the PSNR of ${name} does not follow from its values`)
    await claimExact(name, [anyClass, sameClass, auxiliarySameClass])
  }
  const baseline = row.controls.some(({ name }) => name !== 'placebo')
    ? baselineOf(row.controls.map(({ name, psnr }) => ({ name, psnr: psnr.values })))
    : null
  for (const { name, chosen, stages, atFloor } of row.methods) {
    await claimExact(
      name,
      [...stages, atFloor].flatMap((stopped) =>
        stopped === null ? [] : [stopped.sameClass, stopped.auxiliarySameClass],
      ),
    )
    if (chosen === null) continue
    const spreads = [chosen.psnr, chosen.ssim, chosen.auxiliaryDistance].filter(
      (one) => one !== null,
    )
    claim(spreads.every(isSpread), `numbers of ${name} do not follow from its values`)
    await claimExact(name, [chosen.anyClass, chosen.sameClass, chosen.auxiliarySameClass])
    // A method that failed on some batch is compared with the controls of the others, which the report does not tell apart.
    const isWhole = baseline === null || baseline.length === chosen.psnr.values.length
    claim(
      baseline !== null && (!isWhole || isGain(chosen.gain, gainsOf(chosen.psnr.values, baseline))),
      `the gain of ${name} does not follow from its PSNR and the controls`,
    )
  }
  return found
}

function isSpread(spread: Spread): boolean {
  const { median, p90, max } = spreadOf(spread.values)
  return isNear(spread.median, median) && isNear(spread.p90, p90) && isNear(spread.max, max)
}

function isGain(
  gain: { readonly mean: number; readonly median: number; readonly max: number },
  gains: readonly number[],
): boolean {
  const { mean, median, max } = gainSummary(gains)
  return isNear(gain.mean, mean) && isNear(gain.median, median) && isNear(gain.max, max)
}

async function isExact(found: Identification): Promise<boolean> {
  const { hits, of, candidates } = found
  if (of < 1 || hits > of || candidates < 1) return false
  const [low, high] = await clopperPearson({ hits, of })
  return (
    isNear(found.rate, hits / of) &&
    isNear(found.chance, 1 / candidates) &&
    isNear(found.interval[0], low) &&
    isNear(found.interval[1], high) &&
    isNear(found.pValue, await chanceOf({ hits, of }, 1 / candidates))
  )
}
