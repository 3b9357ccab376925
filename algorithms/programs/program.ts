import type { Bundle } from '#protocol/bundle.js'
import type { Problem } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import type { Metrics } from '#protocol/record.js'
import type {
  ClientHalf,
  CloseResult,
  Folded,
  Released,
  RoundPlan,
} from '#algorithms/methods/method.js'

/** Which part of the composed program a round belongs to: a client chooses its half by it. */
export type Part = 'method' | 'evaluation' | 'calibration'

export interface ProgramPlan extends RoundPlan {
  readonly part: Part
}
/** What updates of one kind of round hold. */
export type RoundKind = Pick<ProgramPlan, 'part' | 'audience' | 'uplink'>

/**
 * A run: the method with everything around it (federated evaluation, early stopping, the number of rounds, calibration), in the shape
 * of a server half. Pure: equal arguments, equal bytes; the state is one bundle.
 */
export interface Program {
  /** `startFrom`: initial params instead of the seeded ones. */
  init(startFrom: Bundle | null): Bundle
  next(state: Bundle): ProgramPlan | 'done'
  /** Every kind of round that may follow `state` as `init` made it: for who must know how large updates become. */
  kinds(state: Bundle): readonly RoundKind[]
  /** `plan` is what `next(state)` returned; it may be asked for again instead of being kept. */
  close(state: Bundle, plan: ProgramPlan, folded: Folded): Promise<CloseResult>
  /** Why an update that is as declared cannot be true; null: it may count. */
  inspect(
    plan: Pick<ProgramPlan, 'task' | 'uplink'> & { readonly part: string },
    update: Bundle,
    member: { readonly slot: Slot; readonly weight: number },
  ): Problem | null
  /**
   * Takes note of what was measured on `released(state)`, wherever it was measured. Called once after `init` and once
   * after each `close` with the metrics of the round, central evaluation included; early stopping lives on it.
   */
  observe(state: Bundle, metrics: Metrics): Bundle
  /** True after `init`, after every `evaluation.every` training rounds and after the last one, each time before and after a calibration. */
  isCentralEvaluationDue(state: Bundle): boolean
  /** Training rounds closed so far; evaluation rounds do not count. */
  trainingRounds(state: Bundle): number
  released(state: Bundle): Released
}

export type ClientHalves = Readonly<Record<Part, ClientHalf>>
