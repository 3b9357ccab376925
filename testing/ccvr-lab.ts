/** Clients of made-up features, and rounds of statistics without a coordinator: for tests of CCVR. */
import fc from 'fast-check'
import type { Bundle } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import { createStreams } from '#protocol/random.js'
import type { Stream } from '#protocol/random.js'
import { unwrap } from '#protocol/result.js'
import type { ClientData, Dataset, Examples } from '#data/dataset.js'
import { everyIndex } from '#data/dataset.js'
import { createFold } from '#algorithms/aggregators/fold.js'
import type { MemberUpdate } from '#algorithms/aggregators/aggregator.js'
import type { CalibrationInput } from '#algorithms/calibration/calibration.js'
import { ccvrClient } from '#algorithms/calibration/ccvr/client.js'
import { heldClasses } from '#algorithms/calibration/ccvr/features.js'
import { ccvrHyper } from '#algorithms/calibration/ccvr/hyper.js'
import { mergeStatistics } from '#algorithms/calibration/ccvr/merge.js'
import type {
  ClassMoments,
  ClassStatistics,
  ScatterShape,
} from '#algorithms/calibration/ccvr/moments.js'
import { statisticsPlan } from '#algorithms/calibration/ccvr/plan.js'
import { forClassMoments } from '#algorithms/calibration/ccvr/statistics.js'
import type { RowTransform } from '#algorithms/calibration/ccvr/transform.js'
import type { CcvrSetup } from '#algorithms/calibration/ccvr/uplink.js'
import { modelOf } from '#algorithms/from-config.js'
import type { Folded, PerformResult, RoundPlan } from '#algorithms/methods/method.js'
import { packUpdate, receiveUpdate } from '#algorithms/methods/update.js'
import { paramsBundle } from '#algorithms/models/params.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import type { Rows, Vector } from './naive-moments.js'
import { travelled } from './run-rounds-in-memory.js'
import { tinyConfig, type ConfigChange } from './tiny-federation.js'

/** What one client holds: feature vectors and their labels. */
export interface Labelled {
  readonly rows: Rows
  readonly labels: readonly number[]
}

export const classNames = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `c${i}`)

export function datasetOf({ rows, labels }: Labelled, width: number, classes: number): Dataset {
  return {
    name: 'rows',
    inputShape: [width],
    classes: classNames(classes),
    count: rows.length,
    features: Float32Array.from(rows.flat()),
    labels: Int32Array.from(labels),
  }
}
export const examplesOf = (held: Labelled, width: number, classes: number): Examples => ({
  source: datasetOf(held, width, classes),
  indices: everyIndex(held.rows.length),
})

export interface Counting {
  readonly width: number
  readonly classes: number
  readonly shape?: ScatterShape
  readonly minCount?: number
  readonly transform?: RowTransform
}

/** The client's own statistics, with its rows as features. */
export async function statisticsOf(held: Labelled, counting: Counting): Promise<ClassStatistics> {
  const { width, classes, shape = 'full', minCount = 1, transform = () => undefined } = counting
  const byClass = new Map<number, ClassMoments>()
  const examples = heldClasses(examplesOf(held, width, classes), minCount)
  const source = { predict: (x: Tensor) => x, width, transform, shape }
  await forClassMoments(source, examples, ({ label, moments }) => {
    const { n, mean, scatter } = moments
    byClass.set(label, { n, mean: mean.slice(), scatter: scatter.slice() })
  })
  return { d: width, classes, shape, byClass }
}

/** The statistics of clients, each counted by itself, as one. */
export async function mergedOf(
  clients: readonly Labelled[],
  counting: Counting,
): Promise<ClassStatistics> {
  const { width: d, classes, shape = 'full' } = counting
  const all = await Promise.all(clients.map((client) => statisticsOf(client, counting)))
  return all.reduce(mergeStatistics, { d, classes, shape, byClass: new Map() })
}

export const union = (clients: readonly Labelled[]): Labelled => ({
  rows: clients.flatMap(({ rows }) => rows),
  labels: clients.flatMap(({ labels }) => labels),
})
export const rowsOf = ({ rows, labels }: Labelled, label: number): Rows =>
  rows.filter((_, i) => labels[i] === label)

export const streamOf = (seed: number, index = 0): Stream => createStreams(seed)('test', index, 0)

/** Correlated vectors as a client's float32 tensors hold them. */
export function gaussianRows(stream: Stream, count: number, width: number): Rows {
  return Array.from({ length: count }, () => {
    const row = Array.from({ length: width }, () => stream.normal())
    return row.map((value, i) => Math.fround(i - 1 + value + 0.7 * (row[i - 1] ?? 0)))
  })
}

/** Clients whose counts of each class are as uneven as a Dirichlet draw of 0.1, among them 0, 1 and 2. */
export function unevenClients(
  seed: number,
  {
    clients,
    width,
    classes,
  }: { readonly clients: number; readonly width: number; readonly classes: number },
): readonly Labelled[] {
  const stream = streamOf(seed)
  const held = Array.from({ length: clients }, () => ({
    rows: [] as Vector[],
    labels: [] as number[],
  }))
  for (let label = 0; label < classes; label++) {
    const shares = held.map(() => stream.uniform() ** 5)
    const total = shares.reduce((sum, share) => sum + share, 0)
    for (const [k, client] of held.entries()) {
      const usual = Math.round((40 * shares[k]!) / total)
      const count = stream.uniform() < 0.3 ? stream.integer(3) : usual
      client.rows.push(...gaussianRows(stream, count, width))
      client.labels.push(...Array.from({ length: count }, () => label))
    }
  }
  return held
}

export interface LabOptions {
  readonly width?: number
  readonly inputs?: number
  readonly classes?: number
  readonly change?: ConfigChange
}

/** A small mlp whose head gets `width` features, with these options of CCVR. */
export function labSetup(hyper: JsonObject = {}, options: LabOptions = {}): CcvrSetup {
  const { width = 5, inputs = 3, classes = 4, change = (config) => config } = options
  const config = tinyConfig((base) =>
    change({
      ...base,
      task: { inputShape: [inputs], classes: classNames(classes) },
      model: { name: 'mlp', hidden: [width] },
      calibration: { name: 'ccvr', when: 'final', ...hyper },
    }),
  )
  const model = modelOf(config)
  return { config, model, hyper: ccvrHyper.parse(hyper), streams: createStreams(config.seed) }
}

/** Params that training could have left. */
export const releasedOf = ({ model }: CcvrSetup): Bundle =>
  paramsBundle(model, model.init(createStreams(5)('test', 1, 0)))

export const clientOf = (held: Labelled, { config }: CcvrSetup): ClientData => {
  const [width = 1] = config.task.inputShape
  const { classes } = config.task
  const train = examplesOf(held, width, classes.length)
  return {
    train,
    test: { source: train.source, indices: new Int32Array(0) },
    card: { inputShape: [width], classes: [...classes] },
  }
}

export interface StatisticsRound {
  readonly plan: RoundPlan
  readonly folded: Folded
  /** What each client answered, before and after it travelled. */
  readonly results: readonly PerformResult[]
  readonly updates: readonly Bundle[]
}

/** One round of statistics of these clients, every hop encoded and checked. `answering`: their slots; default all. */
export async function statisticsRound(
  setup: CcvrSetup,
  clients: readonly ClientData[],
  { progress = null, answering }: { progress?: Bundle | null; answering?: readonly number[] } = {},
): Promise<StatisticsRound> {
  const input: CalibrationInput = { released: releasedOf(setup), progress, trainingRounds: 3 }
  const plan = statisticsPlan(setup, input)
  const slots = answering ?? clients.map((_, slot) => slot)
  const results: PerformResult[] = []
  const updates: Bundle[] = []
  for (const slot of slots) {
    const result = await ccvrClient(setup).perform({
      ...{ round: 4, slot, task: plan.task, shared: travelled(plan.shared), assets: {} },
      ...{ personal: null, data: clients[slot]!, memory: null, uplink: plan.uplink },
    })
    results.push(result)
    updates.push(travelled(packUpdate(result.update, plan.uplink)))
  }
  const members = slots.map((slot, i) => ({
    slot,
    weight: results[i]!.weight,
    update: updates[i]!,
  }))
  return { plan, folded: foldedOf(setup, plan, members), results, updates }
}

/** What the coordinator folds of updates that it has checked. */
export function foldedOf(
  { config }: CcvrSetup,
  plan: RoundPlan,
  members: readonly MemberUpdate[],
): Folded {
  const fold = createFold(plan.uplink)
  const { maxExamples } = config.aggregation
  for (const member of members) {
    const received = receiveUpdate(member.update, member.weight, {
      uplink: plan.uplink,
      maxExamples,
    })
    fold.add({ ...member, update: unwrap(received) })
  }
  return fold.finish({ population: members.length })
}

/** What a property test of combining is about. */
export const FEDERATION = { width: 4, classes: 3 } as const

/** Runs a check for many federations of one to twenty uneven clients. */
export const forFederations = (
  check: (clients: readonly Labelled[], seed: number) => Promise<void>,
): Promise<void> =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 1e6 }),
      (clients, seed) => check(unevenClients(seed, { clients, ...FEDERATION }), seed),
    ),
    { numRuns: 25 },
  )

/** Merged statistics as the coordinator holds them, of classes that two clients hold. */
export const gatheredFrom = (statistics: ClassStatistics) => ({
  statistics,
  clientsByClass: new Map([...statistics.byClass.keys()].map((label) => [label, 2])),
  betweenByClass: new Map<number, number>(),
})

/** What covariances hang on, without anything that changes the unbiased one. */
export const PLAIN = { covMode: 'full', shrinkKappa: 0, meansOnlyFloor: 0.1 } as const
