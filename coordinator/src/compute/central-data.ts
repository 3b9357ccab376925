import { FederationError } from '#protocol/errors.js'
import { canonicalJson } from '#protocol/json.js'
import { createStreams } from '#protocol/random.js'
import type { DataSource, RunConfig, TaskConfig } from '#protocol/run-config.js'
import { everyIndex, loadDataset, wholeDataset, type Dataset, type Examples } from '#data/index.js'

/** The coordinator's own examples: the test split of `evaluation.central`. Null where none is configured. */
export interface CentralData {
  /** All of them. Throws `data/mismatch` when they are not what the run's task asks for. */
  whole(config: RunConfig): Promise<Examples | null>
  /** The `evaluation.diagnostics.probe` of them that models are compared on; null also where no comparison is asked for. */
  probe(config: RunConfig): Promise<Examples | null>
}

/** Keeps the data sets it has loaded. */
export function createCentralData(): CentralData {
  const loaded = new Map<string, Promise<Dataset>>()
  const load = (source: DataSource): Promise<Dataset> => {
    const key = canonicalJson(source)
    const dataset = loaded.get(key) ?? loadDataset({ ...source, split: 'test' })
    loaded.set(key, dataset)
    dataset.catch(() => loaded.delete(key))
    return dataset
  }
  const whole = async ({ evaluation, task }: RunConfig): Promise<Examples | null> => {
    if (evaluation.central === null) return null
    const dataset = await load(evaluation.central)
    assertFits(dataset, task)
    return wholeDataset(dataset)
  }
  return {
    whole,
    async probe(config) {
      const { diagnostics } = config.evaluation
      const all = diagnostics === undefined ? null : await whole(config)
      return all === null || diagnostics === undefined ? null : someOf(all, diagnostics.probe)
    },
  }
}

/**
 * The same examples in every run on the same data, whatever its seed. Drawn, because a data set may be sorted by class or go
 * through the classes in turn.
 */
function someOf({ source, indices }: Examples, count: number): Examples {
  const places = createStreams(0)('diagnostics-probe', 0, 0).shuffle(everyIndex(indices.length))
  const chosen = places.slice(0, count).sort()
  return { source, indices: chosen.map((place) => indices[place] ?? 0) }
}

function assertFits(dataset: Dataset, { inputShape, classes }: TaskConfig): void {
  if (canonicalJson([dataset.inputShape, dataset.classes]) === canonicalJson([inputShape, classes]))
    return
  throw new FederationError(
    'data/mismatch',
    `evaluation.central ${dataset.name} has shape [${dataset.inputShape.join(', ')}] and ${dataset.classes.length} classes; the task's shape or classes (in order) differ`,
  )
}
