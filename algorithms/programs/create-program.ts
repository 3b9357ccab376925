import { nestBundles, partOf } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import { asFederationError } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { payloadsOf } from '#algorithms/aggregators/gather.js'
import type { CalibrationInput, CalibrationServer } from '#algorithms/calibration/calibration.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import { calibrationOf, calibrationSetup, methodOf, serverSetup } from '#algorithms/from-config.js'
import type {
  CloseResult,
  Folded,
  Method,
  Released,
  RoundPlan,
  ServerHalf,
} from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'
import { assertSameModel } from '#algorithms/start-from.js'
import {
  calibrationBundle,
  calibrationIn,
  isBegun,
  isCalibrationDue,
  NOT_CALIBRATED,
  type CalibrationProgress,
} from './calibration-progress.js'
import {
  clientMetrics,
  evaluationMetrics,
  scoreGroup,
  evaluationGroup,
  spreadMetrics,
} from './federated-evaluation.js'
import type { Program, ProgramPlan, RoundKind } from './program.js'
import { progressBundle, progressIn, START, watched } from './progress.js'
import type { Progress } from './progress.js'
import {
  asProtected,
  normProblem,
  protectedUpdatesOf,
  protectingServer,
} from './protected-updates.js'
import { asPlanned, scoreMetrics, withLocalModels, withScore, withTrainingRound } from './riders.js'

interface Composition {
  readonly config: RunConfig
  readonly entry: Pick<Method, 'personal'>
  readonly model: Model
  readonly method: ServerHalf
  readonly calibration: CalibrationServer | null
}
interface ProgramState {
  readonly method: Bundle
  readonly progress: Progress
  readonly calibration: CalibrationProgress
}

/** A run without calibration keeps nothing of one: its state is the same as if there were none. */
const pack = ({ method, progress, calibration }: ProgramState): Bundle =>
  nestBundles({
    method,
    progress: progressBundle(progress),
    ...(isBegun(calibration) ? { calibration: calibrationBundle(calibration) } : {}),
  })
const unpack = (state: Bundle): ProgramState => ({
  method: partOf(state, 'method'),
  progress: progressIn(partOf(state, 'progress')),
  calibration: calibrationIn(state),
})

/**
 * The run that a configuration describes: its method until `rounds` training rounds are closed or early stopping ends it,
 * calibrated and scored by the clients on the way and at the end where `calibration` and `evaluation.federated` ask for it.
 */
export function createProgram(config: RunConfig, catalogue: Catalogue = CATALOGUE): Program {
  const setup = calibrationSetup(config, catalogue)
  const own = serverSetup(config, catalogue)
  const entry = methodOf(config, catalogue)
  const updates = protectedUpdatesOf(config, catalogue)
  const composition = {
    config,
    entry,
    model: own.model,
    method: protectingServer(entry.server(own), updates),
    calibration: setup === null ? null : (calibrationOf(config, catalogue)?.server(setup) ?? null),
  }
  const { method } = composition
  return {
    init(startFrom) {
      if (startFrom !== null) assertSameModel(config, startFrom, catalogue)
      return pack({ method: method.init(startFrom), progress: START, calibration: NOT_CALIBRATED })
    },
    next: (state) => nextPlan(composition, unpack(state)),
    kinds: (state) =>
      roundKinds(
        composition,
        unpack(state),
        entry.uplinks?.(own).map((uplink) => asProtected(uplink, updates)),
      ),
    close: (state, plan, folded) => closePart(composition, unpack(state), { plan, folded }),
    inspect(plan, update, member) {
      const long = plan.part === 'method' ? normProblem(update, plan.uplink, updates) : null
      if (long !== null) return long
      const half = plan.part === 'calibration' ? composition.calibration : method
      if (half?.inspect === undefined || plan.part === 'evaluation') return null
      try {
        half.inspect({ plan, payloads: payloadsOf(update, plan.uplink, member) })
        return null
      } catch (cause) {
        return asFederationError(cause, 'update/malformed').toProblem()
      }
    },
    observe(state, metrics) {
      const unpacked = unpack(state)
      // Early stopping is about training: what a calibration adds to a model says nothing of the next round.
      if (isBegun(unpacked.calibration)) return state
      const progress = watched(unpacked.progress, metrics, config.evaluation)
      return pack({ ...unpacked, progress })
    },
    isCentralEvaluationDue: (state) => isMeasured(config, unpack(state)),
    trainingRounds: (state) => unpack(state).progress.trainingRounds,
    released: (state) => releasedOf(composition, unpack(state)),
  }
}

const isScoreDue = ({ evaluation, rounds }: RunConfig, { trainingRounds }: Progress): boolean =>
  trainingRounds % evaluation.every === 0 || trainingRounds >= rounds

const isTrainingOver = ({ rounds }: RunConfig, { isStopped, trainingRounds }: Progress): boolean =>
  isStopped || trainingRounds >= rounds

/** Between the rounds of a calibration there is nothing new to measure. */
function isMeasured(config: RunConfig, { progress, calibration }: ProgramState): boolean {
  if (calibration.gathered !== null) return false
  const isFinal = calibration.calibrated !== null && isTrainingOver(config, progress)
  return isFinal || isScoreDue(config, progress)
}

function releasedOf(
  { method }: Composition,
  { method: inner, calibration: { calibrated } }: Pick<ProgramState, 'method' | 'calibration'>,
): Released {
  if (calibrated === null) return method.released(inner)
  return { bundle: calibrated, assets: {}, predicts: true }
}

function nextPlan(composition: Composition, state: ProgramState): ProgramPlan | 'done' {
  const { config, method, calibration } = composition
  const { progress } = state
  const plan = isTrainingOver(config, progress) ? 'done' : method.next(state.method)
  const at = {
    trainingRounds: progress.trainingRounds,
    isOver: plan === 'done',
    isScored: isScoreDue(config, progress),
  }
  const { when = 'final' } = config.calibration ?? {}
  if (calibration !== null && isCalibrationDue(when, state.calibration, at)) {
    const own = calibration.next(calibrationInput(composition, state))
    const isFirst = state.calibration.gathered === null
    return { ...(isFirst ? withScore(own, config) : own), part: 'calibration' }
  }
  if (plan === 'done') return finalScore(composition, state)
  const scored = plan.purpose === 'train' && isScoreDue(config, progress)
  const ridden = scored ? withScore(plan, config) : plan
  const shown = withLocalModels(ridden, composition, progress)
  return { ...withTrainingRound(shown, config, progress), part: 'method' }
}

const calibrationInput = (
  { method }: Composition,
  { method: inner, progress, calibration }: ProgramState,
): CalibrationInput => ({
  released: method.released(inner).bundle,
  progress: calibration.gathered,
  trainingRounds: progress.trainingRounds,
})

function finalScore(composition: Composition, state: ProgramState): ProgramPlan | 'done' {
  const { config } = composition
  const { bundle, assets } = releasedOf(composition, state)
  if (!config.evaluation.federated || state.progress.isFinalScored) return 'done'
  return {
    part: 'evaluation',
    purpose: 'evaluate',
    task: {},
    shared: bundle,
    assets,
    uplink: [evaluationGroup(config), scoreGroup],
    audience: 'everyone',
  }
}

/** `uplinks`: what the method says of its own rounds; left out: all are as the first. */
function roundKinds(
  composition: Composition,
  state: ProgramState,
  uplinks: readonly (readonly UplinkGroup[])[] | undefined,
): readonly RoundKind[] {
  const { config, method, calibration } = composition
  const first = method.next(state.method)
  const own = first === 'done' ? [] : (uplinks ?? [first.uplink])
  const trained = own.map((uplink) => ({
    ...(first as RoundPlan),
    uplink,
    part: 'method' as const,
  }))
  const calibrated =
    calibration === null ? [] : [calibration.next(calibrationInput(composition, state))]
  const final = finalScore(composition, state)
  return [
    ...trained.map((plan) => withLocalModels(withScore(plan, config), composition, state.progress)),
    ...calibrated.map((plan) => ({ ...withScore(plan, config), part: 'calibration' as const })),
    ...(final === 'done' ? [] : [final]),
  ].map(({ part, audience, uplink }) => ({ part, audience, uplink }))
}

interface Closing {
  readonly plan: ProgramPlan
  readonly folded: Folded
}
function closePart(
  composition: Composition,
  state: ProgramState,
  closing: Closing,
): Promise<CloseResult> {
  if (closing.plan.part === 'method') return closeMethod(composition, state, closing)
  if (closing.plan.part === 'calibration') return closeCalibration(composition, state, closing)
  return closeEvaluation(composition, state, closing.folded)
}

async function closeMethod(
  composition: Composition,
  state: ProgramState,
  { plan, folded }: Closing,
): Promise<CloseResult> {
  const { method } = composition
  const closed = await method.close(state.method, asPlanned(plan), folded)
  const step = plan.purpose === 'train' ? 1 : 0
  const { progress } = state
  return {
    ...closed,
    state: pack({
      method: closed.state,
      progress: { ...progress, trainingRounds: progress.trainingRounds + step },
      calibration: NOT_CALIBRATED,
    }),
    metrics: { ...closed.metrics, ...(await scoreMetrics(plan, folded, composition)) },
  }
}

async function closeCalibration(
  composition: Composition,
  state: ProgramState,
  { plan, folded }: Closing,
): Promise<CloseResult> {
  const { config, method, calibration } = composition
  const step = await calibration!.close(
    calibrationInput(composition, state),
    asPlanned(plan),
    folded,
  )
  const metrics = { ...step.metrics, ...(await scoreMetrics(plan, folded, composition)) }
  if ('progress' in step) {
    const gathering = { gathered: step.progress, calibrated: null }
    return { state: pack({ ...state, calibration: gathering }), metrics }
  }
  const { calibrated, diagnostics } = step
  const goesOn = config.calibration?.when === 'every-round'
  return {
    state: pack({
      ...state,
      method: (goesOn ? method.adopt?.(state.method, calibrated) : undefined) ?? state.method,
      calibration: { gathered: null, calibrated },
    }),
    metrics,
    ...(diagnostics === undefined ? {} : { diagnostics }),
  }
}

async function closeEvaluation(
  composition: Composition,
  state: ProgramState,
  folded: Folded,
): Promise<CloseResult> {
  const progress = { ...state.progress, isFinalScored: true }
  return {
    state: pack({ ...state, progress }),
    metrics: {
      ...evaluationMetrics(folded, composition.config),
      ...(await spreadMetrics(folded)),
      ...(await clientMetrics(folded, composition.entry)),
    },
  }
}
