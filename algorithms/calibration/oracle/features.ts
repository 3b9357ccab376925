/** The group `features`: the features of every example of a client, with their labels. */
import type { NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { everyIndex, type Dataset, type Examples } from '#data/dataset.js'
import { forBatches } from '#algorithms/evaluation/evaluate.js'
import type { Folded, GatheredPayload, MethodSetup, Predictor } from '#algorithms/methods/method.js'
import { gatheredGroup } from '#algorithms/methods/update.js'
import { extractorOf } from '#algorithms/models/extractor.js'

export const FEATURES = 'features'

export function featuresGroup({ config, model }: MethodSetup): UplinkGroup {
  const { width } = extractorOf(model)
  return {
    name: FEATURES,
    tensors: [
      { name: 'features', shape: [null, width], dtype: 'float32' },
      { name: 'labels', shape: [null], dtype: 'int32' },
    ],
    ...{ reduce: 'gather', weight: 'none', grid: null, privacyClass: 'per-example' },
    maxBytes: config.aggregation.maxExamples * (width + 1) * Float32Array.BYTES_PER_ELEMENT,
  }
}

/** What a client sends: its examples in order. */
export async function featuresUpdate(
  predict: Predictor,
  { source, indices }: Examples,
  width: number,
): Promise<Readonly<Record<string, readonly NamedTensor[]>>> {
  const count = indices.length
  const features = new Float32Array(count * width)
  let row = 0
  await forBatches(predict, { source, indices }, (values) => features.set(values, width * row++))
  const labels = Int32Array.from(indices, (index) => source.labels[index]!)
  return {
    [FEATURES]: [
      { name: 'features', shape: [count, width], dtype: 'float32', data: features },
      { name: 'labels', shape: [count], dtype: 'int32', data: labels },
    ],
  }
}

export interface AllFeatures {
  readonly examples: Examples
  /** Clients that hold a class, by label. */
  readonly clients: readonly number[]
}

/** Throws `update/malformed` with the slot where rows and labels do not go together. */
export function rowsOf(
  { slot, tensors }: Pick<GatheredPayload, 'slot' | 'tensors'>,
  { width, classes }: { readonly width: number; readonly classes: number },
): { readonly values: Float32Array; readonly labels: Int32Array } {
  const values = tensors['features']!.data as Float32Array
  const labels = tensors['labels']!.data as Int32Array
  const isWhole = values.length === labels.length * width
  if (isWhole && labels.every((label) => label >= 0 && label < classes)) return { values, labels }
  throw new FederationError(
    'update/malformed',
    `The features of slot ${slot} do not have one label of the task for each row`,
  )
}

/** Of all clients that answered, in slot order. Throws `update/malformed` with the slot for what cannot be. */
export async function allFeatures(
  { config, model }: MethodSetup,
  folded: Folded,
): Promise<AllFeatures> {
  const { classes } = config.task
  const { width } = extractorOf(model)
  const parts: { readonly values: Float32Array; readonly labels: Int32Array }[] = []
  for await (const { slot, tensors } of gatheredGroup(folded, FEATURES).payloads()) {
    const { values, labels } = rowsOf({ slot, tensors }, { width, classes: classes.length })
    parts.push({ values: values.slice(), labels: labels.slice() })
  }
  const count = parts.reduce((sum, { labels }) => sum + labels.length, 0)
  const source: Dataset = {
    ...{ name: 'features', inputShape: [width], classes, count },
    features: new Float32Array(count * width),
    labels: new Int32Array(count),
  }
  const clients = classes.map(() => 0)
  let place = 0
  for (const { values, labels } of parts) {
    source.features.set(values, place * width)
    source.labels.set(labels, place)
    place += labels.length
    for (const label of new Set(labels)) clients[label]! += 1
  }
  return { examples: { source, indices: everyIndex(count) }, clients }
}
