import type { Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { Metrics } from '#protocol/record.js'
import type { DataSource, RunConfig, TaskConfig } from '#protocol/run-config.js'
import { loadDataset, wholeDataset, type Dataset, type Examples } from '#data/index.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import { evaluate, metricsOf } from '#algorithms/evaluation/evaluate.js'
import { routingMetrics } from '#algorithms/evaluation/routing.js'
import { assetBundles, type PredictorHandle } from '#algorithms/methods/method.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import type { Program } from '#algorithms/programs/program.js'

/** Metrics of a state's released model on the held-out set; empty when none is configured, due or possible. */
export type CentralEvaluation = (
  config: RunConfig,
  program: Program,
  state: Bundle,
) => Promise<Metrics>

/** Keeps the data sets it has loaded. Scores as a client without memory would: by the client half's predictor. */
export function createCentralEvaluation(
  catalogue: Catalogue,
  bundleOf: (hash: Hash) => Promise<Bundle>,
): CentralEvaluation {
  const loaded = new Map<string, Promise<Dataset>>()
  const load = (source: DataSource): Promise<Dataset> => {
    const key = canonicalJson(source)
    const dataset = loaded.get(key) ?? loadDataset({ ...source, split: 'test' })
    loaded.set(key, dataset)
    dataset.catch(() => loaded.delete(key))
    return dataset
  }
  return async (config, program, state) => {
    const { central } = config.evaluation
    if (central === null || !program.isCentralEvaluationDue(state)) return {}
    const { bundle: shared, assets: planned } = program.released(state)
    const assets = await assetBundles(planned, bundleOf)
    const { method } = createClientHalves(config, catalogue)
    const predictor = method.predictor({ shared, assets, memory: null })
    if (predictor === null) return {}
    try {
      const dataset = await load(central)
      assertFits(dataset, config.task)
      return await scored(predictor, wholeDataset(dataset))
    } finally {
      predictor.dispose()
    }
  }
}

async function scored(predictor: PredictorHandle, examples: Examples): Promise<Metrics> {
  const counts = await evaluate(predictor.predict, examples, examples.source.classes)
  return {
    ...metricsOf(counts, examples.source),
    ...(await routingMetrics(predictor, examples)),
  }
}

function assertFits(dataset: Dataset, { inputShape, classes }: TaskConfig): void {
  if (canonicalJson([dataset.inputShape, dataset.classes]) === canonicalJson([inputShape, classes]))
    return
  throw new FederationError(
    'data/mismatch',
    `evaluation.central ${dataset.name} has shape [${dataset.inputShape.join(', ')}] and ${dataset.classes.length} classes; the task's shape or classes (in order) differ`,
  )
}
