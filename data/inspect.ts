import { countLabels, type Dataset, type Scaling } from './dataset.js'

/** What `data inspect` tells. Mean, standard deviation (population), min and max are over all feature values. */
export interface DatasetFacts {
  readonly name: string
  readonly count: number
  readonly inputShape: readonly number[]
  readonly classes: readonly string[]
  readonly perClass: readonly number[]
  readonly mean: number
  readonly std: number
  readonly min: number
  readonly max: number
  /** Only where columns were scaled; in the form that the CSV loader's `stats=FILE` reads. */
  readonly scaling?: Scaling
  /** Only where rows come from different domains. */
  readonly domains?: { readonly names: readonly string[]; readonly counts: readonly number[] }
}

export function inspectDataset(dataset: Dataset): DatasetFacts {
  const { name, count, inputShape, classes, features, labels, scaling, domains } = dataset
  let [sum, min, max] = [0, Infinity, -Infinity]
  for (const value of features) {
    sum += value
    if (value < min) min = value
    if (value > max) max = value
  }
  const mean = sum / features.length
  let squares = 0
  for (const value of features) squares += (value - mean) ** 2
  return {
    name,
    count,
    inputShape,
    classes,
    perClass: countLabels(labels, classes.length),
    mean,
    std: Math.sqrt(squares / features.length),
    min,
    max,
    ...(scaling === undefined ? {} : { scaling }),
    ...(domains === undefined ? {} : { domains: countDomains(domains) }),
  }
}

function countDomains({
  names,
  of,
}: NonNullable<Dataset['domains']>): Required<DatasetFacts>['domains'] {
  const counts = new Array<number>(names.length).fill(0)
  for (const domain of of) counts[domain]!++
  return { names, counts }
}
