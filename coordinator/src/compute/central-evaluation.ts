import type { Bundle } from '#protocol/bundle.js'
import type { Hash } from '#protocol/ids.js'
import type { RoundRecord } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Examples } from '#data/index.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import { evaluate, metricsOf } from '#algorithms/evaluation/evaluate.js'
import { routingMetrics } from '#algorithms/evaluation/routing.js'
import { assetBundles, type PredictorHandle } from '#algorithms/methods/method.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import type { Program } from '#algorithms/programs/program.js'
import type { CentralData } from './central-data.js'

/** How a model does on the held-out set. */
export type CentralScore = Pick<RoundRecord, 'metrics' | 'confusion'>
/** Of a state's released model; without metrics when none is configured, due or possible. */
export type CentralEvaluation = (
  config: RunConfig,
  program: Program,
  state: Bundle,
) => Promise<CentralScore>

export interface CentralEvaluationSetup {
  readonly catalogue: Catalogue
  readonly data: CentralData
  readonly bundleOf: (hash: Hash) => Promise<Bundle>
}

/** Scores as a client without memory would: by the client half's predictor. */
export function createCentralEvaluation(setup: CentralEvaluationSetup): CentralEvaluation {
  const { catalogue, data, bundleOf } = setup
  return async (config, program, state) => {
    if (config.evaluation.central === null || !program.isCentralEvaluationDue(state))
      return UNSCORED
    const { bundle: shared, assets: planned } = program.released(state)
    const assets = await assetBundles(planned, bundleOf)
    const { method } = createClientHalves(config, catalogue)
    const predictor = method.predictor({ shared, assets, memory: null })
    if (predictor === null) return UNSCORED
    try {
      const examples = await data.whole(config)
      return examples === null ? UNSCORED : await scored(predictor, examples)
    } finally {
      predictor.dispose()
    }
  }
}

const UNSCORED: CentralScore = { metrics: {} }

async function scored(predictor: PredictorHandle, examples: Examples): Promise<CentralScore> {
  const counts = await evaluate(predictor.predict, examples, examples.source.classes)
  const { confusion } = counts
  return {
    metrics: {
      ...metricsOf(counts, examples.source),
      ...(await routingMetrics(predictor, examples)),
    },
    ...(confusion === null || counts.count === 0
      ? {}
      : { confusion: confusion.map((row) => [...row]) }),
  }
}
