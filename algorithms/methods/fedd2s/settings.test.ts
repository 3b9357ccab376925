/** What can be set, what cannot be together, and what people are told before they choose. */
import { beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { assertPossible, methodOf, serverSetup } from '#algorithms/from-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { MODELS } from '#algorithms/models/zoo.js'
import { toTensors } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { fedd2sSetup } from '#testing/fedd2s-lab.js'
import { fedd2sConfig, fedd2sRun, fedd2sServerLab } from '#testing/fedd2s-rounds.js'
import { fedd2s } from './fedd2s.js'
import { hyper } from './hyper.js'
import { softLabelBytes } from './wire.js'

const CNN: Partial<RunConfig> = {
  model: { name: 'cnn', filters: [2, 3], kernelSize: 3, hidden: 4 },
  task: { inputShape: [8, 8, 1], classes: ['ant', 'bee', 'cat'] },
}
const reasonsOf = (options: JsonObject, change: Partial<RunConfig> = {}): readonly string[] => {
  const { config, model } = fedd2sSetup({ hyper: options, change })
  return fedd2s.requires(config, model, config.task)
}
const mlp = (...hidden: number[]): JsonObject => ({ name: 'mlp', hidden })

describe('settings of fedd2s', () => {
  it('has the defaults of the specification (§10), where the paper’s are not known', () => {
    expect(hyper.parse({})).toMatchObject({
      ...{ profile: 'features', transfer: 'softLabels', cuts: null, schedule: 'deepToShallow' },
      ...{ interval: null, temperature: 2, clientDivergence: 1, serverDivergence: 0.3 },
      ...{ serverEpochs: 2, serverBatchSize: 64, serverTeacher: 'headSnapshot', scaleByT2: true },
      ...{ headSharing: 'suffix', featurePull: 0, maxSoftLabelAge: null, rows: 'examples' },
    })
    for (const wrong of [
      ...[{ temperature: 0 }, { interval: 0 }, { clientDivergence: -1 }, { serverEpochs: 0 }],
      ...[{ cuts: [] }, { noise: -1 }, { pooling: 0 }, { maxSamplesPerRound: 0 }],
    ])
      expect(hyper.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
  })

  it.each<[string, JsonObject]>([
    ['its defaults', {}],
    ['the profile models', { profile: 'models' }],
    ['models from the logits on', { profile: 'models', cuts: ['head', 'dense1'] }],
    ['models until a round', { profile: 'models', stopFederationAfter: 2, minCut: 'dense2' }],
    ['a pull on features', { transfer: 'headDownload', featurePull: 1 }],
    ['local teachers and heads', { transfer: 'headDownload', serverTeacher: 'local' }],
    ['clipped and blurred rows', { clipNorm: 1, noise: 0.1 }],
    ['means of classes as halves', { rows: 'class-means', quantization: 'float16' }],
    ['other models', { otherModels: [mlp(6, 5, 4), mlp(9, 8, 7)] }],
    ['other models behind an adapter', { otherModels: [mlp(9, 8, 7)], adapter: 'linear' }],
    ['one fixed cut', { schedule: 'fixed', cuts: ['dense2'] }],
    ['no deeper than so', { minCut: 'dense2' }],
  ])('can do with %s', (_name, options) => {
    expect(reasonsOf(options)).toEqual([])
    expect(() => assertPossible(fedd2sConfig({ hyper: options }))).not.toThrow()
  })

  it.each<[string, JsonObject, string]>([
    ['a cut that there is not', { cuts: ['dense9'] }, 'has no cut dense9; it has dense1'],
    ['cuts from shallow to deep', { cuts: ['dense1', 'dense2'] }, 'not shallower than dense1'],
    ['nothing left to train', { cuts: ['head'] }, 'nothing left for the server to train'],
    ['several fixed cuts', { schedule: 'fixed', cuts: ['dense2', 'dense1'] }, 'takes one cut'],
    ['two dropping sets', { cuts: ['dense2'], minCut: 'dense1' }, 'leave one of them out'],
    ['a pull without a head', { featurePull: 1 }, 'set method.transfer headDownload'],
    ['noise without a norm', { noise: 1 }, 'set method.clipNorm'],
    [
      'old soft labels without any',
      { transfer: 'headDownload', maxSoftLabelAge: 3 },
      'no soft labels are kept',
    ],
    ['pooling without images', { pooling: 2 }, 'no cut of these models has any'],
    ['an adapter for nobody', { adapter: 'linear' }, 'there are none'],
    ['another model without the cut', { otherModels: [mlp(6, 5)] }, 'has no cut dense3'],
    [
      'another model that there is not',
      { otherModels: [{ name: 'oracle' }] },
      'Unknown model oracle',
    ],
    [
      'another model with a wrong option',
      { otherModels: [{ name: 'mlp', hidden: [0] }] },
      'method.otherModels: mlp.hidden.0',
    ],
  ])('cannot do with %s, and says why', (_name, options, why) => {
    expect(reasonsOf(options).join('. ')).toContain(why)
    expect(() => assertPossible(fedd2sConfig({ hyper: options }))).toThrow()
  })

  it('pools images, and maps them with adapters where only their channels differ', () => {
    expect(reasonsOf({ pooling: 3 }, CNN)).toEqual([])
    const others = (kernelSize: number) => ({
      otherModels: [{ ...CNN.model!, filters: [4, 5], kernelSize }] as JsonObject[],
      adapter: 'linear',
    })
    expect(reasonsOf(others(3) as JsonObject, CNN)).toEqual([])
  })

  it('refuses whatever has no meaning with whole models, each by its name', () => {
    const meaningless: JsonObject = {
      ...{ transfer: 'headDownload', serverTeacher: 'none', serverEpochs: 3, serverBatchSize: 8 },
      ...{ serverLearningRate: 0.1, headSharing: 'perCut', featurePull: 1, maxSoftLabelAge: 2 },
      ...{ rows: 'class-means', maxSamplesPerRound: 5, pooling: 2, quantization: 'uint8' },
      ...{ clipNorm: 1, noise: 0.1, otherModels: [mlp(6, 5, 4)], adapter: 'linear' },
    }
    for (const [option, value] of Object.entries(meaningless))
      expect(reasonsOf({ profile: 'models', [option]: value })).toEqual([
        expect.stringContaining(`method.${option} is about the rows`),
      ])
    // Every other option has a meaning there, or is not an option.
    const known = ['profile', 'cuts', 'minCut', 'schedule', 'interval', 'stopFederationAfter']
    const losses = ['temperature', 'clientDivergence', 'serverDivergence', 'scaleByT2']
    expect([...Object.keys(meaningless), ...known, ...losses].toSorted()).toEqual(
      Object.keys(hyper.parse({})).toSorted(),
    )
  })

  it('is in the catalogue with its options', () => {
    const schema = configCatalogue().methods['fedd2s']!
    expect(schema.safeParse({ profile: 'models' }).success).toBe(true)
    expect(methodOf(fedd2sConfig()).personal).toBe(true)
  })
})

describe('what leaves the clients of fedd2s', () => {
  const revealed = (options: JsonObject = {}) => fedd2s.reveals!(fedd2sSetup({ hyper: options }))
  const textOf = (options: JsonObject = {}): string => revealed(options)!.text

  it('is rows of single examples, and their labels', () => {
    expect(revealed()!.classes).toEqual(['per-example'])
    expect(textOf()).toContain('the activation at the cut and the true label')
    expect(textOf()).toContain('how often each client has each class')
    expect(textOf()).toContain('Secure aggregation cannot hide any of this')
    expect(textOf()).toContain('No setting of it is a formal guarantee')
    expect(textOf({ rows: 'class-means' })).toContain('the mean activation and the label')
    expect(textOf({ maxSamplesPerRound: 7 })).toContain('for up to 7 of its training examples')
  })

  it('grows as the cut moves towards the input', () => {
    expect(textOf()).toContain('moves from dense3 to dense1, so exposure grows over the run')
    expect(textOf({ minCut: 'dense2' })).toContain('from dense3 to dense2')
    expect(textOf({ schedule: 'reversed' })).toContain('exposure is largest at the beginning')
    expect(textOf({ cuts: ['dense2'] })).toContain('it stays behind dense2')
  })

  it('is told for what is set', () => {
    expect(textOf()).toContain('Soft labels of single examples come back')
    expect(textOf({ transfer: 'headDownload' })).toContain('clients get the head')
    expect(textOf()).not.toContain('output of the client')
    expect(textOf({ serverTeacher: 'local' })).toContain("output of the client's own model")
    expect(textOf({ stopFederationAfter: 4 })).toContain('From round 5 on nothing is sent')
    expect(textOf({ quantization: 'uint8' })).not.toContain('quantization')
    const all = { minCut: 'dense2', clipNorm: 1, noise: 1, quantization: 'uint8' }
    const rest = { maxSamplesPerRound: 2, rows: 'class-means', transfer: 'headDownload' }
    expect(textOf({ ...all, ...rest })).not.toContain('Less is given away')
  })

  it('is nothing of the kind with whole models', () => {
    expect(revealed({ profile: 'models' })).toBeNull()
  })
})

describe('how large rounds are', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  const uplinks = (options: JsonObject = {}, change: Partial<RunConfig> = {}) => {
    const setup = fedd2sSetup({ hyper: options, change })
    return fedd2s.uplinks!({ ...serverSetup(setup.config), hyper: setup.hyper })
  }

  it('is told for every cut before the run begins', () => {
    const { maxExamples } = fedd2sConfig().aggregation
    // K (4 d + 1) with d = 4, 5, 6.
    expect(uplinks().map(([group]) => group!.maxBytes)).toEqual(
      [17, 21, 25].map((bytes) => bytes * maxExamples),
    )
    expect(uplinks({ profile: 'models' }).map(([group]) => group!.name)).toEqual(['delta'])
  })

  it('is what the plans then say, round by round', async () => {
    const { rounds } = await fedd2sRun({ hyper: { interval: 1 } })
    expect(rounds.map(({ plan }) => plan.uplink)).toEqual(uplinks({ interval: 1 }))
  })

  it('is K · 4 C bytes on the way down, or 4 bytes for each param of the head', async () => {
    const rows = [{ slot: 0, labels: [0, 1, 2, 0, 1] }]
    const plain = fedd2sServerLab()
    const { personal } = await plain.closeWith(plain.server.init(null), rows)
    expect(personal!.get(0)!.payload.length).toBe(softLabelBytes(5, 3))
    expect(softLabelBytes(5, 3)).toBe(5 * 4 * 3)
    expect(plain.planOf(plain.server.init(null)).shared.payload.length).toBe(0)
    const headed = fedd2sServerLab({ hyper: { transfer: 'headDownload', cuts: ['dense2'] } })
    const { shared } = headed.planOf(headed.server.init(null))
    // dense3: 5 × 4 + 4, the last layer: 4 × 3 + 3.
    expect(shared.payload.length).toBe(4 * (24 + 15))
  })
})

/** Of every model that has a size. */
const SMALL: Record<string, object> = {
  ...{ mlp: { hidden: [7, 5] }, cnn: { filters: [3, 4], kernelSize: 3, hidden: 6 } },
  lenet: { filters: [2, 3], kernelSize: 3, hidden: [6, 5] },
  vit: { patchSize: 4, width: 6, depth: 2, heads: 2, mlpRatio: 2 },
}

describe('statistics of batches', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('D16: no model of the zoo has any: it says of an input what it says of it in any batch', () => {
    const task = { inputShape: [16, 16, 1], classes: ['ant', 'bee'] }
    for (const entry of MODELS) {
      const model = entry.build(task, entry.options.parse(SMALL[entry.name] ?? {}))
      tf.tidy(() => {
        const params = toTensors(model, model.init(createStreams(1)('init', 0, 0)))
        const stream = createStreams(2)('inputs', 0, 0)
        const values = Float32Array.from({ length: 3 * 256 }, () => stream.normal())
        const x = tf.tensor4d(values, [3, 16, 16, 1])
        const together = model.forward(params, x).dataSync()
        const alone = tf
          .unstack(x)
          .flatMap((one) => [...model.forward(params, tf.expandDims(one)).dataSync()])
        alone.forEach((value, i) =>
          expect(Math.abs(value - together[i]!), entry.name).toBeLessThan(1e-5),
        )
      })
    }
  })

  it('D16: an update has activations and labels and nothing else of the model', () => {
    const setup = fedd2sSetup()
    const groups = fedd2s.uplinks!({ ...serverSetup(setup.config), hyper: setup.hyper })
    for (const [group] of groups)
      expect(group!.tensors.map(({ name }) => name)).toEqual(['features', 'labels'])
  })
})
