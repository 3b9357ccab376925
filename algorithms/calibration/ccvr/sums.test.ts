/** Invariants 18 and 19 of the ccvr specification (§10, §15): sums over clients instead of the moments of each. */
import { beforeAll, describe, expect, it } from 'vitest'
import { makeBundle, tensorOf } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import { summedGroup } from '#algorithms/methods/update.js'
import {
  clientOf,
  examplesOf,
  gaussianRows,
  labSetup,
  statisticsRound,
  streamOf,
  unevenClients,
} from '#testing/ccvr-lab.js'
import type { Labelled, StatisticsRound } from '#testing/ccvr-lab.js'
import { apart, covarianceOf, distance } from '#testing/naive-moments.js'
import { heldClasses } from './features.js'
import { readStatistics } from './gathered.js'
import type { ClassStatistics } from './moments.js'
import { isLastRound, statisticsProgress, statisticsReasons } from './plan.js'
import { meansBundle, sumsTensors, withMeans } from './sums.js'
import { SUMS, sumsGrid, type CcvrSetup } from './uplink.js'

const INPUTS = 3
const CLASSES = 4
const SUMMED = { statistics: 'sums-one-round', clipNorm: 20 }

/** Six uneven clients, one without examples and one with a single one; class 3 is the latter's alone. */
const people: readonly Labelled[] = [
  ...unevenClients(11, { clients: 6, width: INPUTS, classes: CLASSES - 1 }),
  { rows: [], labels: [] },
  { rows: [[1, 2, 3]], labels: [3] },
]

/** All rounds that the options need, with what the last one told. */
async function told(
  { shift = 0, ...hyper }: JsonObject,
  { second }: { readonly second?: readonly number[] } = {},
) {
  const setup = labSetup(hyper)
  const clients = people.map(({ rows, labels }) => {
    const shifted = rows.map((row) => row.map((value) => value + Number(shift)))
    return clientOf({ rows: shifted, labels }, setup)
  })
  const first = await statisticsRound(setup, clients)
  if (isLastRound(setup, { progress: null })) return read(setup, first)
  const progress = statisticsProgress(setup, first.folded)
  expect(isLastRound(setup, { progress })).toBe(true)
  const answering = second === undefined ? {} : { answering: second }
  return read(setup, await statisticsRound(setup, clients, { progress, ...answering }))
}
const read = async (setup: CcvrSetup, round: StatisticsRound) => ({
  setup,
  round,
  gathered: await readStatistics(setup, round.folded, round.plan),
})

function apartInCovariance(a: ClassStatistics, b: ClassStatistics): number {
  expect([...a.byClass.keys()]).toEqual([...b.byClass.keys()])
  const gaps = [...a.byClass].flatMap(([label, moments]) => {
    const other = b.byClass.get(label)!
    expect(moments.n).toBe(other.n)
    const means = distance([...moments.mean], [...other.mean])
    return moments.n < 2 ? [means] : [means, distance(covarianceOf(moments), covarianceOf(other))]
  })
  return Math.max(...gaps)
}

beforeAll(async () => void (await useBackend('cpu')))

describe('sums over all clients', () => {
  it('I18: are the plain sums up to K · 2^-(bits + 1) of their unit', async () => {
    const { setup, round } = await told(SUMMED)
    const { bits } = sumsGrid(setup.config)
    const group = summedGroup(round.folded, SUMS)
    const bound = people.length * 2 ** -(bits + 1)
    for (const name of ['counts', 'sums', 'products']) {
      const sent = round.updates.map((update) => tensorOf(update, `${SUMS}/${name}`).data)
      const plain = Float64Array.from(sent[0]!, (_, i) =>
        sent.reduce((sum, data) => sum + data[i]!, 0),
      )
      const errors = plain.map((value, i) => Math.abs(value - group.tensors[name]![i]!))
      expect(plain.some((value) => value !== 0)).toBe(true)
      expect(Math.max(...errors)).toBeLessThanOrEqual(bound)
      // Something is rounded, so the bound says something.
      if (name !== 'counts') expect(Math.max(...errors)).toBeGreaterThan(bound / 100)
    }
  })

  it('I18: in one round and in two give the covariances that merging the moments of each gives', async () => {
    const each = await told({ clipNorm: 20 })
    for (const statistics of ['sums-one-round', 'sums-two-rounds']) {
      for (const covMode of ['full', 'diag', 'none']) {
        const reference = covMode === 'full' ? each : await told({ clipNorm: 20, covMode })
        const { gathered } = await told({ statistics, clipNorm: 20, covMode })
        expect(gathered.statistics.shape).toBe(covMode)
        if (covMode !== 'full') {
          expect(apart(gathered.statistics, reference.gathered.statistics)).toBeLessThan(1e-6)
          continue
        }
        const gap = apartInCovariance(gathered.statistics, reference.gathered.statistics)
        expect(gap).toBeLessThan(1e-6)
      }
    }
  })

  it('tell all classes alike, and of how many clients each is made nobody learns', async () => {
    const { round, gathered } = await told(SUMMED)
    const shapes = round.updates.map(({ tensors }) => tensors)
    for (const shape of shapes) expect(shape).toEqual(shapes[0])
    expect(gathered.clientsByClass.size + gathered.betweenByClass.size).toBe(0)
    expect(gathered.answered).toEqual(people.map((_, slot) => slot))
  })

  it('of the second round keep within its range, however far an example lies from the mean', async () => {
    const setup = labSetup({ statistics: 'sums-two-rounds', clipNorm: 2 }, { width: 2, classes: 1 })
    const mean = new Map([
      [0, { n: 9, mean: Float64Array.of(-2, 0), scatter: new Float64Array(3) }],
    ])
    const shared = withMeans(makeBundle([]), meansBundle(setup, mean))
    const rows = [
      [2, 0],
      [2, 0],
      [2, 0],
    ]
    const held = heldClasses(examplesOf({ rows, labels: [0, 0, 0] }, 2, 1), 1)
    const source = { predict: (x: Tensor) => x, width: 2, transform: () => undefined }
    const tensors = await sumsTensors(setup, { source, held, step: 'sums', shared })
    expect(tensors.map(({ name, data }) => [name, ...data])).toEqual([
      ['counts', 3],
      ['sums', 3, 0],
      ['products', 3, 0, 0],
    ])
  })

  it('of the second round are complete by themselves, whoever is gone since the first', async () => {
    const second = [0, 2, 5, 6]
    const { gathered } = await told({ ...SUMMED, statistics: 'sums-two-rounds' }, { second })
    const setup = labSetup({ clipNorm: 20 })
    const clients = people.map((client) => clientOf(client, setup))
    const round = await statisticsRound(setup, clients, { answering: second })
    const { statistics } = await readStatistics(setup, round.folded, round.plan)
    expect(gathered.answered).toEqual(second)
    expect(apartInCovariance(gathered.statistics, statistics)).toBeLessThan(1e-6)
  })

  it('in two rounds keep what float32 loses in one where features lie far from zero', async () => {
    const far = { precision: 'float32', clipNorm: 400, shift: 100 }
    const each = await told({ ...far, precision: 'float64' })
    const gap = async (statistics: string) =>
      apartInCovariance(
        (await told({ ...far, statistics })).gathered.statistics,
        each.gathered.statistics,
      )
    const [one, two] = [await gap('sums-one-round'), await gap('sums-two-rounds')]
    expect(two).toBeLessThan(one / 10)
  })

  it('are refused without a bound, where they tell too little, and where the grid is too coarse', () => {
    const reasons = (hyper: JsonObject, maxExamples = 1000) =>
      statisticsReasons(
        labSetup(hyper, {
          change: (config) => ({
            ...config,
            aggregation: { ...config.aggregation, maxExamples },
            data: null,
          }),
        }),
      ).join()
    expect(reasons({})).toBe('')
    expect(reasons(SUMMED)).toBe('')
    expect(reasons({ statistics: 'sums-two-rounds' })).toMatch(/set calibration.clipNorm/)
    expect(reasons({ ...SUMMED, covMode: 'low-rank' })).toMatch(/covMode low-rank/)
    expect(reasons({ ...SUMMED, covMode: 'means-only' })).toMatch(/covMode means-only/)
    expect(reasons(SUMMED, 2 ** 31)).toMatch(/8 bits after the point.*maxExamples/)
  })
})

const MODULUS = 2n ** 64n
const wrapped = (value: bigint): bigint => ((value % MODULUS) + MODULUS) % MODULUS
const signed = (value: bigint): bigint => (value >= MODULUS / 2n ? value - MODULUS : value)

/** Mask of client i: + PRG(i, j) for j > i, − PRG(j, i) for j < i, element by element mod 2^64. */
function maskOf(
  client: number,
  clients: number,
  { length, seed }: { length: number; seed: number },
): bigint[] {
  const mask = Array.from({ length }, () => 0n)
  for (let other = 0; other < clients; other++) {
    if (other === client) continue
    const [low, high] = [Math.min(client, other), Math.max(client, other)]
    const stream = streamOf(seed, low * clients + high)
    for (let i = 0; i < length; i++) {
      const word = (BigInt(stream.uint32()) << 32n) | BigInt(stream.uint32())
      mask[i] = wrapped(mask[i]! + (client === low ? word : -word))
    }
  }
  return mask
}

/** What the platform's grid makes of an update: integers. */
const integersOf = (setup: CcvrSetup, update: StatisticsRound['updates'][number]): bigint[] =>
  ['counts', 'sums', 'products'].flatMap((name) =>
    Array.from(tensorOf(update, `${SUMS}/${name}`).data, (value) =>
      BigInt(Math.round(value * 2 ** sumsGrid(setup.config).bits)),
    ),
  )

describe('masked uploads', () => {
  it('I19: masks add up to 0, and leave the sum as the platform folds it', async () => {
    const { setup, round } = await told(SUMMED)
    const sent = round.updates.map((update) => integersOf(setup, update))
    const length = sent[0]!.length
    const masks = sent.map((_, client) => maskOf(client, sent.length, { length, seed: 1 }))
    const zeros = Array.from({ length }, (_, i) =>
      wrapped(masks.reduce((sum, mask) => sum + mask[i]!, 0n)),
    )
    expect(zeros.every((value) => value === 0n)).toBe(true)

    const uploads = sent.map((values, client) =>
      values.map((value, i) => wrapped(value + masks[client]![i]!)),
    )
    const scale = 2 ** sumsGrid(setup.config).bits
    const summed = Array.from(
      { length },
      (_, i) =>
        Number(signed(wrapped(uploads.reduce((sum, upload) => sum + upload[i]!, 0n)))) / scale,
    )
    const { tensors } = summedGroup(round.folded, SUMS)
    const folded = ['counts', 'sums', 'products'].flatMap((name) => [...tensors[name]!])
    // + 0: the fold may say −0.
    expect(summed.map((value) => value + 0)).toEqual(folded.map((value) => value + 0))
  })

  it('I19: one of them says nothing of the data', async () => {
    const { setup, round } = await told(SUMMED)
    const others = labSetup(SUMMED)
    const data = {
      rows: gaussianRows(streamOf(9), 40, INPUTS),
      labels: Array.from({ length: 40 }, (_, i) => i % 2),
    }
    const other = await statisticsRound(others, [clientOf(data, others)])
    const [mine, theirs] = [
      integersOf(setup, round.updates[0]!),
      integersOf(setup, other.updates[0]!),
    ]
    expect(mine).not.toEqual(theirs)
    const length = mine.length
    // Where the upload of the same client lies in [0, 1), over many fresh masks.
    const uploads = (values: readonly bigint[], from: number): number[] =>
      Array.from({ length: 600 }, (_, fresh) =>
        maskOf(0, 3, { length, seed: from + fresh }),
      ).flatMap((mask) =>
        values.map((value, i) => Number(wrapped(value + mask[i]!)) / Number(MODULUS)),
      )
    const [a, b] = [uploads(mine, 100), uploads(theirs, 10_000)]
    const mean = (values: readonly number[]) =>
      values.reduce((sum, value) => sum + value, 0) / values.length
    const deviation = 1 / Math.sqrt(12 * a.length)
    for (const values of [a, b]) expect(Math.abs(mean(values) - 0.5)).toBeLessThan(4 * deviation)
    const size = Math.max(...mine.map((value) => Math.abs(Number(value))))
    const along = a.map((value, i) => (value - 0.5) * (Number(mine[i % length]) / size))
    expect(Math.abs(mean(along))).toBeLessThan(4 * deviation)
    // Without a mask the same measure sees the data.
    const bare = mine.map(
      (value) => (Number(wrapped(value)) / Number(MODULUS) - 0.5) * (Number(value) / size),
    )
    expect(Math.abs(mean(bare))).toBeGreaterThan(4 * deviation)
  })
})
