import { FederationError } from '#protocol/errors.js'
import type { Metrics } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import type { EvaluationCounts } from '#algorithms/evaluation/evaluate.js'
import { calibrationOf, calibrationSetup, methodOf, methodSetup } from '#algorithms/from-config.js'
import type { ClientHalf, MethodSetup } from '#algorithms/methods/method.js'
import { EVALUATION, evaluationTensors, scoreOf, scoreTensors } from './federated-evaluation.js'
import { LOCAL_MODEL, localModelTensors } from './local-models.js'
import type { ClientHalves } from './program.js'
import { roundOf } from './riders.js'

/** The client's side of a run: one half for each part of its program. */
export function createClientHalves(
  config: RunConfig,
  catalogue: Catalogue = CATALOGUE,
): ClientHalves {
  const own = methodSetup(config, catalogue)
  const method = methodOf(config, catalogue).client(own)
  const setup = calibrationSetup(config, catalogue)
  const calibration = setup === null ? undefined : calibrationOf(config, catalogue)?.client(setup)
  const scored = (half: ClientHalf): ClientHalf => scoringFirst(half, config)
  return {
    method: telling(scored(showingLocalModel(method, own)), method),
    evaluation: telling(evaluationHalf(method, config), method),
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
      const local = localModelTensors(setup, result.local)
      return { ...result, update: { ...result.update, [LOCAL_MODEL]: local } }
    },
  }
}

/** Where the task says `score: true`, scores the received model before anything is changed. */
function scoringFirst(method: ClientHalf, config: RunConfig): ClientHalf {
  return {
    ...method,
    async perform(input) {
      if (input.task['score'] !== true) return method.perform(input)
      const counts = await scoreOf(method, input, config)
      const result = await method.perform(input)
      return { ...result, update: { ...result.update, [EVALUATION]: evaluationTensors(counts) } }
    },
  }
}

/** Scores and changes nothing: the memory stays what it was. */
function evaluationHalf(method: ClientHalf, config: RunConfig): ClientHalf {
  return {
    async perform(input) {
      const counts = await scoreOf(method, input, config)
      return {
        update: { evaluation: evaluationTensors(counts), score: scoreTensors(counts) },
        weight: Math.max(1, counts.count),
        metrics: ownMetrics(counts),
        pending: input.memory,
      }
    },
    predictor: (from) => method.predictor(from),
  }
}

/** This client's own score, which its round record names by slot. Empty without held-out examples. */
function ownMetrics({ count, correct, lossSum }: EvaluationCounts): Metrics {
  return count === 0 ? {} : { accuracy: correct / count, loss: lossSum / count, examples: count }
}
