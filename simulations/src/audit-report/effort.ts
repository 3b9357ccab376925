/** How hard the attacks tried, and which were not tried: a budget is a name that says neither. */
import { ATTACKS } from '#algorithms/audit/attack.js'
import { BUDGETS } from '#algorithms/audit/run/budgets.js'
import type { AuditReport } from '#protocol/audit-report.js'
import { counted } from '#protocol/audit-amounts.js'
import { attackWords } from '#protocol/audit-words.js'

/** standard; standard, shortened to 100 iterations and 1 restart. */
export function budgetWords({ budget, effort }: Pick<AuditReport, 'budget' | 'effort'>): string {
  const { iterations, restarts, isAsBudget } = effort
  const { stageIterations, restarts: usual } = BUDGETS[budget].attack
  if (isAsBudget && iterations === stageIterations && restarts === usual) return budget
  const amounts = `${counted(iterations, 'iteration')} and ${counted(restarts, 'restart')}`
  return `${budget}, ${isAsBudget ? 'with' : 'shortened to'} ${amounts}`
}

export interface AbsentAttack {
  readonly name: string
  readonly reason: 'not asked for' | 'does not apply'
}

/** Attacks that there are and that no row has, in the order in which they would be tried. */
export function absentAttacks({
  rows,
  effort: { methods },
}: Pick<AuditReport, 'rows' | 'effort'>): readonly AbsentAttack[] {
  const present = new Set(rows.flatMap((row) => row.methods.map(({ name }) => name)))
  return ATTACKS.filter((name) => !present.has(name)).map((name) => ({
    name,
    reason: methods !== null && !methods.includes(name) ? 'not asked for' : 'does not apply',
  }))
}

/** As an item of a list for each reason. */
export const absentWords = (report: Pick<AuditReport, 'rows' | 'effort'>): readonly string[] => {
  const absent = absentAttacks(report)
  return [
    ['not asked for', 'Attacks that were not asked for'] as const,
    ['does not apply', 'Attacks that do not apply'] as const,
  ].flatMap(([reason, words]) => {
    const names = absent.flatMap((one) =>
      one.reason === reason ? [attackWords(one.name).short] : [],
    )
    return names.length === 0 ? [] : [`${words}: ${names.join(', ')}.`]
  })
}
