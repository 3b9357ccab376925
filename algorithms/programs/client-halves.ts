import { FederationError } from '#protocol/errors.js'
import type { Metrics } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import type { EvaluationCounts } from '#algorithms/evaluation/evaluate.js'
import {
  assertCovered,
  calibrationOf,
  calibrationSetup,
  methodOf,
  methodSetup,
  updateTransformsOf,
} from '#algorithms/from-config.js'
import type { ClientHalf, Method, MethodSetup, PerformInput } from '#algorithms/methods/method.js'
import {
  clientFacts,
  EVALUATION,
  evaluationTensors,
  SCORE,
  scoreOf,
  scoreTensors,
} from './federated-evaluation.js'
import { LOCAL_MODEL, localModelTensors } from './local-models.js'
import type { ClientHalves } from './program.js'
import { protectedUpdatesOf, protecting } from './protected-updates.js'
import { roundOf } from './riders.js'

/** The client's side of a run: one half for each part of its program. */
export function createClientHalves(
  config: RunConfig,
  catalogue: Catalogue = CATALOGUE,
): ClientHalves {
  assertCovered(config, catalogue)
  const own = methodSetup(config, catalogue)
  const entry = methodOf(config, catalogue)
  const method = protecting(entry.client(own), protectedUpdatesOf(config, catalogue))
  const scoring = { config, entry }
  const setup = calibrationSetup(config, catalogue)
  const calibration = setup === null ? undefined : calibrationOf(config, catalogue)?.client(setup)
  const scored = (half: ClientHalf): ClientHalf => scoringFirst(half, scoring)
  return {
    method: telling(scored(showingLocalModel(method, own)), method),
    evaluation: telling(evaluationHalf(method, scoring), method),
    calibration: scored({
      perform: (input) => calibration?.perform(input) ?? notCalibrated(input),
      predictor: (from) => method.predictor(from),
    }),
  }
}

/** What the record must hold of the memory goes out with the metrics. */
function telling(half: ClientHalf, method: ClientHalf): ClientHalf {
  return {
    ...half,
    async perform(input) {
      const result = await half.perform(input)
      return { ...result, metrics: { ...result.metrics, ...method.told?.(input.memory) } }
    },
  }
}

/** A task for a part that the run does not have. */
const notCalibrated: ClientHalf['perform'] = () => {
  throw new FederationError('message/malformed', 'The run has no calibration to perform a task of')
}

/** The method's own half; where the task says `diagnose: true`, it sends the whole local model beside what the method sends. */
function showingLocalModel(method: ClientHalf, setup: MethodSetup): ClientHalf {
  return {
    ...method,
    async perform(input) {
      const result = await method.perform({ ...input, round: roundOf(input) })
      if (input.task['diagnose'] !== true) return result
      if (updateTransformsOf(setup.config).length > 0) throw notCovered()
      const local = localModelTensors(setup, result.local)
      return { ...result, update: { ...result.update, [LOCAL_MODEL]: local } }
    },
  }
}

/** Such a run is refused when it is created: a coordinator that asks for it all the same is not obeyed. */
const notCovered = (): FederationError =>
  new FederationError(
    'policy/refused',
    'The update transforms of the run do not act on whole local models: none are sent',
  )

interface Scoring {
  readonly config: RunConfig
  readonly entry: Pick<Method, 'personal'>
}

/** Where the task says `score: true`, scores what the client predicts with before anything is changed. */
function scoringFirst(half: ClientHalf, scoring: Scoring): ClientHalf {
  return {
    ...half,
    async perform(input) {
      if (input.task['score'] !== true) return half.perform(input)
      const { groups } = await scored(half, input, scoring)
      const result = await half.perform(input)
      return { ...result, update: { ...result.update, ...groups } }
    },
  }
}

/** Scores and changes nothing: the memory stays what it was. */
function evaluationHalf(method: ClientHalf, scoring: Scoring): ClientHalf {
  return {
    async perform(input) {
      const { counts, groups } = await scored(method, input, scoring)
      return {
        update: groups,
        weight: Math.max(1, counts.count),
        metrics: ownMetrics(counts),
        pending: input.memory,
      }
    },
    predictor: (from) => method.predictor(from),
  }
}

/** What the client predicts with, scored, and the groups that say so. */
async function scored(half: ClientHalf, input: PerformInput, { config, entry }: Scoring) {
  const counts = await scoreOf(half, input, config)
  const score = scoreTensors(counts, clientFacts(input, entry))
  return { counts, groups: { [EVALUATION]: evaluationTensors(counts), [SCORE]: score } }
}

/** This client's own score, which its round record names by slot. Empty without held-out examples. */
function ownMetrics({ count, correct, lossSum }: EvaluationCounts): Metrics {
  return count === 0 ? {} : { accuracy: correct / count, loss: lossSum / count, examples: count }
}
