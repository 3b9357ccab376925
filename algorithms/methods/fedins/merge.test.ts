import { beforeAll, describe, expect, it } from 'vitest'
import { makeBundle } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { namedTensors } from '#algorithms/methods/delta.js'
import { foldAffine } from '#algorithms/models/fold.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { paramsOf, toTensors } from '#algorithms/models/params.js'
import { normalTensor } from '#algorithms/tensor/random-tensor.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import {
  farthest,
  initialState,
  labOf,
  poolIn,
  withBackbone,
  type Lab,
} from '#testing/fedins-lab.js'
import { adaptedFeatures, headLogits } from './forward.js'
import { mergeSelection } from './merge.js'
import { partsOf, poolLayout } from './pool.js'
import { shapeOf } from './setup.js'

const on =
  (model: JsonObject & { name: string }, inputShape: readonly number[]) =>
  (config: RunConfig): RunConfig => ({ ...config, model, task: { ...config.task, inputShape } })
/** Linear and norm; convolution; tokens. */
const MODELS = {
  mlp: on({ name: 'mlp', hidden: [5, 4], activation: 'gelu', closingNorm: true }, [4]),
  lenet: on({ name: 'lenet' }, [12, 12, 1]),
  vit: on({ name: 'vit', patchSize: 4, width: 8, depth: 2, heads: 2, mlpRatio: 2 }, [8, 8, 3]),
}
const CASES = Object.keys(MODELS) as (keyof typeof MODELS)[]

type Numbers = ArrayLike<number>
const noise = (seed: number) => createStreams(seed)('test/merge', 0, 0)
const inputs = ({ setup }: Lab): Tensor => normalTensor(noise(5), [6, ...setup.model.inputShape])
function noisyPool(lab: Lab): Float32Array {
  const stream = noise(3)
  return poolIn(lab, initialState(lab)).map((value) => value + 0.2 * stream.normal())
}
const frozen = ({ setup, startFrom }: Lab): Float32Array =>
  paramsOf(extractorOf(setup.model).layout, startFrom)
const merged = (lab: Lab, pool: Float32Array, entries: readonly number[]): Float32Array => {
  const shape = shapeOf(lab.setup)
  const bundle = makeBundle(namedTensors(poolLayout(shape), pool))
  return mergeSelection({
    ...{ model: lab.setup.model, shape, backbone: frozen(lab), pool: bundle, entries },
  })
}

/** Logits of the merged model, of the adapted backbone with the same entries, and of another choice. */
async function bothLogits(lab: Lab, entries: readonly number[]) {
  const { model } = lab.setup
  const shape = shapeOf(lab.setup)
  const pool = noisyPool(lab)
  const folded = tf.tidy(() =>
    model.forward(toTensors(model, merged(lab, pool, entries)), inputs(lab)).dataSync(),
  )
  const explicit = (some: readonly number[]) =>
    withBackbone(lab, (backbone) =>
      tf.tidy(() => {
        const parts = partsOf(shape, toTensors(poolLayout(shape), pool))
        const shares = Array.from({ length: shape.entries }, (_, m) =>
          some.includes(m) ? 1 / some.length : 0,
        )
        const selection = tf.tile(tf.tensor2d([shares]), [6, 1])
        const f = adaptedFeatures(backbone, inputs(lab), { pool: parts, selection })
        return headLogits(parts, selection, f).dataSync()
      }),
    )
  return { folded, explicit: await explicit(entries), other: await explicit([0]) }
}

/** As far as float32 goes: 1e-5 of the largest logit. */
function expectSame(got: Numbers, expected: Numbers): void {
  const largest = Math.max(1, farthest(expected, Array<number>(expected.length).fill(0)))
  expect(farthest(got, expected)).toBeLessThan(1e-5 * largest)
}

describe('merging entries into a plain model', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it.each(
    CASES.flatMap((model) => [[1], [3, 1], [0, 1, 2, 3]].map((entries) => ({ model, entries }))),
  )(
    'I2: gives the logits of the explicit scales and shifts ($model, $entries)',
    async ({ model, entries }) => {
      const { folded, explicit, other } = await bothLogits(labOf({}, MODELS[model]), entries)
      expectSame(folded, explicit)
      expect(farthest(folded, other)).toBeGreaterThan(1e-2)
    },
  )

  const SITES = CASES.flatMap((model) =>
    labOf({}, MODELS[model]).setup.model.sites.map(({ id }, site) => ({ model, id, site })),
  )
  it.each(SITES)('I2: folds the site $id of $model', async ({ model, site: only }) => {
    const lab = labOf({}, MODELS[model])
    const { model: net } = lab.setup
    const stream = noise(8)
    const drawn = (mean: number, size: number): Float32Array =>
      Float32Array.from({ length: size }, () => mean + 0.5 * stream.normal())
    const affine = net.sites.map(({ channels }, site) =>
      site === only
        ? { scale: drawn(1, channels), shift: drawn(0, channels) }
        : { scale: new Float32Array(channels).fill(1), shift: new Float32Array(channels) },
    )
    const params = paramsOf(net, lab.startFrom)
    const run = (flat: Float32Array, isAdapted: boolean): Float32Array =>
      tf.tidy(() => {
        const adapt = (site: number, z: Tensor): Tensor =>
          site === only ? tf.add(tf.mul(z, affine[site]!.scale), affine[site]!.shift) : z
        const options = isAdapted ? { adapt } : {}
        return net.forward(toTensors(net, flat), inputs(lab), options).dataSync() as Float32Array
      })
    const explicit = run(params, true)
    expectSame(run(foldAffine(net, params, affine), false), explicit)
    expect(farthest(run(params, false), explicit)).toBeGreaterThan(1e-3)
  })

  it('without adapters takes the backbone as it is', () => {
    const lab = labOf({ adapt: 'none' })
    const params = merged(lab, noisyPool(lab), [2])
    expect(params.subarray(0, frozen(lab).length)).toEqual(frozen(lab))
  })

  it('leaves the pool and the backbone as they were', () => {
    const lab = labOf({})
    const [pool, before] = [noisyPool(lab), frozen(lab)]
    merged(lab, pool, [1, 2])
    expect(pool).toEqual(noisyPool(lab))
    expect(frozen(lab)).toEqual(before)
  })

  it.each([[[]], [[4]], [[-1]], [[0.5]], [[1, 1]]])('refuses the entries %j', (entries) => {
    const lab = labOf({})
    expect(() => merged(lab, noisyPool(lab), entries)).toThrow(
      expect.objectContaining({ code: 'usage/bad-value' }),
    )
  })
})
