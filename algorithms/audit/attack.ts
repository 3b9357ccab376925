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
  /**
   * Relative radii of the l1 ball around a stage's start (gifd specification §9.1): each is tried, from the same latents.
   * Null: no ball. Of 0 or less: none either (§18).
   */
  readonly radii: readonly (number | null)[]
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
  /**
   * Results on this very problem with this generator and budget. What the latent search found is not searched for again:
   * GIFD and GIAS go on from there, so that they differ from it by what they add alone. Its work counts as theirs.
   */
  readonly earlier?: readonly AttackResult[]
  /**
   * True: the generator's classes are not those of the task, so for every slot the class is searched for (§9.7). Classes
   * that the generator does not have are searched for in any case.
   */
  readonly searchClasses?: boolean
}

/** The best of a stage by the attacker's own rule: the smallest matching loss. */
export interface Reconstruction {
  /** 0: latent or pixels; i: feature h_i; of GIAS 1: the generator's weights. */
  readonly stage: number
  /** Cosine distance at the clamped images, without regularisers, whatever the attack minimises: comparable among attacks. */
  readonly matchLoss: number
  readonly restart: number
  /** [batch, height, width, channels], row by row, clamped to [0, 1]. In the order of the slots, not of the records. */
  readonly images: Float32Array
}

/** A point of a curve. */
export interface CurvePoint {
  readonly iteration: number
  readonly loss: number
}

/** What one restart of a search for latents came to; later attacks go on from there. */
export interface LatentTrail {
  readonly restart: number
  /** [batch, latentDim], row by row. */
  readonly latent: Float32Array
  readonly end: Reconstruction
  readonly atFloor: Reconstruction | null
  readonly curve: readonly CurvePoint[]
  readonly iterations: number
}

export interface AttackResult {
  readonly name: AttackName
  /** What the attacker would take: least matching loss of all stages, the earlier where equal. Null: every restart failed. */
  readonly chosen: Reconstruction | null
  /** The best of every stage, ascending. */
  readonly stages: readonly Reconstruction[]
  /**
   * What an attacker would take who stops every restart once its loss is at 1.15 of the noise floor (§9.4), before it fits
   * the noise. Null: no floor is known, or the attack failed.
   */
  readonly atFloor: Reconstruction | null
  /** Matching loss every 25 iterations, of the restart that was chosen, over all stages. */
  readonly curve: readonly CurvePoint[]
  /** Each about as much work as a step that differentiates twice. */
  readonly iterations: number
  /** Gradients of the client's model. */
  readonly gradientEvaluations: number
  readonly seconds: number
  /** Latents this attack found, where others can go on from them. */
  readonly latents?: LatentSearchResult
  /** Why there is nothing, or less than asked for. */
  readonly note?: string
}

export interface LatentSearchResult {
  /** By restart; those that failed are missing. */
  readonly trails: readonly LatentTrail[]
  /** The generator's class of every slot; null: it is not conditional. */
  readonly classes: Int32Array | null
  readonly iterations: number
  readonly gradientEvaluations: number
  readonly seconds: number
}

export interface Attack {
  readonly name: AttackName
  readonly needsGenerator: boolean
  /** For reports: what it does, in one sentence. */
  readonly describes: string
  /**
   * At most how many iterations it will make, for estimates of time, without those of a search for classes. `earlier`: attacks
   * whose results it will be given.
   */
  iterations(
    budget: AttackBudget,
    generator: LayeredGenerator | null,
    earlier?: readonly AttackName[],
  ): number
  /** Why it cannot be tried on this problem; null: it can. */
  excluded(problem: MatchingProblem): string | null
  run(input: AttackInput): Promise<AttackResult>
}
