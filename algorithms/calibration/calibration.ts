import type { z } from 'zod'
import type { Bundle } from '#protocol/bundle.js'
import type { Metrics } from '#protocol/record.js'
import type { Diagnostics } from '#protocol/diagnostics.js'
import type { RunConfig } from '#protocol/run-config.js'
import type {
  ArrivedUpdate,
  ClientHalf,
  Folded,
  MethodSetup,
  Revealed,
  RoundPlan,
} from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'

/** What was gathered so far, and about which model. */
export interface CalibrationInput {
  /** The full set of params that the method released: every client computes with exactly these. */
  readonly released: Bundle
  /** What the rounds before this one left; null in the first. */
  readonly progress: Bundle | null
  /** Training rounds behind `released`: random streams hang on it. */
  readonly trainingRounds: number
}

/** After a round of a calibration: either it goes on with another round, or the calibrated model is there. */
export type CalibrationStep =
  | { readonly progress: Bundle; readonly metrics: Metrics }
  | {
      /** A full set of params of the same model, with the extractor bit for bit as it was. */
      readonly calibrated: Bundle
      readonly metrics: Metrics
      readonly diagnostics?: Diagnostics
    }

/** Runs on the coordinator, `close` in its compute worker. Stateless: all it keeps is in `progress`. */
export interface CalibrationServer {
  next(input: CalibrationInput): RoundPlan
  close(input: CalibrationInput, plan: RoundPlan, folded: Folded): Promise<CalibrationStep>
  /** As in `ServerHalf`. */
  inspect?(arrived: ArrivedUpdate): void
}

/**
 * Something that corrects a trained model by what clients tell of it in rounds of their own, whatever method trained it. One
 * folder: both halves, its options, and what it cannot work with.
 */
export interface Calibration<Hyper = unknown> {
  readonly name: string
  readonly hyper: z.ZodType<Hyper>
  readonly reveals: Revealed
  /** Reasons why this combination cannot work; empty: it can. */
  requires(config: RunConfig, model: Model, hyper: Hyper): readonly string[]
  server(setup: MethodSetup<Hyper>): CalibrationServer
  /** `shared` of its input is `released` as the plan sent it. It changes no memory: `pending` is the memory it was given. */
  client(setup: MethodSetup<Hyper>): Pick<ClientHalf, 'perform'>
}
