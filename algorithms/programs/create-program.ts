import { nestBundles, partOf } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import type { RunConfig } from '#protocol/run-config.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import { methodOf, serverSetup } from '#algorithms/from-config.js'
import type { CloseResult, Folded, RoundPlan, ServerHalf } from '#algorithms/methods/method.js'
import { assertSameModel } from '#algorithms/start-from.js'
import {
  EVALUATION,
  evaluationGroup,
  evaluationMetrics,
  scoreGroup,
  spreadMetrics,
} from './federated-evaluation.js'
import type { Program, ProgramPlan } from './program.js'
import { progressBundle, progressIn, START, watched } from './progress.js'
import type { Progress } from './progress.js'

interface Composition {
  readonly config: RunConfig
  readonly method: ServerHalf
}
interface ProgramState {
  readonly method: Bundle
  readonly progress: Progress
}

const pack = ({ method, progress }: ProgramState): Bundle =>
  nestBundles({ method, progress: progressBundle(progress) })
const unpack = (state: Bundle): ProgramState => ({
  method: partOf(state, 'method'),
  progress: progressIn(partOf(state, 'progress')),
})

/**
 * The run that a configuration describes: its method until `rounds` training rounds are closed or early stopping ends it,
 * scored by the clients on the way and once at the end where `evaluation.federated` asks for it.
 */
export function createProgram(config: RunConfig, catalogue: Catalogue = CATALOGUE): Program {
  const composition = {
    config,
    method: methodOf(config, catalogue).server(serverSetup(config, catalogue)),
  }
  const { method } = composition
  return {
    init(startFrom) {
      if (startFrom !== null) assertSameModel(config, startFrom, catalogue)
      return pack({ method: method.init(startFrom), progress: START })
    },
    next: (state) => nextPlan(composition, unpack(state)),
    close: (state, plan, folded) =>
      plan.part === 'method'
        ? closeMethod(composition, unpack(state), { plan, folded })
        : closeEvaluation(composition, unpack(state), folded),
    observe(state, metrics) {
      const { method: inner, progress } = unpack(state)
      return pack({ method: inner, progress: watched(progress, metrics, config.evaluation) })
    },
    isCentralEvaluationDue: (state) => isScoreDue(config, unpack(state).progress),
    trainingRounds: (state) => unpack(state).progress.trainingRounds,
    released: (state) => method.released(unpack(state).method),
  }
}

const isScoreDue = ({ evaluation, rounds }: RunConfig, { trainingRounds }: Progress): boolean =>
  trainingRounds % evaluation.every === 0 || trainingRounds >= rounds

function nextPlan(
  composition: Composition,
  { method: inner, progress }: ProgramState,
): ProgramPlan | 'done' {
  const { config, method } = composition
  const isOver = progress.isStopped || progress.trainingRounds >= config.rounds
  const plan = isOver ? 'done' : method.next(inner)
  if (plan === 'done') return finalScore(composition, inner, progress)
  const isScored =
    config.evaluation.federated && plan.purpose === 'train' && isScoreDue(config, progress)
  return isScored
    ? {
        ...plan,
        part: 'method',
        task: { ...plan.task, score: true },
        uplink: [...plan.uplink, evaluationGroup(config)],
      }
    : { ...plan, part: 'method' }
}

function finalScore(
  { config, method }: Composition,
  inner: Bundle,
  progress: Progress,
): ProgramPlan | 'done' {
  const { bundle, assets } = method.released(inner)
  if (!config.evaluation.federated || progress.isFinalScored) return 'done'
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

async function closeMethod(
  { config, method }: Composition,
  state: ProgramState,
  { plan, folded }: { readonly plan: RoundPlan; readonly folded: Folded },
): Promise<CloseResult> {
  const isScored = plan.task['score'] === true
  const closed = await method.close(state.method, withoutScore(plan), folded)
  const step = plan.purpose === 'train' ? 1 : 0
  return {
    ...closed,
    state: pack({
      method: closed.state,
      progress: { ...state.progress, trainingRounds: state.progress.trainingRounds + step },
    }),
    metrics: { ...closed.metrics, ...(isScored ? evaluationMetrics(folded, config) : {}) },
  }
}

/** The plan as the method made it. */
function withoutScore({ task: { score: _score, ...task }, uplink, ...plan }: RoundPlan): RoundPlan {
  return { ...plan, task, uplink: uplink.filter((group) => group.name !== EVALUATION) }
}

async function closeEvaluation(
  { config }: Composition,
  { method, progress }: ProgramState,
  folded: Folded,
): Promise<CloseResult> {
  return {
    state: pack({ method, progress: { ...progress, isFinalScored: true } }),
    metrics: { ...evaluationMetrics(folded, config), ...(await spreadMetrics(folded)) },
  }
}
