import { asFederationError, FederationError } from '#protocol/errors.js'
import { createStreams } from '#protocol/random.js'
import type { Attack, AttackResult } from '#algorithms/audit/attack.js'
import type { MatchingProblem } from '#algorithms/audit/matching/problem.js'
import { ATTACK_LIST } from '#algorithms/audit/solvers/attack-list.js'
import type { AuditSpec } from './spec.js'
import type { CellWatch } from './watch.js'
import type { AuditWorld } from './world.js'

/** An attack that was tried, or why it was not. */
export type Attempt =
  | { readonly attack: Attack; readonly result: AttackResult }
  | { readonly attack: Attack; readonly leftOut: string }

interface AttackPlan {
  readonly attacks: readonly Attack[]
  readonly batch: number
  /** Told after each attack; true: the others are left out, for the reason that is given. */
  readonly isEnough?: (result: AttackResult) => Promise<string | null>
  readonly meter: Meter
}

/** Those that an audit was asked for, in the order in which they are tried. */
export const attacksOf = ({ methods }: Pick<AuditSpec, 'methods'>): readonly Attack[] =>
  ATTACK_LIST.filter(({ name }) => methods === null || methods.includes(name))

/**
 * Placebos show that numbers come from the update. They are run for one method of each kind, for they cost as much as what they
 * are compared with; a thorough audit runs all, and so does one whose methods are of no such kind.
 */
const PLACEBOS: readonly string[] = ['analytic', 'latent', 'gifd', 'ig', 'gias']
export function placebosOf(spec: Pick<AuditSpec, 'methods' | 'budgetName'>): readonly Attack[] {
  const attacks = attacksOf(spec)
  const some = attacks.filter(({ name }) => PLACEBOS.includes(name))
  return spec.budgetName === 'thorough' || some.length === 0 ? attacks : some
}

/** Counts iterations of a whole cell for whoever watches, and ends it where that is asked for. */
export class Meter {
  readonly #watch: CellWatch
  readonly #total: number
  #done = 0
  #method = ''

  constructor(watch: CellWatch, total: number) {
    this.#watch = watch
    this.#total = total
  }
  get now(): () => number {
    return this.#watch.now
  }

  begin(method: string): void {
    this.#method = method
    this.#assertGoing()
  }
  step(): void {
    this.#assertGoing()
    this.#done = Math.min(this.#done + 1, this.#total)
    this.#tell()
  }
  /** An attack that took fewer iterations than it might have. */
  skipTo(done: number): void {
    this.#done = Math.min(done, this.#total)
    this.#tell()
  }

  #tell(): void {
    this.#watch.onProgress?.({ method: this.#method, done: this.#done, total: this.#total })
  }
  #assertGoing(): void {
    if (this.#watch.signal?.aborted === true)
      throw new FederationError('audit/interrupted', 'The audit was interrupted')
  }
}

/** At most how many iterations these attacks take. */
export function iterationsOf(
  attacks: readonly Attack[],
  { budget, generator }: Pick<AuditSpec, 'budget'> & Pick<AuditWorld, 'generator'>,
): number {
  let sum = 0
  attacks.forEach((attack, i) => {
    const earlier = attacks.slice(0, i).map(({ name }) => name)
    if (!attack.needsGenerator || generator !== null)
      sum += attack.iterations(budget, generator, earlier)
  })
  return sum
}

/** One attack after another on one problem; later ones get the results of earlier ones. */
export async function tryAttacks(
  spec: AuditSpec,
  { problem, world }: { readonly problem: MatchingProblem; readonly world: AuditWorld },
  { attacks, batch, isEnough, meter }: AttackPlan,
): Promise<readonly Attempt[]> {
  const { generator } = world
  const streams = createStreams(spec.seed)
  const attempts: Attempt[] = []
  let enough: string | null = null
  for (const attack of attacks) {
    const leftOut = enough ?? reasonAgainst(attack, problem, world)
    if (leftOut !== null) {
      attempts.push({ attack, leftOut })
      continue
    }
    meter.begin(attack.name)
    const result = await runOne(attack, {
      ...{ problem, generator, budget: spec.budget, now: meter.now },
      // The same for every row, so that rows differ by what they are about and not by luck.
      stream: streams(`audit-${attack.name}`, batch, 0),
      onIteration: () => meter.step(),
      searchClasses: spec.generatorClasses === 'searched',
      earlier: attempts.flatMap((one) => ('result' in one ? one.result : [])),
    })
    attempts.push({ attack, result })
    enough = (await isEnough?.(result)) ?? null
  }
  return attempts
}

function reasonAgainst(
  attack: Attack,
  problem: MatchingProblem,
  { generator }: AuditWorld,
): string | null {
  if (attack.needsGenerator && generator === null) return 'Left out: there is no generator'
  return attack.excluded(problem)
}

/** A failure of one attack is told beside the others; an interruption and our own mistakes are not. */
async function runOne(attack: Attack, input: Parameters<Attack['run']>[0]): Promise<AttackResult> {
  const began = input.now()
  try {
    return await attack.run(input)
  } catch (cause) {
    const error = asFederationError(cause)
    if (error.code !== 'algorithm/failed') throw cause
    return {
      ...{ name: attack.name, chosen: null, stages: [], atFloor: null, curve: [] },
      ...{ iterations: 0, gradientEvaluations: 0 },
      seconds: (input.now() - began) / 1000,
      note: `Failed: ${error.message}`,
    }
  }
}
