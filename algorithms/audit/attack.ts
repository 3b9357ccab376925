import type { Stream } from '#protocol/random.js'
import type { LayeredGenerator } from './generator/layered-generator.js'
import type { MatchingProblem } from './matching/problem.js'

/** In the order in which an audit tries them: gifd specification §14.5. */
export const ATTACKS = [
  'analytic',
  'latent',
  'gifd',
  'ig',
  'gi',
  'gias',
  'ggl',
  'gifd-cma',
  'dlg',
  'idlg',
] as const
export type AttackName = (typeof ATTACKS)[number]

/** How long an attack may try. Gifd specification §15. */
export interface AttackBudget {
  /** Iterations of one stage of LATENT, GIFD; the others are multiples of it. */
  readonly stageIterations: number
  readonly restarts: number
  readonly cmaGenerations: number
  readonly cmaPopulation: number
  /** Relative radius of the l1 ball around a stage's start; Infinity: none. */
  readonly rho: number
}

export interface AttackInput {
  readonly problem: MatchingProblem
  /** Null for those that need none. */
  readonly generator: LayeredGenerator | null
  readonly budget: AttackBudget
  readonly stream: Stream
  /** Milliseconds from any origin. */
  readonly now: () => number
  /** After every iteration; throws to give up. */
  readonly onIteration?: () => void
}

/** The best of a stage by the attacker's own rule: the smallest matching loss. */
export interface Reconstruction {
  /** 0: latent or pixels; i: feature h_i. */
  readonly stage: number
  readonly matchLoss: number
  readonly restart: number
  /** [batch, height, width, channels], row by row, clamped to [0, 1]. In the order of the slots, not of the records. */
  readonly images: Float32Array
}

export interface AttackResult {
  readonly name: AttackName
  /** What the attacker would take: least matching loss of all stages, the earlier where equal. Null: every restart failed. */
  readonly chosen: Reconstruction | null
  /** The best of every stage, ascending. */
  readonly stages: readonly Reconstruction[]
  /** Matching loss every 25 iterations, of the restart that was chosen, over all stages. */
  readonly curve: readonly { readonly iteration: number; readonly loss: number }[]
  readonly iterations: number
  /** Gradients of the client's model. */
  readonly gradientEvaluations: number
  readonly seconds: number
  /** Relative error in the target that makes it exact, only of the analytic leak; else null. */
  readonly residual: number | null
  /** Why there is nothing, or less than asked for. */
  readonly note?: string
}

export interface Attack {
  readonly name: AttackName
  readonly needsGenerator: boolean
  /** For reports: what it does, in one sentence. */
  readonly describes: string
  /** Iterations it will make, for estimates of time. */
  iterations(budget: AttackBudget, generator: LayeredGenerator | null): number
  /** Why it cannot be tried on this problem; null: it can. */
  excluded(problem: MatchingProblem): string | null
  run(input: AttackInput): Promise<AttackResult>
}
