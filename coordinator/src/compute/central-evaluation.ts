import type { Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { canonicalJson } from '#protocol/json.js'
import type { Metrics } from '#protocol/record.js'
import type { DataSource, RunConfig, TaskConfig } from '#protocol/run-config.js'
import { loadDataset } from '#data/index.js'
import { everyIndex, type Dataset } from '#data/dataset.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import { evaluate, metricsOf, modelPredictor } from '#algorithms/evaluation/evaluate.js'
import { modelOf } from '#algorithms/from-config.js'
import { paramsOf } from '#algorithms/models/params.js'
import type { Program } from '#algorithms/programs/program.js'

/** Metrics of a state's released model on the held-out set; empty when none is configured, due or possible. */
export type CentralEvaluation = (
  config: RunConfig,
  program: Program,
  state: Bundle,
) => Promise<Metrics>

/** Keeps the data sets it has loaded. */
export function createCentralEvaluation(catalogue: Catalogue): CentralEvaluation {
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
    const { bundle, predicts } = program.released(state)
    if (central === null || !predicts || !program.isCentralEvaluationDue(state)) return {}
    const dataset = await load(central)
    assertFits(dataset, config.task)
    const model = modelOf(config, catalogue)
    const predictor = modelPredictor(model, paramsOf(model, bundle))
    try {
      const examples = { source: dataset, indices: everyIndex(dataset.count) }
      return metricsOf(
        await evaluate(predictor.predict, examples, dataset.classes),
        dataset.classes,
      )
    } finally {
      predictor.dispose()
    }
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
