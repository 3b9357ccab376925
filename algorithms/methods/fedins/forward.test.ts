import { beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { normalTensor } from '#algorithms/tensor/random-tensor.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { toTensors } from '#algorithms/models/params.js'
import {
  farthest,
  initialState,
  labOf,
  naivePool,
  netOf,
  planOf,
  poolIn,
  reordered,
  stateWith,
  withBackbone,
  type Lab,
} from '#testing/fedins-lab.js'
import { chosenFor, logitsOf, meanOf, queryOf } from '#testing/fedins-reference.js'
import { assetsOf } from '#testing/run-rounds-in-memory.js'
import { adaptedFeatures, headLogits, queriesFor } from './forward.js'
import { partsOf, poolLayout } from './pool.js'
import { fedinsPredictor } from './predictor.js'
import { nearestKeys } from './routing.js'
import { shapeOf } from './setup.js'

const ROWS = 6
const draw = (seed: number, shape: readonly number[]): Tensor =>
  normalTensor(createStreams(seed)('test/forward', 0, 0), [...shape])
/** Enough noise on every tensor of the pool that entries differ, keys too. */
function noisyPool(lab: Lab): Float32Array {
  const noise = createStreams(3)('test/pool', 0, 0)
  return poolIn(lab, initialState(lab)).map((value) => value + 0.5 * noise.normal())
}
const on =
  (model: JsonObject & { name: string }, inputShape: readonly number[]) =>
  (config: RunConfig): RunConfig => ({ ...config, model, task: { ...config.task, inputShape } })

/** Vectors, images, tokens. */
const MODELS = {
  mlp: on({ name: 'mlp', hidden: [5, 4], activation: 'gelu', closingNorm: true }, [4]),
  lenet: on({ name: 'lenet' }, [12, 12, 1]),
  vit: on({ name: 'vit', patchSize: 4, width: 8, depth: 2, heads: 2, mlpRatio: 2 }, [8, 8, 3]),
}
const CASES = Object.keys(MODELS) as (keyof typeof MODELS)[]

/** Logits for some rows of x with this pool, predicted as one batch. */
function predicted(lab: Lab, pool: Float32Array, some: readonly number[]): number[][] {
  const { setup } = lab
  const { shared, assets } = planOf(lab, stateWith(lab, pool))
  const input = { shared, assets: assetsOf(lab, { assets }), memory: null }
  const predictor = fedinsPredictor(setup)(input)!
  const facts = {
    rows: Int32Array.from(some),
    domains: Uint8Array.from(some, (row) => row % shapeOf(setup).entries),
  }
  const logits = tf.tidy(() => {
    const x = draw(5, [ROWS, ...setup.model.inputShape])
    const rows = tf.gather(x, tf.tensor1d([...some], 'int32'))
    return predictor.predict(rows, facts).arraySync() as number[][]
  })
  predictor.dispose()
  return logits
}

describe('the adapted network', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it.each(CASES)('I1: with scales 1 and shifts 0 it is the frozen one (%s)', async (name) => {
    const lab = labOf({}, MODELS[name])
    const shape = shapeOf(lab.setup)
    expect(shape.sites.length).toBeGreaterThan(2)
    const layout = poolLayout(shape)
    const pool = noisyPool(lab)
    let offset = 0
    for (const { name: tensor, shape: sizes } of layout.params) {
      const end = offset + sizes.reduce((all, size) => all * size, 1)
      if (tensor.startsWith('scale/')) pool.fill(1, offset, end)
      if (tensor.startsWith('shift/')) pool.fill(0, offset, end)
      offset = end
    }
    await withBackbone(lab, (backbone) =>
      tf.tidy(() => {
        const x = draw(5, [ROWS, ...lab.setup.model.inputShape])
        const parts = partsOf(shape, toTensors(layout, pool))
        const selection = tf.div(nearestKeys(draw(6, [ROWS, shape.width]), parts.keys!, 2), 2)
        const f = adaptedFeatures(backbone, x, { pool: parts, selection })
        const q = queriesFor(backbone, x)
        expect(farthest(f.dataSync(), q.dataSync())).toBeLessThan(1e-5)
        // Not because nothing is adapted at all.
        const others = partsOf(shape, toTensors(layout, noisyPool(lab)))
        const moved = adaptedFeatures(backbone, x, { pool: others, selection })
        expect(farthest(moved.dataSync(), q.dataSync())).toBeGreaterThan(0.1)
      }),
    )
  })

  it('I3: the mean of the heads’ outputs is the output of the mean head', () => {
    tf.tidy(() => {
      const [weight, bias, f] = [draw(1, [5, 3, 4]), draw(2, [5, 3]), draw(3, [2, 4])]
      const parts = { scales: [], shifts: [], keys: null, weight, bias }
      // Entries 0 and 3 for the first row, 1, 2 and 4 in unequal parts for the second.
      const S = [
        [0.5, 0, 0, 0.5, 0],
        [0, 0.2, 0.3, 0, 0.5],
      ]
      const logits = headLogits(parts, tf.tensor2d(S), f).arraySync() as number[][]
      const [W, c] = [weight.arraySync() as number[][][], bias.arraySync() as number[][]]
      const features = f.arraySync() as number[][]
      S.forEach((shares, b) => {
        for (let label = 0; label < 3; label++) {
          const apply = (row: readonly number[], offset: number): number =>
            row.reduce((sum, value, d) => sum + value * features[b]![d]!, offset)
          const outputs = shares.map((_, m) => apply(W[m]![label]!, c[m]![label]!))
          const meanOfOutputs = shares.reduce((sum, share, m) => sum + share * outputs[m]!, 0)
          const meanRow = features[b]!.map((_, d) =>
            shares.reduce((sum, share, m) => sum + share * W[m]![label]![d]!, 0),
          )
          const outputOfMean = apply(
            meanRow,
            shares.reduce((sum, share, m) => sum + share * c[m]![label]!, 0),
          )
          expect(logits[b]![label]).toBeCloseTo(meanOfOutputs, 5)
          expect(logits[b]![label]).toBeCloseTo(outputOfMean, 5)
        }
      })
    })
  })

  it.each(
    CASES.flatMap((model) =>
      (['keys', 'random', 'oracle'] as const).map((routing) => ({ model, routing })),
    ),
  )('I5: an input’s logits do not depend on its batch ($model, $routing)', ({ model, routing }) => {
    const lab = labOf({ routing, topK: routing === 'oracle' ? 1 : 2 }, MODELS[model])
    const pool = noisyPool(lab)
    const all = predicted(lab, pool, [0, 1, 2, 3, 4, 5])
    const others = predicted(lab, pool, [4, 1, 3, 0, 5])
    const [order, alone] = [
      [4, 1, 3, 0, 5],
      [0, 1, 2, 3, 4, 5],
    ]
    order.forEach((row, i) => expect(farthest(others[i]!, all[row]!)).toBeLessThan(1e-5))
    alone.forEach((row) =>
      expect(farthest(predicted(lab, pool, [row])[0]!, all[row]!)).toBeLessThan(1e-5),
    )
    // Inputs do differ, and so do the entries that they choose.
    expect(farthest(all[0]!, all[1]!)).toBeGreaterThan(1e-2)
  })

  it('predicts what the closed form does, each input with the mean of its own entries', () => {
    for (const topK of [1, 2, 4]) {
      const lab = labOf({ topK })
      const pool = noisyPool(lab)
      const [net, naive] = [netOf(lab), naivePool(lab, pool)]
      const x = tf.tidy(() => draw(5, [ROWS, 4]).arraySync() as number[][])
      const choices = x.map((row) => chosenFor(queryOf(net, row), naive.keys, topK))
      if (topK < 4) expect(new Set(choices.map(String)).size).toBeGreaterThan(1)
      predicted(lab, pool, [0, 1, 2, 3, 4, 5]).forEach((logits, i) => {
        const entry = meanOf(choices[i]!.map((m) => naive.entries[m]!))
        expect(farthest(logits, logitsOf(net, x[i]!, entry))).toBeLessThan(1e-5)
      })
    }
  })

  it('I15: renumbering the entries leaves predictions as they are', () => {
    const lab = labOf({ poolSize: 5 })
    const pool = noisyPool(lab)
    const rows = [0, 1, 2, 3, 4, 5]
    const turned = reordered(lab, pool, [3, 0, 4, 1, 2])
    expect(farthest(turned, pool)).toBeGreaterThan(0.1)
    expect(
      farthest(predicted(lab, turned, rows).flat(), predicted(lab, pool, rows).flat()),
    ).toBeLessThan(1e-5)
  })

  it('k = M: every input is predicted with the mean of the whole pool, whatever the keys', () => {
    const lab = labOf({ topK: 4 })
    const pool = noisyPool(lab)
    const [net, mean] = [netOf(lab), meanOf(naivePool(lab, pool).entries)]
    const x = tf.tidy(() => draw(5, [ROWS, 4]).arraySync() as number[][])
    predicted(lab, pool, [0, 3]).forEach((logits, i) =>
      expect(farthest(logits, logitsOf(net, x[[0, 3][i]!]!, mean))).toBeLessThan(1e-5),
    )
  })

  it('M = 1: there are no keys, and one entry for every input', () => {
    const lab = labOf({ poolSize: 1, topK: 1 })
    expect(poolLayout(shapeOf(lab.setup)).params.map(({ name }) => name)).not.toContain('keys')
    const pool = noisyPool(lab)
    const [net, entry] = [netOf(lab), naivePool(lab, pool).entries[0]!]
    const x = tf.tidy(() => draw(5, [ROWS, 4]).arraySync() as number[][])
    predicted(lab, pool, [2, 1]).forEach((logits, i) =>
      expect(farthest(logits, logitsOf(net, x[[2, 1][i]!]!, entry))).toBeLessThan(1e-5),
    )
  })

  it('without adapters the features are the queries: only heads are chosen', () => {
    const lab = labOf({ adapt: 'none' })
    const shape = shapeOf(lab.setup)
    expect(poolLayout(shape).params.map(({ name }) => name)).toEqual([
      'keys',
      'head/weight',
      'head/bias',
    ])
    const pool = noisyPool(lab)
    const net = netOf(lab)
    const { entries, keys } = naivePool(lab, pool)
    const identity = [...Array<number>(5).fill(1), ...Array<number>(5).fill(0)]
    const four = [...Array<number>(4).fill(1), ...Array<number>(4).fill(0)]
    const x = tf.tidy(() => draw(5, [ROWS, 4]).arraySync() as number[][])
    predicted(lab, pool, [0, 1, 2, 3, 4, 5]).forEach((logits, i) => {
      const head = meanOf(chosenFor(queryOf(net, x[i]!), keys, 2).map((m) => entries[m]!))
      const entry = [...identity, ...four, ...four, ...head]
      expect(farthest(logits, logitsOf(net, x[i]!, entry))).toBeLessThan(1e-5)
    })
  })
})
