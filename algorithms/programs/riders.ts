/** What rides with a task that is not its own: a score of what the client predicts with, a copy of the local model. */
import type { Metrics } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import type { Folded, Method, RoundPlan } from '#algorithms/methods/method.js'
import type { Model } from '#algorithms/models/model.js'
import { LOCAL_MODEL, localModelGroup } from './local-models.js'
import {
  clientMetrics,
  EVALUATION,
  evaluationGroup,
  evaluationMetrics,
  SCORE,
  scoreGroup,
} from './federated-evaluation.js'
import type { Progress } from './progress.js'

/** The keys of a task that are a rider's, with the groups that it adds. */
const RIDERS = { score: [EVALUATION, SCORE], diagnose: [LOCAL_MODEL] } as const
type Rider = keyof typeof RIDERS

const riding = <Plan extends RoundPlan>(
  plan: Plan,
  rider: Rider,
  groups: readonly UplinkGroup[],
): Plan => ({
  ...plan,
  task: { ...plan.task, [rider]: true },
  uplink: [...plan.uplink, ...groups],
})

/** Where clients are to score models: they score the one they receive before they do anything else. */
export const withScore = <Plan extends RoundPlan>(plan: Plan, config: RunConfig): Plan =>
  config.evaluation.federated ? riding(plan, 'score', [evaluationGroup(config), scoreGroup]) : plan

/** The plan as its part made it. */
export function asPlanned(plan: RoundPlan): RoundPlan {
  const { score: _score, diagnose: _diagnose, trainingRound: _round, ...task } = plan.task
  const added = new Set<string>(Object.values(RIDERS).flat())
  return { ...plan, task, uplink: plan.uplink.filter(({ name }) => !added.has(name)) }
}

export const isScored = ({ task }: Pick<RoundPlan, 'task'>): boolean => task['score'] === true
export const isDiagnosed = ({ task }: Pick<RoundPlan, 'task'>): boolean => task['diagnose'] === true

/** Of the model as it was received, or as a client kept it; empty where nobody was asked. */
export async function scoreMetrics(
  plan: RoundPlan,
  folded: Folded,
  { config, entry }: { readonly config: RunConfig; readonly entry: Pick<Method, 'personal'> },
): Promise<Metrics> {
  if (!isScored(plan)) return {}
  return { ...evaluationMetrics(folded, config), ...(await clientMetrics(folded, entry)) }
}

/** In the rounds that `evaluation.diagnostics` names: clients also send what they trained, whole. */
export function withLocalModels<Plan extends RoundPlan>(
  plan: Plan,
  { config, model }: { readonly config: RunConfig; readonly model: Model },
  { trainingRounds }: Progress,
): Plan {
  const { diagnostics } = config.evaluation
  if (diagnostics === undefined || plan.purpose !== 'train') return plan
  const round = trainingRounds + 1
  const { every } = diagnostics
  const isDue = round === 1 || round === config.rounds || (every !== null && round % every === 0)
  return isDue ? riding(plan, 'diagnose', [localModelGroup(model)]) : plan
}

/**
 * Random streams and schedules of a client hang on the number of the round. Where calibrations lie between training rounds
 * the task tells the number that it would have without them, so that they change nothing in training.
 */
export function withTrainingRound<Plan extends RoundPlan>(
  plan: Plan,
  { calibration }: RunConfig,
  { trainingRounds }: Progress,
): Plan {
  if (calibration === undefined || calibration.when === 'final') return plan
  return { ...plan, task: { ...plan.task, trainingRound: trainingRounds + 1 } }
}

/** The round that a client computes in: the one on the wire, unless the task tells another. */
export function roundOf({
  task,
  round,
}: {
  readonly task: RoundPlan['task']
  readonly round: number
}): number {
  const { trainingRound } = task
  return typeof trainingRound === 'number' ? trainingRound : round
}
