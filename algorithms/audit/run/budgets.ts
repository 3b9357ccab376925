import type { AuditBudgetName } from '#protocol/audit-config.js'
import type { AttackBudget } from '#algorithms/audit/attack.js'

/** How long an audit tries, and on how much. */
export interface RunBudget {
  readonly attack: AttackBudget
  /** Batches of one row at most, whatever the number of records asked for. */
  readonly batches: number
}

const GGL_POPULATION = 20

/**
 * smoke: gifd specification §20.5, enough to see that the audit works. standard: §15 and §20.1, with the five restarts that
 * §9.5 asks for. thorough: twice as long a stage, and every radius of §20.3.
 */
export const BUDGETS: Readonly<Record<AuditBudgetName, RunBudget>> = {
  smoke: {
    attack: {
      stageIterations: 100,
      restarts: 1,
      cmaGenerations: 40,
      cmaPopulation: GGL_POPULATION,
      radii: [0.2],
    },
    batches: 2,
  },
  standard: {
    attack: {
      stageIterations: 150,
      restarts: 5,
      cmaGenerations: 150,
      cmaPopulation: GGL_POPULATION,
      radii: [0.2],
    },
    batches: Infinity,
  },
  thorough: {
    attack: {
      stageIterations: 300,
      restarts: 5,
      cmaGenerations: 300,
      cmaPopulation: GGL_POPULATION,
      radii: [0.05, 0.2, null],
    },
    batches: Infinity,
  },
}

/** Whether an audit tried at least as long as the budget of that name. */
export function isAsBudget(
  name: AuditBudgetName,
  { iterations, restarts }: { readonly iterations: number; readonly restarts: number },
): boolean {
  const { attack } = BUDGETS[name]
  return iterations >= attack.stageIterations && restarts >= attack.restarts
}
