/** What a client tells of the features of a model, through the wire and out of it again (ccvr specification §3, §6, §7). */
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, tensorOf } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { paramsOf, toTensors } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import {
  clientOf,
  labSetup,
  releasedOf,
  rowsOf,
  statisticsOf,
  statisticsRound,
  unevenClients,
  union,
} from '#testing/ccvr-lab.js'
import type { Labelled } from '#testing/ccvr-lab.js'
import {
  covarianceOf,
  distance,
  matrixOf,
  naiveCovariance,
  naiveMoments,
  trace,
} from '#testing/naive-moments.js'
import type { Rows } from '#testing/naive-moments.js'
import { globalClasses } from './covariance.js'
import { readStatistics } from './gathered.js'
import { ccvrHyper } from './hyper.js'
import { rowTransform } from './transform.js'
import { momentsBytes, momentsGroup, sumsGroup, type CcvrSetup } from './uplink.js'

const INPUTS = 3
const WIDTH = 5
const people: readonly Labelled[] = [
  ...unevenClients(21, { clients: 5, width: INPUTS, classes: 3 }),
  { rows: [], labels: [] },
  { rows: [[1, -2, 3]], labels: [3] },
]

/** The features of rows, one after another, as plain numbers. */
function featuresOf({ model, ...setup }: CcvrSetup, { rows, labels }: Labelled): Labelled {
  const { layout, ...extractor } = extractorOf(model)
  const params = toTensors(layout, paramsOf(layout, releasedOf({ model, ...setup })))
  const features = rows.map((row) =>
    tf.tidy(() => [...extractor.features(params, tf.tensor2d([[...row]])).dataSync()]),
  )
  tf.dispose(params)
  return { rows: features, labels }
}

async function told(hyper: JsonObject = {}, clients: readonly Labelled[] = people) {
  const setup = labSetup(hyper)
  const round = await statisticsRound(
    setup,
    clients.map((client) => clientOf(client, setup)),
  )
  const gathered = await readStatistics(setup, round.folded, round.plan)
  return { setup, round, gathered, classes: globalClasses(gathered, setup.hyper) }
}

beforeAll(async () => void (await useBackend('cpu')))

describe('a round of statistics', () => {
  it('I1: gives mean and covariance of the features of all examples, whose they are does not show', async () => {
    const { setup, gathered, classes } = await told({ shrinkKappa: 0 })
    const features = featuresOf(setup, union(people))
    for (const { label, n, mean, covariance } of classes) {
      const rows = rowsOf(features, label)
      expect(n).toBe(rows.length)
      expect(distance([...mean], naiveMoments(rows, WIDTH).mean)).toBeLessThan(1e-5)
      if (n < 2) continue
      expect(distance(matrixOf(covariance!, WIDTH), naiveCovariance(rows, WIDTH))).toBeLessThan(
        1e-5,
      )
    }
    expect([...gathered.clientsByClass.keys()]).toEqual([0, 1, 2, 3])
    for (const [label, clients] of gathered.clientsByClass)
      expect(clients).toBe(people.filter(({ labels }) => labels.includes(label)).length)
    expect(gathered.answered).toEqual(people.map((_, slot) => slot))
  })

  it('asks everyone, waits until the deadline, and sends the released model as it is', async () => {
    const { setup, round } = await told()
    expect(round.plan).toMatchObject({
      purpose: 'statistics',
      audience: 'everyone',
      patience: 'deadline',
    })
    expect(bundleHash(round.plan.shared)).toBe(bundleHash(releasedOf(setup)))
    expect(round.plan.uplink.map(({ privacyClass }) => privacyClass)).toEqual(['statistics'])
  })

  it('tells which share of the scatter lies between clients', async () => {
    const { setup, gathered } = await told()
    const features = people.map((client) => featuresOf(setup, client))
    for (const [label, share] of gathered.betweenByClass) {
      const parts = features
        .map((client) => rowsOf(client, label))
        .filter(({ length }) => length > 0)
      const within = parts.reduce((sum, rows) => sum + trace(naiveMoments(rows, WIDTH).scatter), 0)
      const all = trace(naiveMoments(parts.flat(), WIDTH).scatter)
      expect(share).toBeCloseTo(1 - within / all, 4)
    }
    expect([...gathered.betweenByClass.keys()]).toEqual([0, 1, 2])
  })

  it('I8: nothing is NaN where a class has one example, or a client none', async () => {
    const few = people.slice(-2)
    for (const covMode of ['full', 'diag', 'none', 'low-rank', 'means-only']) {
      for (const clients of [few, few.slice(0, 1)]) {
        const { round, classes, gathered } = await told({ covMode }, clients)
        const numbers = [
          ...round.updates.flatMap(({ tensors }, i) =>
            tensors.flatMap(({ name }) => [...tensorOf(round.updates[i]!, name).data]),
          ),
          ...classes.flatMap(({ mean, covariance }) => [...mean, ...(covariance ?? [])]),
          ...gathered.betweenByClass.values(),
        ]
        expect(numbers.every(Number.isFinite)).toBe(true)
        expect(classes.filter(({ status }) => status === 'missing')).toHaveLength(
          clients.length === 2 ? 3 : 4,
        )
      }
    }
  })

  it('keeps the memory of the client, says how much it told of, and leaves no tensor behind', async () => {
    const setup = labSetup()
    const before = tf.memory().numTensors
    const { results } = await statisticsRound(
      setup,
      people.map((client) => clientOf(client, setup)),
    )
    expect(tf.memory().numTensors).toBe(before)
    expect(results.map(({ pending }) => pending)).toEqual(people.map(() => null))
    expect(results.map(({ weight }) => weight)).toEqual(
      people.map(({ rows }) => Math.max(1, rows.length)),
    )
    const [first] = results
    expect(first!.metrics).toEqual({
      examples: people[0]!.rows.length,
      classes: new Set(people[0]!.labels).size,
      droppedClasses: 0,
      droppedExamples: 0,
    })
  })

  it('leaves out classes with fewer examples than minCount, and says so', async () => {
    const clients = [
      {
        rows: [
          [1, 2, 3],
          [0, 1, 0],
          [2, 2, 2],
          [1, 1, 0],
        ],
        labels: [2, 0, 2, 1],
      },
    ]
    const { round, gathered } = await told({ minCount: 2 }, clients)
    expect([...gathered.statistics.byClass.keys()]).toEqual([2])
    expect(round.results[0]!.metrics).toEqual({
      examples: 2,
      classes: 1,
      droppedClasses: 2,
      droppedExamples: 2,
    })
  })
})

describe('what the statistics are of', () => {
  const rows: Rows = [
    [3, 4],
    [0, 1],
    [-6, 8],
  ]
  const positive: Rows = [
    [1, 4],
    [9, 0],
    [4, 16],
  ]
  const held = (of: Rows): Labelled => ({ rows: of, labels: of.map(() => 0) })
  const meanOf = async (of: Rows, options: JsonObject): Promise<number[]> => {
    const transform = rowTransform(ccvrHyper.parse(options))
    const { byClass } = await statisticsOf(held(of), { width: 2, classes: 1, transform })
    return [...byClass.get(0)!.mean]
  }

  it('clipped to a length: longer vectors are shortened, others stay', async () => {
    // (3, 4) → (1.5, 2), (0, 1) stays, (−6, 8) → (−1.5, 2).
    expect(distance(await meanOf(rows, { clipNorm: 2.5 }), [0, 5 / 3])).toBeLessThan(1e-9)
    expect(await meanOf(rows, { clipNorm: 10.5 })).toEqual(await meanOf(rows, {}))
  })

  it('powers of features, or logarithms, before they are clipped', async () => {
    for (const transform of ['tukey-inverse', 'tukey-input']) {
      expect(distance(await meanOf(positive, { transform }), [2, 2])).toBeLessThan(1e-12)
    }
    const logs = await meanOf(
      [
        [1, Math.E ** 2],
        [Math.E, 1],
      ],
      { transform: 'tukey-input', tukeyPower: 0 },
    )
    expect(distance(logs, [0.5, 1])).toBeLessThan(1e-7)
    // √(9, 16) = (3, 4) is clipped to length 1; clipping first would give (√0.6, √0.8).
    const both = await meanOf([[9, 16]], { transform: 'tukey-inverse', clipNorm: 1 })
    expect(distance(both, [0.6, 0.8])).toBeLessThan(1e-9)
  })

  it('refused where the power is not defined, or features are not finite', async () => {
    const inverse = { transform: 'tukey-inverse' }
    await expect(meanOf(rows, inverse)).rejects.toMatchObject({ code: 'config/impossible' })
    await expect(meanOf(rows, inverse)).rejects.toThrow(/the model makes -6; set transform to none/)
    await expect(meanOf(positive, { ...inverse, tukeyPower: 0 })).rejects.toThrow(/above 0/)
    await expect(meanOf([[1, NaN]], {})).rejects.toMatchObject({ code: 'update/not-finite' })
  })
})

describe('the payload', () => {
  const sizes = async (hyper: JsonObject) => {
    const { setup, round } = await told(hyper)
    const bytes = round.updates.map(({ payload }) => payload.length)
    return { setup, bytes, classes: people.map(({ labels }) => new Set(labels).size) }
  }

  it('I21: has as many bytes as the formula of §7 says, for the classes that a client holds', async () => {
    const d = WIDTH
    const numbers = {
      full: 1 + d + (d * (d + 1)) / 2,
      diag: 1 + d + d,
      none: 1 + d,
      'means-only': 1 + d,
      'low-rank': 1 + d + 2 * d + d,
    }
    for (const [precision, size] of Object.entries({ float64: 8, float32: 4 })) {
      for (const [covMode, count] of Object.entries(numbers)) {
        const { setup, bytes, classes } = await sizes({ covMode, precision, rank: 2 })
        // Four more bytes say which class it is.
        expect(bytes).toEqual(classes.map((own) => own * (count * size + 4)))
        expect(momentsGroup(setup).maxBytes).toBe(4 * (count * size + 4))
      }
    }
  })

  it('I21: of sums has as many bytes for every client, whatever it holds', async () => {
    const d = WIDTH
    for (const [covMode, count] of Object.entries({
      full: 1 + d + (d * (d + 1)) / 2,
      diag: 1 + d + d,
    })) {
      const { setup, bytes } = await sizes({ covMode, statistics: 'sums-one-round', clipNorm: 10 })
      expect(bytes).toEqual(people.map(() => 4 * count * 8))
      expect(sumsGroup(setup, 'sums').maxBytes).toBe(4 * count * 8)
      expect(sumsGroup(setup, 'means').maxBytes).toBe(4 * (1 + d) * 8)
    }
  })

  it('I21: has the sizes of the table of §7', () => {
    const megabytes = (width: number, classes: number, covMode: string): string => {
      const setup = labSetup({ covMode, precision: 'float32' }, { width, classes, inputs: 1 })
      return ((momentsBytes(setup, classes) - 4 * classes) / 1e6).toPrecision(2)
    }
    expect(megabytes(32, 10, 'full')).toBe('0.022')
    expect(megabytes(84, 10, 'full')).toBe('0.15')
    expect(megabytes(256, 10, 'full')).toBe('1.3')
    expect(megabytes(512, 10, 'full')).toBe('5.3')
    expect(megabytes(1280, 10, 'full')).toBe('33')
    expect(megabytes(256, 10, 'diag')).toBe('0.021')
    expect(megabytes(512, 10, 'diag')).toBe('0.041')
  })

  it('in float32 is merged in float64 all the same', async () => {
    const [double, single] = [await told(), await told({ precision: 'float32' })]
    for (const [label, moments] of double.gathered.statistics.byClass) {
      const other = single.gathered.statistics.byClass.get(label)!
      expect(other.scatter).toBeInstanceOf(Float64Array)
      expect(other.n).toBe(moments.n)
      if (moments.n > 1)
        expect(distance(covarianceOf(other), covarianceOf(moments))).toBeLessThan(1e-5)
    }
  })

  it('of low rank with all directions is the whole scatter, with fewer keeps its diagonal', async () => {
    const full = await told()
    const all = await told({ covMode: 'low-rank', rank: 64 })
    const one = await told({ covMode: 'low-rank', rank: 1 })
    const losses: number[] = []
    for (const [label, { scatter }] of full.gathered.statistics.byClass) {
      const scatterIn = ({ gathered }: typeof all) =>
        gathered.statistics.byClass.get(label)!.scatter
      expect(distance([...scatterIn(all)], [...scatter])).toBeLessThan(1e-10)
      const diagonal = (packed: Float64Array) => matrixOf(packed, WIDTH).map((row, i) => row[i]!)
      expect(distance(diagonal(scatterIn(one)), diagonal(scatter))).toBeLessThan(1e-10)
      losses.push(distance([...scatterIn(one)], [...scatter]))
    }
    expect(Math.max(...losses)).toBeGreaterThan(1e-3)
  })
})
