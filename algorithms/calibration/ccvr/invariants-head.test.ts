/** Invariants 12–17 of the ccvr specification (§15): what training the head alone may change, and what it must reach. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { bundleHash, float32Of, makeBundle, tensorsOf, type Bundle } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import { headScore, withHead } from '#algorithms/calibration/head.js'
import { paramsPredictor } from '#algorithms/evaluation/evaluate.js'
import { extractorOf, headOf } from '#algorithms/models/extractor.js'
import { featurePowerOf, withFeaturePower } from '#algorithms/models/feature-power.js'
import { mlp } from '#algorithms/models/mlp.js'
import { paramsBundle, paramsOf, toTensors } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import { triangle } from '#algorithms/matrix/packed.js'
import { ccvrHyper } from './hyper.js'
import { type GlobalClass } from './moments.js'
import { calibratedHead } from './new-head.js'
import { drawVirtual } from './sampling.js'

const NAMES = ['ant', 'bee', 'cat', 'dog']
const WIDTH = 6
const task = { inputShape: [5], classes: NAMES }
type Options = z.input<typeof ccvrHyper>

const modelOf = (options: object = {}) =>
  mlp.build(task, mlp.options.parse({ hidden: [WIDTH], closingNorm: true, ...options }))
const releasedBy = (model: ReturnType<typeof modelOf>, seed = 1): Bundle => ({
  ...paramsBundle(model, model.init(createStreams(seed)('init', 0, 0))),
  meta: { origin: 'a test' },
})

/** A class of spherical features. */
const ball = (label: number, centre: readonly number[], variance: number): GlobalClass => {
  const covariance = new Float64Array(triangle(WIDTH))
  for (let i = 0; i < WIDTH; i++) covariance[triangle(i) + i] = variance
  return {
    ...{ label, n: 40, clients: 2, mean: Float64Array.from(centre), covariance },
    ...{ status: 'ok', betweenClients: null },
  }
}
/** Centres on the axes, this many deviations apart. */
const balls = (apart: number): readonly GlobalClass[] =>
  NAMES.map((_, label) =>
    ball(
      label,
      Array.from({ length: WIDTH }, (_, i) => (i === label ? apart / Math.SQRT2 : 0)),
      1,
    ),
  )
const without = (classes: readonly GlobalClass[], label: number): readonly GlobalClass[] =>
  classes.map((one) =>
    one.label === label
      ? { ...one, n: 0, mean: new Float64Array(WIDTH), covariance: null, status: 'missing' }
      : one,
  )

interface Wanted {
  readonly classes?: readonly GlobalClass[]
  readonly options?: Options
  readonly model?: ReturnType<typeof modelOf>
  readonly released?: Bundle
  readonly seed?: number
}
async function calibrated(wanted: Wanted) {
  const { classes = balls(3), options = {}, model = modelOf(), seed = 5 } = wanted
  const { released = releasedBy(model) } = wanted
  const hyper = ccvrHyper.parse({ samplesPerClass: 60, epochs: 3, ...options })
  const config = { ...tinyConfig(), task }
  const setup = { config, model, hyper, streams: createStreams(seed) }
  const statistics = { d: WIDTH, classes: NAMES.length, shape: 'full', byClass: new Map() } as const
  const input = { released, progress: null, trainingRounds: 2 }
  const made = await calibratedHead(setup, input, { classes, statistics })
  return { ...made, model, released, setup, bundle: withHead(model, released, made.params) }
}
const numbersOf = (bundle: Bundle, name: string): readonly number[] => [...float32Of(bundle, name)]

describe('a calibrated head', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('I12: leaves the extractor as it is bit for bit, with every shape and the meta', async () => {
    const { released, bundle } = await calibrated({})
    expect(bundle.tensors).toEqual(released.tensors)
    expect(bundle.meta).toEqual({ origin: 'a test' })
    const head = (name: string) => name.startsWith('head/')
    for (const { name } of released.tensors) {
      const [before, after] = [numbersOf(released, name), numbersOf(bundle, name)]
      if (head(name)) expect(after, name).not.toEqual(before)
      else expect(after, name).toEqual(before)
    }
    expect(released.tensors.filter(({ name }) => !head(name))).toHaveLength(4)
  })

  it.each([{}, { init: 'zeros' }, { weightDecay: 0.01, momentum: 0 }, { heldOut: true }] as const)(
    'I13: lowers the loss on virtual features (%o)',
    async (options) => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const { scores } = await calibrated({ options, seed })
        expect(scores!.after.loss).toBeLessThan(scores!.before.loss)
        expect(scores!.after.accuracy).toBeGreaterThan(scores!.before.accuracy)
      }
    },
  )

  it('I14: tells classes ten deviations apart after beginning with the columns of others', async () => {
    const model = modelOf()
    const { bundle: good } = await calibrated({
      classes: balls(10),
      model,
      options: { epochs: 20 },
    })
    // Every class has the column of the next one.
    const turned = makeBundle(
      tensorsOf(good).map((tensor) => {
        if (!tensor.name.startsWith('head/')) return tensor
        const from = tensor.data as Float32Array
        const data = from.map((_, at) => from[at - (at % 4) + ((at + 1) % 4)]!)
        return { ...tensor, data }
      }),
    )
    const { scores } = await calibrated({
      ...{ classes: balls(10), model, released: turned, seed: 6 },
      options: { epochs: 10, heldOut: true },
    })
    expect(scores!.before.accuracy).toBeLessThan(0.05)
    expect(scores!.after.accuracy).toBeGreaterThanOrEqual(0.99)
  })

  it.each(['linear', 'normalized'])(
    'I15: keeps the column of a class without examples bit for bit, and stays finite (%s)',
    async (head) => {
      const model = modelOf({ head })
      const { released, bundle, scores } = await calibrated({
        ...{ classes: without(balls(3), 2), model },
        options: { weightDecay: 0.1 },
      })
      const columns = (from: Bundle, name: string, label: number) =>
        numbersOf(from, name).filter((_, at) => at % NAMES.length === label)
      const names = headOf(model).layout.params.map(({ name }) => name)
      expect(names).toHaveLength(head === 'linear' ? 2 : 1)
      for (const name of names) {
        expect(columns(bundle, name, 2)).toEqual(columns(released, name, 2))
        for (const label of [0, 1, 3])
          expect(columns(bundle, name, label)).not.toEqual(columns(released, name, label))
        expect(numbersOf(bundle, name).every(Number.isFinite)).toBe(true)
      }
      expect(scores!.after.loss).toBeLessThan(scores!.before.loss)
    },
  )

  it('I15: does not push a class without examples down', async () => {
    // Were it in the softmax, its logit would become the smallest for every feature.
    const model = modelOf()
    const { setup, params } = await calibrated({ classes: without(balls(6), 2), model })
    const all = await drawVirtual({
      ...{ classes: balls(6), names: NAMES, hyper: setup.hyper, streams: setup.streams },
      trainingRounds: 2,
    })
    const masked = await headScore(model, params, { features: all.train, missing: [2] })
    const open = await headScore(model, params, { features: all.train, missing: [] })
    expect(masked.loss).toBeGreaterThan(1e8)
    expect(open.loss).toBeLessThan(10)
  })

  it.each([null, 0.5])(
    'I16: predicts as extractor and head one after the other (power %o)',
    async (power) => {
      const { bundle, model, params } = await calibrated({})
      const published = power === null ? bundle : withFeaturePower(bundle, power)
      const extractor = extractorOf(model)
      const head = headOf(model)
      const x = tf.tensor2d([
        [1, 2, 3, 4, 5],
        [-1, 0, 2, 0, 0.5],
      ])
      const predictor = paramsPredictor(model, published)
      const whole = [...predictor.predict(x, { rows: new Int32Array(2), domains: null }).dataSync()]
      const features = extractor.features(
        toTensors(extractor.layout, paramsOf(extractor.layout, bundle)),
        x,
      )
      const seen =
        power === null
          ? features
          : tf.tensor2d(
              [...features.dataSync()].map((z) => Math.max(0, z) ** power),
              [2, WIDTH],
            )
      const parts = [...head.logits(toTensors(head.layout, params), seen).dataSync()]
      whole.forEach((value, i) => expect(Math.abs(value - parts[i]!)).toBeLessThan(1e-5))
      expect(whole).toHaveLength(2 * NAMES.length)
      predictor.dispose()
    },
  )

  it('keeps as many tensors as there were', async () => {
    await calibrated({ options: { heldOut: true } })
    const before = tf.memory().numTensors
    await calibrated({ classes: without(balls(3), 1) })
    expect(tf.memory().numTensors).toBe(before)
  })

  it('is scored on what is held out, where something is', async () => {
    const [plain, split] = [await calibrated({}), await calibrated({ options: { heldOut: true } })]
    expect(split.params).toEqual(plain.params)
    expect(split.scores!.after.loss).not.toBe(plain.scores!.after.loss)
  })

  it('begins where it is told: the head as trained, or zeros', async () => {
    const options = { learningRate: 1e-9, epochs: 1 }
    const warm = await calibrated({ options })
    const before = paramsOf(headOf(warm.model).layout, warm.released)
    warm.params.forEach((value, i) => expect(value).toBeCloseTo(before[i]!, 6))
    const { params } = await calibrated({ options: { ...options, init: 'zeros' } })
    params.forEach((value) => expect(value).toBeCloseTo(0, 6))
  })
})

describe('a power between features and head', () => {
  it('is a part of the bundle, and must be one', () => {
    const bundle = withFeaturePower(makeBundle([], { kept: 1 }), 0.5)
    expect(bundle.meta).toEqual({ kept: 1, featurePower: 0.5 })
    expect(featurePowerOf(bundle)).toBe(0.5)
    expect(featurePowerOf(makeBundle([]))).toBeNull()
    for (const power of ['0.5', 0, 2, null])
      expect(() => featurePowerOf(makeBundle([], { featurePower: power }))).toThrow(
        expect.objectContaining({ code: 'model/unreadable' }),
      )
  })
})

describeOnBackends('a calibrated head', () => {
  it('I17: is the same for the same seed, and another for another', async () => {
    const hashOf = async (wanted: Wanted) => bundleHash((await calibrated(wanted)).bundle)
    for (const options of [{}, { heldOut: true }, { allocation: 'proportional' }] as const)
      expect(await hashOf({ options })).toBe(await hashOf({ options }))
    expect(await hashOf({ seed: 6 })).not.toBe(await hashOf({}))
  })
})
