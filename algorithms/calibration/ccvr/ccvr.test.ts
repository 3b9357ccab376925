import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, encodeBundle, float32Of, tensorsOf, type Bundle } from '#protocol/bundle.js'
import { diagnosticsSchema } from '#protocol/diagnostics.js'
import type { JsonObject } from '#protocol/json.js'
import type { CalibrationTime, RunConfig } from '#protocol/run-config.js'
import type { ClientData, Examples } from '#data/dataset.js'
import { evaluate, modelPredictor, paramsPredictor } from '#algorithms/evaluation/evaluate.js'
import { assertPossible, modelOf } from '#algorithms/from-config.js'
import { labelParams, openPredictor, readModelFile } from '#algorithms/model-file.js'
import { paramsOf } from '#algorithms/models/params.js'
import type { PredictorHandle } from '#algorithms/methods/method.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import { createProgram } from '#algorithms/programs/create-program.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { runRoundsInMemory, type InMemoryRun } from '#testing/run-rounds-in-memory.js'
import { CLASSES, tinyClients, tinyConfig, tinyDataset } from '#testing/tiny-federation.js'

/** Sorted by label: almost every client knows one class alone. */
const clients = tinyClients([20, 20, 20])

const trained = (change: (config: RunConfig) => RunConfig = (config) => config): RunConfig =>
  tinyConfig((base) =>
    change({
      ...base,
      model: { name: 'mlp', hidden: [6] },
      training: { ...base.training, localEpochs: 4 },
    }),
  )
const calibrated = (
  options: JsonObject = {},
  {
    when = 'final',
    change,
  }: { when?: CalibrationTime; change?: (config: RunConfig) => RunConfig } = {},
): RunConfig => ({
  ...trained(change),
  calibration: { name: 'ccvr', when, samplesPerClass: 60, ...options },
})
const ran = (config: RunConfig, more: Partial<InMemoryRun> = {}) =>
  runRoundsInMemory({ config, clients, ...more })

const unseen: Examples = {
  source: tinyDataset(300, 99),
  indices: Int32Array.from({ length: 300 }, (_, i) => i),
}
async function accuracyOf(config: RunConfig, params: Bundle): Promise<number> {
  const predictor = paramsPredictor(modelOf(config), params)
  const { correct, count } = await evaluate(predictor.predict, unseen, CLASSES)
  predictor.dispose()
  return correct / count
}
const isFinite = (params: Bundle): boolean =>
  tensorsOf(params).every(({ data }) => data.every(Number.isFinite))
const kept = (params: Bundle) => [...float32Of(params, 'dense1/kernel')]
const headOf = (params: Bundle) => [...float32Of(params, 'head/kernel')]

describe('ccvr after fedavg on skewed clients', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('makes the head better for everyone, in one round, on the extractor as it was', async () => {
    const [plain, run] = [await ran(trained()), await ran(calibrated())]
    expect(run.rounds.map(({ plan }) => plan.part)).toEqual([
      ...Array<string>(3).fill('method'),
      'calibration',
    ])
    expect(run.rounds.slice(0, 3).map(({ state }) => bundleHash(state))).toEqual(
      plain.rounds.map(({ state }) => bundleHash(state)),
    )
    expect(kept(run.released)).toEqual(kept(plain.released))
    const [before, after] = [
      await accuracyOf(trained(), plain.released),
      await accuracyOf(calibrated(), run.released),
    ]
    expect(after).toBeGreaterThan(before + 0.1)
  })

  it('tells what it did', async () => {
    const { rounds } = await ran(calibrated())
    const { metrics, diagnostics } = rounds.at(-1)!
    expect(metrics).toMatchObject({
      ...{ 'calibration/clients': 3, 'calibration/asked': 3, 'calibration/examples': 60 },
      ...{
        'calibration/missingClasses': 0,
        'calibration/lowRankClasses': 0,
        'calibration/jitter': 1e-4,
      },
    })
    const score = (name: string, when: string) => metrics[`calibration/virtual${name}/${when}`]!
    expect(score('Loss', 'after')).toBeLessThan(score('Loss', 'before'))
    expect(score('Accuracy', 'after')).toBeGreaterThan(score('Accuracy', 'before'))
    const { calibration, geometry } = diagnosticsSchema.parse(diagnostics)
    expect(calibration).toMatchObject({ answered: [0, 1, 2], missing: [] })
    expect(calibration!.virtual).toEqual({
      ...{ lossBefore: score('Loss', 'before'), lossAfter: score('Loss', 'after') },
      ...{ accuracyBefore: score('Accuracy', 'before'), accuracyAfter: score('Accuracy', 'after') },
    })
    expect(calibration!.classes.map(({ name }) => name)).toEqual(CLASSES)
    const [ant] = calibration!.classes
    expect(ant).toMatchObject({ status: 'ok', jitter: 1e-4, virtualExamples: 60 })
    expect(ant!.rank).toBeGreaterThan(0)
    expect(ant!.condition).toBeGreaterThan(1)
    expect(geometry).toMatchObject({ of: 'moments', examples: 60 })
  })

  it('is told by those who answer, and says who did not', async () => {
    const { rounds, released } = await ran(calibrated(), {
      fateOf: (round, slot) => (round === 4 && slot === 1 ? 'abandoned' : 'accepted'),
    })
    const { metrics, diagnostics } = rounds.at(-1)!
    expect(metrics).toMatchObject({
      'calibration/clients': 2,
      'calibration/asked': 3,
      'calibration/examples': 40,
    })
    expect(diagnostics!.calibration).toMatchObject({ answered: [0, 2], missing: [1] })
    expect(isFinite(released)).toBe(true)
  })

  it('leaves a class that nobody holds where it was', async () => {
    const two: readonly ClientData[] = clients
      .map((client) => {
        const { source, indices } = client.train
        return {
          ...client,
          train: { source, indices: indices.filter((row) => source.labels[row] !== 1) },
        }
      })
      .filter(({ train }) => train.indices.length > 0)
    const [plain, run] = [
      await runRoundsInMemory({ config: trained(), clients: two }),
      await runRoundsInMemory({ config: calibrated(), clients: two }),
    ]
    const column = (params: Bundle) => headOf(params).filter((_, at) => at % 3 === 1)
    expect(column(run.released)).toEqual(column(plain.released))
    expect(headOf(run.released)).not.toEqual(headOf(plain.released))
    const { metrics, diagnostics } = run.rounds.at(-1)!
    expect(metrics['calibration/missingClasses']).toBe(1)
    expect(diagnostics!.calibration!.classes[1]).toEqual({
      ...{ name: 'bee', examples: 0, clients: 0, status: 'missing', virtualExamples: 0 },
      ...{ rank: null, condition: null, jitter: null, betweenClients: null },
    })
  })

  it('says so where nobody holds anything', async () => {
    await expect(ran(calibrated({ minCount: 1000 }))).rejects.toMatchObject({
      code: 'config/impossible',
      message: expect.stringMatching(/3 clients.*1000 or more examples.*minCount/) as string,
    })
    await expect(ran(calibrated({ epsilon: 0.001, clipNorm: 1 }))).rejects.toMatchObject({
      message: expect.stringMatching(/raise calibration.epsilon/) as string,
    })
  })

  it.each<JsonObject>([
    { covMode: 'diag' },
    { covMode: 'none' },
    { covMode: 'low-rank', rank: 2 },
    { covMode: 'means-only' },
    { statistics: 'sums-one-round', clipNorm: 20 },
    { statistics: 'sums-two-rounds', clipNorm: 20, covMode: 'diag' },
    { precision: 'float32' },
    { transform: 'tukey-inverse' },
    { transform: 'tukey-input', tukeyPower: 0.7 },
    { transform: 'tukey-input', head: 'lda' },
    { reluVirtual: true, allocation: 'proportional' },
    { head: 'lda' },
    { head: 'lda', allocation: 'proportional', covMode: 'diag' },
    { init: 'zeros', heldOut: true },
    { epsilon: 20, clipNorm: 4 },
    { epsilon: 20, clipNorm: 4, statistics: 'sums-one-round', covMode: 'diag' },
  ])('works with %o', async (options) => {
    const config = calibrated(options)
    expect(() => assertPossible(config)).not.toThrow()
    const { rounds, released } = await ran(config)
    const { metrics, diagnostics } = rounds.at(-1)!
    expect(Object.values(metrics).every(Number.isFinite)).toBe(true)
    expect(diagnosticsSchema.safeParse(diagnostics).success).toBe(true)
    expect(isFinite(released)).toBe(true)
    expect(kept(released)).toEqual(kept(rounds.at(-1)!.plan.shared))
    expect(headOf(released)).not.toEqual(headOf(rounds.at(-1)!.plan.shared))
    // A third would be chance, two thirds two classes of three.
    expect(await accuracyOf(config, released)).toBeGreaterThan(0.5)
  })

  it('two rounds of sums: the first is told of, the second makes the head', async () => {
    const { rounds } = await ran(calibrated({ statistics: 'sums-two-rounds', clipNorm: 20 }))
    expect(rounds.map(({ plan }) => plan.part).slice(3)).toEqual(['calibration', 'calibration'])
    expect(rounds[3]!.metrics).toEqual({ 'calibration/clients': 3, 'calibration/asked': 3 })
    expect(rounds[3]!.diagnostics).toBeNull()
    expect(rounds[4]!.metrics['calibration/examples']).toBe(60)
  })

  it('tells nothing exact of classes where epsilon hides it', async () => {
    const { rounds } = await ran(calibrated({ epsilon: 2, clipNorm: 4 }))
    const { diagnostics } = rounds.at(-1)!
    const exact = (await ran(calibrated())).rounds.at(-1)!.diagnostics!.calibration!.classes
    const counts = diagnostics!.calibration!.classes.map(({ examples }) => examples)
    expect(counts).not.toEqual(exact.map(({ examples }) => examples))
    for (const one of diagnostics!.calibration!.classes)
      expect(one).toMatchObject({ clients: null, betweenClients: null })
  })
})

describe('when ccvr takes place', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('every-eval: a copy at every evaluation, of which training knows nothing', async () => {
    const change = (config: RunConfig): RunConfig => ({
      ...config,
      evaluation: { ...config.evaluation, every: 2 },
    })
    const plain = await ran(trained(change))
    const run = await ran(calibrated({}, { when: 'every-eval', change }))
    expect(run.rounds.map(({ plan }) => plan.part)).toEqual([
      ...['method', 'method', 'calibration', 'method', 'calibration'],
    ])
    const training = run.rounds.filter(({ plan }) => plan.part === 'method')
    expect(training.map(({ released }) => bundleHash(released))).toEqual(
      plain.rounds.map(({ released }) => bundleHash(released)),
    )
    const [second, last] = [run.rounds[2]!.released, run.released]
    expect(headOf(second)).not.toEqual(headOf(plain.rounds[1]!.released))
    expect(headOf(last)).not.toEqual(headOf(second))
    // As if it had been calibrated once, at the end.
    const once = await ran(calibrated({}, { change }))
    expect(bundleHash(run.released)).toBe(bundleHash(once.released))
  })

  it('every-round: training goes on from the calibrated head', async () => {
    const { rounds } = await ran(calibrated({}, { when: 'every-round' }))
    expect(rounds.map(({ plan }) => plan.part)).toEqual(
      Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? 'method' : 'calibration')),
    )
    for (const i of [2, 4])
      expect(bundleHash(rounds[i]!.plan.shared)).toBe(bundleHash(rounds[i - 1]!.released))
    const plain = await ran(trained())
    expect(kept(rounds[2]!.released)).not.toEqual(kept(plain.rounds[1]!.released))
  })

  it('keeps as many tensors from run to run', async () => {
    await ran(calibrated())
    const before = tf.memory().numTensors
    await ran(calibrated({ heldOut: true }))
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('a power that stays in the model', () => {
  beforeAll(async () => void (await useBackend('cpu')))
  const config = calibrated({ transform: 'tukey-input', tukeyPower: 0.5 })

  it('is seen by everyone who predicts with the bundle: clients, and who opens the file', async () => {
    const { released } = await ran(config)
    expect(released.meta['featurePower']).toBe(0.5)
    const logits = (predictor: PredictorHandle) => {
      const x = tf.tensor2d([[1, 0.5, 0.2, 0.1]])
      const values = [...predictor.predict(x, { rows: Int32Array.of(0), domains: null }).dataSync()]
      predictor.dispose()
      return values
    }
    const model = modelOf(config)
    const seen = logits(paramsPredictor(model, released))
    const file = readModelFile(encodeBundle(labelParams(released, config)))
    expect(logits(openPredictor(file, {}))).toEqual(seen)
    const { evaluation } = createClientHalves(config)
    expect(logits(evaluation.predictor({ shared: released, assets: {}, memory: null })!)).toEqual(
      seen,
    )
    expect(logits(modelPredictor(model, paramsOf(model, released)))).not.toEqual(seen)
  })

  it('is nothing that a run can start from', async () => {
    const { released } = await ran(config)
    expect(() => createProgram(trained()).init(released)).toThrow(
      expect.objectContaining({
        code: 'model/does-not-fit',
        message: expect.stringMatching(/tukey-input/) as string,
      }),
    )
  })
})

describe('ccvr refuses, and says what to do', () => {
  const refusal = (config: RunConfig): string => {
    try {
      assertPossible(config)
    } catch (error) {
      expect(error).toMatchObject({ code: 'config/impossible' })
      return (error as Error).message
    }
    return ''
  }
  const logistic = { change: (config: RunConfig) => ({ ...config, model: { name: 'logistic' } }) }
  const unit = {
    change: (config: RunConfig) => ({
      ...config,
      model: { name: 'mlp', hidden: [6], head: 'normalized' },
    }),
  }
  const privacy = { epsilon: 1, clipNorm: 2 }

  it.each([
    ['a model without features', {}, logistic, /no features before its head.*hidden layer/],
    ['sums without a bound', { statistics: 'sums-one-round' }, {}, /set calibration.clipNorm/],
    [
      'sums of strongest directions',
      { statistics: 'sums-two-rounds', clipNorm: 1, covMode: 'low-rank' },
      {},
      /covMode low-rank/,
    ],
    ['privacy without a bound', { epsilon: 1 }, {}, /set calibration.clipNorm/],
    [
      'privacy of what is no sum',
      { ...privacy, covMode: 'means-only' },
      {},
      /covMode means-only is no such sum/,
    ],
    [
      'privacy with a minimum count',
      { ...privacy, minCount: 2 },
      {},
      /set calibration.minCount to 1/,
    ],
    [
      'privacy with published means',
      { ...privacy, statistics: 'sums-two-rounds' },
      {},
      /sums-one-round/,
    ],
    [
      'privacy again and again',
      privacy,
      { when: 'every-eval' as const },
      /set calibration.when to final/,
    ],
    [
      'a layer that training does not know',
      { transform: 'tukey-input' },
      { when: 'every-round' as const },
      /tukey-inverse/,
    ],
    [
      'a logarithm as a layer',
      { transform: 'tukey-input', tukeyPower: 0 },
      {},
      /tukeyPower above 0/,
    ],
    ['directions that begin at zero', { init: 'zeros' }, unit, /set calibration.init to warm/],
    ['a closed form of directions', { head: 'lda' }, unit, /model.head to linear/],
    [
      'a closed form without covariances',
      { head: 'lda', covMode: 'none' },
      {},
      /full, diag or low-rank/,
    ],
    [
      'a closed form in another space',
      { head: 'lda', transform: 'tukey-inverse' },
      {},
      /none or tukey-input/,
    ],
    [
      'a closed form of held-out draws',
      { head: 'lda', heldOut: true },
      {},
      /drop calibration.heldOut/,
    ],
  ])('%s', (_name, options: JsonObject, more, reason) => {
    expect(refusal(calibrated(options, more))).toMatch(reason)
  })

  it('nothing else', () => {
    expect(refusal(calibrated(privacy))).toBe('')
    expect(refusal(calibrated({ transform: 'tukey-input' }, { when: 'every-eval' }))).toBe('')
    expect(refusal(calibrated({}, unit))).toBe('')
  })
})
