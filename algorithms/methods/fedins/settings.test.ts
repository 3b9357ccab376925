/** What can be set, what cannot work together, and the settings that change where entries come from. */
import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, float32Of, makeBundle, tensorsOf } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { ClientData } from '#data/dataset.js'
import { assertPossible, modelOf } from '#algorithms/from-config.js'
import { tf } from '#algorithms/tensor/tf.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { batchOf } from '#algorithms/training/batch.js'
import {
  farthest,
  initialState,
  labOf,
  naivePool,
  performed,
  planOf,
  poolIn,
  stateWith,
  type Lab,
} from '#testing/fedins-lab.js'
import { assetsOf } from '#testing/run-rounds-in-memory.js'
import { tinyClients } from '#testing/tiny-federation.js'
import { fedins } from './fedins.js'
import { hyper } from './hyper.js'
import { poolLayout } from './pool.js'
import { fedinsPredictor } from './predictor.js'
import { fedinsServer } from './server.js'
import { frozenParams, shapeOf } from './setup.js'

const [client] = tinyClients([12]) as [ClientData]
const EVERY = [...client.train.indices.keys()]
/** The same examples, each with the domain `of` its place. */
const withDomains = (domainAt: (place: number) => number, count = 4): ClientData => {
  const of = new Uint8Array(client.train.source.count)
  client.train.indices.forEach((row, place) => (of[row] = domainAt(place)))
  const names = Array.from({ length: count }, (_, i) => `domain ${i}`)
  const source = { ...client.train.source, domains: { names, of } }
  return { ...client, train: { ...client.train, source } }
}

/** The entries that each training example takes in prediction. */
function routed(lab: Lab, state: Bundle, { train }: ClientData): number[][] {
  const { shared, assets } = planOf(lab, state)
  const input = { shared, assets: assetsOf(lab, { assets }), memory: null }
  const predictor = fedinsPredictor(lab.setup)(input)!
  try {
    const chosen = tf.tidy(() => {
      const { x, ...facts } = batchOf(train, EVERY)
      return predictor.route!(x, facts).arraySync() as number[][]
    })
    return chosen.map((row) => row.flatMap((one, m) => (one === 1 ? [m] : [])))
  } finally {
    predictor.dispose()
  }
}
const usageOf = async (lab: Lab, data: ClientData, round = 1): Promise<number[]> => {
  const { update } = await performed(lab, initialState(lab), { data, round })
  return [...(update['routing']?.[0]?.data ?? [])]
}

describe('options of FedIns', () => {
  it('are by default those of the authors’ scripts', () => {
    expect(hyper.parse({})).toMatchObject({
      ...{ poolSize: 25, topK: 3, keyWeight: 0.1, adapt: 'ssf', routing: 'keys' },
      ...{ weighting: 'uniform', queryCentering: false, keyInit: 'random', upload: 'dense' },
    })
  })

  it.each([{ poolSize: 0 }, { topK: 0 }, { keyWeight: -0.1 }, { keyWeight: 1.1 }, { topK: 1.5 }])(
    'are refused out of range: %o',
    (options) => expect(hyper.safeParse(options).success).toBe(false),
  )

  const reasonsOf = (
    options: JsonObject,
    startFrom: string | null = 'a hash',
    shift: { readonly shift?: string } = { shift: 'mixed:none,invert' },
  ): readonly string[] => {
    const method = { name: 'fedins', poolSize: 4, topK: 2, ...options }
    const { config } = labOf({}, (base): RunConfig => base)
    const data = config.data === null ? null : { ...config.data, ...shift }
    const asked = { ...config, method, startFrom, data }
    return fedins.requires(asked, modelOf(asked), asked.task)
  }

  it('work together by default', () => {
    expect(reasonsOf({})).toEqual([])
    expect(reasonsOf({ backbone: 'random' }, null)).toEqual([])
    expect(reasonsOf({ poolSize: 1, topK: 1, adapt: 'none', keyWeight: 0 })).toEqual([])
    expect(reasonsOf({ keyInit: 'kmeans', weighting: 'usage', upload: 'sparse' })).toEqual([])
  })

  it.each([
    { options: { topK: 5 }, reason: 'topK 5 is more than method.poolSize 4' },
    { options: {}, startFrom: null, reason: 'name its bundle in startFrom' },
    { options: { routing: 'oracle' }, reason: 'set method.topK 1' },
    { options: { keyInit: 'kmeans', routing: 'random' }, reason: 'routed by keys' },
    { options: { keyInit: 'kmeans', poolSize: 1, topK: 1 }, reason: 'routed by keys' },
    { options: { keyInit: 'kmeans', backbone: 'random' }, reason: 'must be startFrom' },
    { options: { keyInit: 'kmeans', queryCentering: true }, reason: 'drop method.queryCentering' },
    { options: { queryCentering: true, routing: 'random' }, reason: 'routed by keys' },
    { options: { queryCentering: true, poolSize: 1, topK: 1 }, reason: 'routed by keys' },
    { options: { weighting: 'usage', poolSize: 1, topK: 1 }, reason: 'more than one entry' },
  ])('cannot be $options: $reason', ({ options, startFrom = 'a hash', reason }) => {
    const reasons = reasonsOf(options, startFrom)
    expect(reasons).toHaveLength(1)
    expect(reasons[0]).toContain(reason)
  })

  it('cannot be oracle routing without domains, or with more of them than entries', () => {
    const oracle = { routing: 'oracle', topK: 1, poolSize: 2 }
    expect(reasonsOf(oracle)).toEqual([])
    expect(reasonsOf(oracle, 'a hash', {})).toEqual([
      'method.routing oracle needs domains: set data.shift',
    ])
    expect(reasonsOf(oracle, 'a hash', { shift: 'mixed:none,invert,rotate=90' })).toEqual([
      expect.stringContaining('an entry for each of the 3 domains'),
    ])
  })

  it('refuse a model whose head is normalized: the entries have heads of their own', () => {
    const config = { ...labOf({}).config, model: { name: 'mlp', hidden: [5], head: 'normalized' } }
    expect(() => assertPossible(config)).toThrow(
      /fedins has heads of its own.*leave out model.head/,
    )
  })

  it('take a model without sites: its entries are heads over the inputs', () => {
    const lab = labOf({}, (config) => ({ ...config, model: { name: 'logistic' } }))
    expect(() => assertPossible(lab.config)).not.toThrow()
    expect(
      poolLayout(shapeOf(lab.setup)).params.map(({ name, shape }) => `${name} ${shape.join('x')}`),
    ).toEqual(['keys 4x4', 'head/weight 4x3x4', 'head/bias 4x3'])
  })
})

describe('keys from the centroids of pre-training', () => {
  const lab = labOf({ keyInit: 'kmeans' })
  const startWith = (keys: readonly number[] | null, shape = [4, 4]): Bundle =>
    makeBundle([
      ...tensorsOf(lab.startFrom),
      ...(keys === null
        ? []
        : [
            {
              name: 'pretrain/keys',
              shape,
              dtype: 'float32' as const,
              data: Float32Array.from(keys),
            },
          ]),
    ])
  const init = (startFrom: Bundle | null): Bundle => fedinsServer(lab.serverSetup).init(startFrom)
  const centroids = Array.from({ length: 16 }, (_, i) => Math.cos(i * i))

  it('are taken as they are, and nothing else is', () => {
    const [pool, plain] = [init(startWith(centroids)), initialState(labOf({}))].map((state) =>
      naivePool(lab, poolIn(lab, state)),
    )
    expect(farthest(pool!.keys.flat(), centroids)).toBeLessThan(1e-7)
    expect(pool!.entries).toEqual(plain!.entries)
  })

  it.each([
    { what: 'no bundle', startFrom: () => null },
    { what: 'none in it', startFrom: () => startWith(null) },
    { what: 'fewer', startFrom: () => startWith(centroids.slice(4), [3, 4]) },
    { what: 'narrower ones', startFrom: () => startWith(centroids.slice(4), [4, 3]) },
    // Its gradient has 1/‖K‖ as a factor.
    { what: 'one of zeros', startFrom: () => startWith(centroids.map((v, i) => (i < 4 ? 0 : v))) },
    {
      what: 'one that is too short',
      startFrom: () => startWith(centroids.map((v, i) => (i < 4 ? 1e-7 * v : v))),
    },
    {
      what: 'one that is no number',
      startFrom: () => startWith(centroids.map((v, i) => (i === 2 ? NaN : v))),
    },
  ])('are refused where there are $what', ({ startFrom }) => {
    expect(() => init(startFrom())).toThrow(expect.objectContaining({ code: 'model/does-not-fit' }))
  })
})

describe('the frozen backbone', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('is the bundle that startFrom names, sent by its hash', () => {
    const lab = labOf({})
    const { assets } = planOf(lab, initialState(lab))
    expect(assets).toEqual({ backbone: bundleHash(lab.startFrom) })
    const frozen = frozenParams(lab.setup, { backbone: lab.startFrom })
    const names = [
      'dense1/kernel',
      'dense1/bias',
      'dense2/kernel',
      'dense2/bias',
      'norm/scale',
      'norm/shift',
    ]
    expect([...frozen]).toEqual(names.flatMap((name) => [...float32Of(lab.startFrom, name)]))
  })

  it('is drawn from the seed where it is random, and is no asset', async () => {
    const lab = labOf({ backbone: 'random' }, (config) => ({ ...config, startFrom: null }))
    expect(planOf(lab, initialState(lab)).assets).toEqual({})
    const drawn = lab.setup.model.init(createStreams(lab.config.seed)('init', 0, 0))
    const frozen = frozenParams(lab.setup, {})
    expect(frozen).toEqual(drawn.subarray(0, frozen.length))
    const { metrics } = await performed(lab, initialState(lab), { data: client })
    expect(metrics['steps']).toBe(6)
  })

  it('is missed where the task came without it', () => {
    expect(() => frozenParams(labOf({}).setup, {})).toThrow(
      expect.objectContaining({ code: 'task/failed' }),
    )
  })

  it('is refused when the run is created if it does not fit', () => {
    const lab = labOf({})
    const other = makeBundle(tensorsOf(lab.startFrom).filter(({ name }) => name !== 'norm/shift'))
    expect(() => fedinsServer(lab.serverSetup).init(other)).toThrow(
      expect.objectContaining({ code: 'model/does-not-fit' }),
    )
  })
})

describe('routing without keys', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('oracle: entry m for domain m, in training and prediction', async () => {
    const lab = labOf({ routing: 'oracle', topK: 1 })
    const data = withDomains((place) => (place < 6 ? 2 : 0))
    expect(routed(lab, initialState(lab), data)).toEqual(EVERY.map((p) => [p < 6 ? 2 : 0]))
    expect(await usageOf(lab, data)).toEqual([0.5, 0, 0.5, 0])
    const start = poolIn(lab, initialState(lab))
    const { update } = await performed(lab, initialState(lab), { data })
    const bias = update['pool']!.find(({ name }) => name === 'head/bias')!.data
    expect([0, 1, 2, 3].map((m) => bias[3 * m] !== 0)).toEqual([true, false, true, false])
    expect(planOf(lab, stateWith(lab, start)).shared.tensors.map(({ name }) => name)).not.toContain(
      'keys',
    )
  })

  it('oracle: says that it needs domains, and an entry for each', async () => {
    const lab = labOf({ routing: 'oracle', topK: 1 })
    const mismatch = (message: RegExp) => ({
      code: 'data/mismatch',
      message: expect.stringMatching(message) as string,
    })
    await expect(usageOf(lab, client)).rejects.toMatchObject(mismatch(/domains are known/))
    await expect(
      usageOf(
        lab,
        withDomains(() => 4, 5),
      ),
    ).rejects.toMatchObject(mismatch(/poolSize is 4/))
    expect(() => routed(lab, initialState(lab), client)).toThrow(
      expect.objectContaining(mismatch(/domains are known/)),
    )
  })

  it('random: k entries, others for others, new ones each round; in prediction a row keeps its own', async () => {
    const lab = labOf({ routing: 'random' })
    const chosen = routed(lab, initialState(lab), client)
    expect(chosen.every((own) => own.length === 2)).toBe(true)
    expect(new Set(chosen.map(String)).size).toBeGreaterThan(2)
    expect(routed(lab, initialState(lab), client)).toEqual(chosen)
    const usages = [await usageOf(lab, client, 1), await usageOf(lab, client, 2)]
    expect(usages[0]).not.toEqual(usages[1])
    for (const usage of usages)
      expect(usage.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6)
  })
})
