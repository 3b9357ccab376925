import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { everyIndex, takeRows, wholeDataset, type Dataset } from '#data/dataset.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { blobPictures, LAB_CLASSES } from '#testing/label-lab.js'
import {
  auxiliaryModel,
  auxiliaryNetwork,
  squaredDistance,
  trainAuxiliary,
  type AuxiliaryNetwork,
} from './auxiliary-network.js'
import { drawCandidates } from './identification.js'
import { picturesOf } from './pictures.js'
import { createScorer, type RecordScore } from './score.js'

const SHAPE = [8, 8, 1]
const SIZE = 64
const pool: Dataset = blobPictures(200, 3, SHAPE)
const audited = everyIndex(4)
const others = everyIndex(200).slice(4)
const truth = takeRows(pool, audited).features
const candidates = drawCandidates(
  { source: pool, indices: others },
  { labels: pool.labels.slice(0, 4), candidates: 12, stream: createStreams(1)('test', 0, 0) },
)

/** The records, blurred by noise, in another order. */
function reconstructions(order: readonly number[], deviation: number): Float32Array {
  const pictures = order.map((record) => {
    const stream = createStreams(2)('test/noise', record, 0)
    return truth
      .slice(record * SIZE, (record + 1) * SIZE)
      .map((value) => value + deviation * stream.normal())
  })
  const all = new Float32Array(4 * SIZE)
  pictures.forEach((picture, i) => all.set(picture, i * SIZE))
  return all
}

describe('scores of a batch', () => {
  let network: AuxiliaryNetwork
  const scored = async (batch: Float32Array): Promise<readonly RecordScore[]> =>
    (await createScorer({ truth, candidates, pool, network })).score(batch)

  beforeAll(async () => {
    await useBackend('wasm')
    const model = auxiliaryModel(SHAPE, LAB_CLASSES.length)!
    const params = await trainAuxiliary(
      model,
      wholeDataset(blobPictures(300, 4, SHAPE)),
      createStreams(0),
    )
    network = auxiliaryNetwork(model, params)
  })
  afterAll(() => network.dispose())

  it('A11: the order of the reconstructions changes no metric', async () => {
    const straight = await scored(reconstructions([0, 1, 2, 3], 0.1))
    for (const order of [
      [3, 2, 1, 0],
      [1, 0, 3, 2],
      [2, 3, 0, 1],
    ]) {
      expect(await scored(reconstructions(order, 0.1))).toEqual(straight)
    }
  })

  it('the records themselves are found by everything', async () => {
    for (const score of await scored(truth)) {
      expect(score).toMatchObject({ psnr: 99, relativeError: 0, anyClass: 1, sameClass: 1 })
      expect(score.ssim).toBeCloseTo(1, 9)
      expect(score.auxiliary!.distance).toBeLessThan(1e-6)
      expect(score.auxiliary!.sameClass).toBe(1)
    }
  })

  it('pictures of other records tell these no more often than chance, however many there are', async () => {
    // Every record of the pool in turn is audited, others of any class are its candidates and its reconstructions.
    const stream = createStreams(3)('test/chance', 0, 0)
    const [trials, batch, chance] = [40, 8, 1 / 5]
    let hits = 0
    for (let trial = 0; trial < trials; trial++) {
      const rows = stream.shuffle(everyIndex(pool.count))
      const draw = (from: number, count: number): Int32Array => rows.slice(from, from + count)
      const scorer = await createScorer({
        ...{ pool, network: null, truth: takeRows(pool, draw(0, batch)).features },
        candidates: Array.from({ length: batch }, (_, i) => ({
          anyClass: draw(2 * batch + 4 * i, 4),
          sameClass: draw(2 * batch + 4 * i, 4),
        })),
      })
      const scores = await scorer.score(takeRows(pool, draw(batch, batch)).features)
      hits += scores.filter(({ sameClass }) => sameClass === 1).length
    }
    // 64 of 320 are expected, with a standard deviation of about 7.
    expect(Math.abs(hits - trials * batch * chance)).toBeLessThan(22)
  })

  it('noise costs PSNR and auxiliary distance, record by record', async () => {
    const [little, much] = [
      await scored(reconstructions([0, 1, 2, 3], 0.05)),
      await scored(reconstructions([0, 1, 2, 3], 0.3)),
    ]
    little.forEach((score, i) => {
      expect(score.psnr).toBeGreaterThan(much[i]!.psnr + 8)
      expect(score.auxiliary!.distance).toBeLessThan(much[i]!.auxiliary!.distance)
    })
  })

  it('black pictures tell nothing', async () => {
    for (const score of await scored(new Float32Array(4 * SIZE))) {
      expect(score.psnr).toBeLessThan(20)
      expect(Number.isFinite(score.ssim)).toBe(true)
      expect(score.relativeError).toBeCloseTo(1, 6)
    }
  })

  it('auxiliary distance: 0 to itself, nearer within a class than between classes, and a share of pictures at a time', async () => {
    const many = blobPictures(150, 9, SHAPE)
    const vectors = await network.embed(many.features)
    expect(vectors).toHaveLength(150)
    const [alone] = await network.embed(many.features.slice(0, SIZE))
    expect(squaredDistance(alone!, vectors[0]!)).toBeLessThan(1e-9)
    const mean = (isSame: boolean): number => {
      const distances = vectors.flatMap((a, i) =>
        vectors.flatMap((b, j) =>
          i < j && (many.labels[i] === many.labels[j]) === isSame ? [squaredDistance(a, b)] : [],
        ),
      )
      return distances.reduce((sum, one) => sum + one, 0) / distances.length
    }
    expect(mean(true)).toBeLessThan(0.8 * mean(false))
    // Two layers of unit vectors are at most 4 apart, each.
    expect(mean(false)).toBeLessThan(8)
  })

  it('has no network for what is too small or no picture, and goes without', async () => {
    expect(auxiliaryModel([3, 8, 1], 10)).toBeNull()
    expect(auxiliaryModel([30], 10)).toBeNull()
    const scorer = await createScorer({ truth, candidates, pool, network: null })
    const [first] = await scorer.score(truth)
    expect(first).toMatchObject({ psnr: 99, auxiliary: null })
  })

  it('keeps no tensors', async () => {
    const scorer = await createScorer({ truth, candidates, pool, network })
    const before = tf.memory().numTensors
    await scorer.score(reconstructions([0, 1, 2, 3], 0.1))
    expect(tf.memory().numTensors).toBe(before)
  })

  it('hands out the reconstructions in the order of the records', async () => {
    const scorer = await createScorer({ truth, candidates, pool, network: null })
    const ordered = scorer.ordered(reconstructions([2, 0, 3, 1], 0))
    picturesOf(truth, SHAPE).forEach((picture, i) => expect(ordered[i]).toEqual(picture))
  })
})
