import { makeBundle, type Bundle } from '#protocol/bundle.js'
import type { Diagnostics } from '#protocol/diagnostics.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Examples } from '#data/index.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import {
  compareLocalModels,
  type LocalModel,
} from '#algorithms/diagnostics/compare-local-models.js'
import { describeModel } from '#algorithms/diagnostics/describe-model.js'
import { modelOf } from '#algorithms/from-config.js'
import type { CloseResult, Folded } from '#algorithms/methods/method.js'
import { gatheredGroup } from '#algorithms/methods/update.js'
import type { Model } from '#algorithms/models/model.js'
import { paramsOf } from '#algorithms/models/params.js'
import { LOCAL_MODEL } from '#algorithms/programs/local-models.js'
import type { Program, ProgramPlan } from '#algorithms/programs/program.js'
import { isDiagnosed } from '#algorithms/programs/riders.js'
import type { CentralData } from './central-data.js'

/** A round that its program has closed. */
export interface ClosedRound {
  readonly config: RunConfig
  readonly program: Program
  readonly plan: ProgramPlan
  readonly folded: Folded
  readonly closed: CloseResult
  /** What the program goes on from. */
  readonly state: Bundle
}

/**
 * What a round tells beside its metrics: what its own part told; where `evaluation.diagnostics` is set, also a comparison of
 * local models in the rounds that gathered them, and norms and geometry of the released model in these, before and after a
 * calibration. Undefined: nothing. Reads, and changes no state.
 */
export type RoundDiagnostics = (round: ClosedRound) => Promise<Diagnostics | undefined>

/** Uses the backend that is active. */
export function createRoundDiagnostics(catalogue: Catalogue, data: CentralData): RoundDiagnostics {
  return async (round) => {
    const { config, program, closed, plan, folded, state } = round
    const probe = await data.probe(config)
    if (probe === null) return closed.diagnostics
    const model = modelOf(config, catalogue)
    const local = isDiagnosed(plan) ? await localDiagnostics(model, folded, probe) : undefined
    const released = isDescribed(round)
      ? await describeModel(model, program.released(state).bundle, probe)
      : undefined
    const found = { ...closed.diagnostics, ...(local === undefined ? {} : { local }), ...released }
    return Object.keys(found).length === 0 ? undefined : found
  }
}

/** The last model before a calibration and the first one after it, also where the run ended early. */
function isDescribed({ plan, program, state }: ClosedRound): boolean {
  if (isDiagnosed(plan)) return true
  if (plan.part === 'evaluation') return false
  const next = program.next(state)
  const isCalibratedNext = next !== 'done' && next.part === 'calibration'
  return plan.part === 'calibration' ? !isCalibratedNext : isCalibratedNext
}

const localDiagnostics = (
  model: Model,
  folded: Folded,
  probe: Examples,
): Promise<Diagnostics['local']> =>
  compareLocalModels(
    { model, slots: folded.reporters, read: () => localModels(model, folded) },
    probe,
  )

async function* localModels(model: Model, folded: Folded): AsyncIterable<LocalModel> {
  for await (const { slot, tensors } of gatheredGroup(folded, LOCAL_MODEL).payloads())
    yield { slot, params: paramsOf(model, makeBundle(Object.values(tensors))) }
}
