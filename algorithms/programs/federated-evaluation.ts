/**
 * Federated evaluation: clients score a model on their own held-out examples; only counts leave them. It rides with a
 * training task (of the model as received, before training), or is a round of its own.
 *
 * Rule:  accuracy = Σ correct_k / Σ count_k,   loss = Σ lossSum_k / Σ count_k; over clients as in `overClients`
 * Symbols: group `evaluation` holds the sums, group `score` each client's own counts and two facts about it
 * Costs: 16 bytes per class and 40 bytes up per client; one pass over the client's held-out examples.
 */
import type { NamedTensor } from '#protocol/bundle.js'
import type { Metrics } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import type { Examples } from '#data/dataset.js'
import { coarseGridFor, largestCohort, LARGEST_ROSTER } from '#algorithms/aggregators/grid.js'
import { evaluate, metricsOf } from '#algorithms/evaluation/evaluate.js'
import type { EvaluationCounts } from '#algorithms/evaluation/evaluate.js'
import { overClients } from '#algorithms/evaluation/over-clients.js'
import type { ClientHalf, Folded, Method, PerformInput } from '#algorithms/methods/method.js'
import { gatheredGroup, scalarOf, summedGroup } from '#algorithms/methods/update.js'

export const EVALUATION = 'evaluation'
export const SCORE = 'score'

/** A mean loss beyond this says no more than that the model is lost; it keeps sums on their grid. */
const LARGEST_LOSS = 64

/** The sum group: counts by class, and the loss. */
export function evaluationGroup(config: RunConfig): UplinkGroup {
  const classes = config.task.classes.length
  const maxMembers = Math.max(largestCohort(config), config.data?.clients ?? LARGEST_ROSTER)
  return {
    name: EVALUATION,
    tensors: [
      { name: 'classCount', shape: [classes], dtype: 'float64' },
      { name: 'classCorrect', shape: [classes], dtype: 'float64' },
      { name: 'lossSum', shape: [1], dtype: 'float64' },
    ],
    reduce: 'sum',
    weight: 'none',
    grid: coarseGridFor({
      maxMembers,
      maxExamples: 1,
      maxAbs: config.aggregation.maxExamples * LARGEST_LOSS,
    }),
    privacyClass: 'metrics',
    maxBytes: (2 * classes + 1) * Float64Array.BYTES_PER_ELEMENT,
  }
}

/** The gather group: one client's own counts; whether it predicts with a model of its own, and whether it trains on one class. */
export const scoreGroup: UplinkGroup = {
  name: SCORE,
  tensors: [
    { name: 'counts', shape: [2], dtype: 'float64' },
    { name: 'facts', shape: [2], dtype: 'float64' },
  ],
  reduce: 'gather',
  weight: 'none',
  grid: null,
  privacyClass: 'metrics',
  maxBytes: 4 * Float64Array.BYTES_PER_ELEMENT,
}

const NOTHING: Omit<EvaluationCounts, 'perClassCount' | 'perClassCorrect'> = {
  count: 0,
  correct: 0,
  lossSum: 0,
}

/** What this client's model scores on its held-out examples; zeros when it has none, or cannot predict yet. */
export async function scoreOf(
  half: ClientHalf,
  input: PerformInput,
  config: RunConfig,
): Promise<EvaluationCounts> {
  const { classes } = config.task
  const empty = () => new Float64Array(classes.length)
  const predictor = half.predictor(input)
  if (predictor === null) return { ...NOTHING, perClassCount: empty(), perClassCorrect: empty() }
  try {
    const { source, indices } = input.data.test
    const examples = { source, indices: indices.subarray(0, config.aggregation.maxExamples) }
    return await evaluate(predictor.predict, examples, classes)
  } finally {
    predictor.dispose()
  }
}

const vector = (name: string, data: Float64Array): NamedTensor => ({
  name,
  shape: [data.length],
  dtype: 'float64',
  data,
})

export const evaluationTensors = (counts: EvaluationCounts): readonly NamedTensor[] => [
  vector('classCount', counts.perClassCount),
  vector('classCorrect', counts.perClassCorrect),
  vector('lossSum', Float64Array.of(Math.min(counts.lossSum, counts.count * LARGEST_LOSS))),
]

/** What the mean over clients must be read with. */
export interface ClientFacts {
  /** It predicts with a model that it keeps, not with the one that all receive. */
  readonly hasOwnModel: boolean
  /** Its training examples are all of one class: whatever it learns, it is right on held-out examples of that class. */
  readonly isSingleClass: boolean
}

export const clientFacts = (
  { memory, data: { train } }: Pick<PerformInput, 'memory' | 'data'>,
  { personal }: Pick<Method, 'personal'>,
): ClientFacts => ({
  hasOwnModel: personal === true && memory !== null,
  isSingleClass: isOfOneClass(train),
})
const isOfOneClass = ({ source, indices }: Examples): boolean =>
  indices.length > 0 &&
  indices.every((row) => source.labels[row] === source.labels[indices[0] ?? 0])

export const scoreTensors = (
  { count, correct }: EvaluationCounts,
  { hasOwnModel, isSingleClass }: ClientFacts,
): readonly NamedTensor[] => [
  vector('counts', Float64Array.of(count, correct)),
  vector('facts', Float64Array.of(Number(hasOwnModel), Number(isSingleClass))),
]

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0)
const prefixed = (prefix: string, metrics: Metrics): Metrics =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${prefix}/${name}`, value]))

/** `federated/accuracy`, `federated/loss`, `federated/recall/<class>`. Empty when nobody had held-out examples. */
export function evaluationMetrics(folded: Folded, config: RunConfig): Metrics {
  const group = summedGroup(folded, EVALUATION)
  const perClassCount = group.tensors['classCount'] ?? new Float64Array(0)
  const perClassCorrect = group.tensors['classCorrect'] ?? new Float64Array(0)
  const counts = {
    count: total(perClassCount),
    correct: total(perClassCorrect),
    lossSum: scalarOf(group, 'lossSum'),
    perClassCount,
    perClassCorrect,
  }
  return prefixed('federated', metricsOf(counts, config.task))
}

interface ClientScore extends ClientFacts {
  readonly accuracy: number
}

/**
 * In slot order. Clients without held-out examples have no score, and more right answers than examples are none. Rounds that
 * an earlier version opened gather no scores.
 */
async function scoresIn(folded: Folded): Promise<readonly ClientScore[]> {
  const scores: ClientScore[] = []
  if (folded.groups[SCORE] === undefined) return scores
  for await (const { tensors } of gatheredGroup(folded, SCORE).payloads()) {
    const [count = 0, correct = 0] = tensors['counts']?.data ?? []
    const [own, single] = tensors['facts']?.data ?? []
    if (count <= 0 || correct < 0 || correct > count) continue
    const facts = { hasOwnModel: own === 1, isSingleClass: single === 1 }
    scores.push({ accuracy: correct / count, ...facts })
  }
  return scores
}

/**
 * How well and how evenly clients are served, below `clients/`: `count`, `accuracy`, `variance`, `deviation`, `worst`,
 * `worst10` and `jain` as in `overClients`; `singleClass`, how many train on one class, and `severalClasses/accuracy` without
 * them. Of personal methods also `trained`, how many have a model of their own, and `trained/accuracy` over those. Empty when
 * nobody had held-out examples.
 */
export async function clientMetrics(
  folded: Folded,
  { personal }: Pick<Method, 'personal'>,
): Promise<Metrics> {
  const scores = await scoresIn(folded)
  const all = overClients(accuraciesOf(scores))
  if (all === null) return {}
  const trained = scores.filter(({ hasOwnModel }) => hasOwnModel)
  const several = scores.filter(({ isSingleClass }) => !isSingleClass)
  return prefixed('clients', {
    ...all,
    singleClass: scores.length - several.length,
    ...meanOver('severalClasses', several),
    ...(personal === true ? { trained: trained.length, ...meanOver('trained', trained) } : {}),
  })
}

const accuraciesOf = (scores: readonly ClientScore[]): readonly number[] =>
  scores.map(({ accuracy }) => accuracy)
function meanOver(name: string, scores: readonly ClientScore[]): Metrics {
  const over = overClients(accuraciesOf(scores))
  return over === null ? {} : { [`${name}/accuracy`]: over.accuracy }
}

/** Lowest and highest accuracy of a single client at the end. Empty when nobody had held-out examples. */
export async function spreadMetrics(folded: Folded): Promise<Metrics> {
  const accuracies = accuraciesOf(await scoresIn(folded))
  if (accuracies.length === 0) return {}
  return prefixed('federated', {
    lowestAccuracy: Math.min(...accuracies),
    highestAccuracy: Math.max(...accuracies),
  })
}
