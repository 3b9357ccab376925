import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { foldAffine, type Affine } from './fold.js'
import type { Model } from './model.js'
import { toTensors } from './params.js'
import { MODELS } from './zoo.js'

const INPUT = [8, 8, 2]
const SMALL: Record<string, object> = {
  mlp: { hidden: [7, 5], closingNorm: true, activation: 'gelu' },
  cnn: { filters: [3, 4], kernelSize: 3, hidden: 6 },
  lenet: { filters: [2, 3], kernelSize: 3, hidden: [6, 5] },
  vit: { patchSize: 4, width: 6, depth: 2, heads: 2, mlpRatio: 2 },
  gap: { filters: [3, 4] },
  flat: { filters: [2, 3] },
}
const stream = createStreams(23)('test', 0, 0)
const normals = (count: number, scale = 1): Float32Array =>
  Float32Array.from({ length: count }, () => scale * stream.normal())

function small(name: string, options: object = {}): Model {
  const entry = MODELS.find((one) => one.name === name)!
  return entry.build(
    { inputShape: INPUT, classes: ['a', 'b'] },
    entry.options.parse({ ...SMALL[name], ...options }),
  )
}

const affineOf = ({ sites }: Model): readonly Affine[] =>
  sites.map(({ channels }) => ({
    scale: normals(channels, 0.3).map((value) => 1 + value),
    shift: normals(channels, 0.3),
  }))

describeOnBackends('folding', () => {
  it.each(Object.keys(SMALL))('gives %s the features that adapting every site gives', (name) => {
    tf.tidy(() => {
      const model = small(name)
      const params = model.init(stream).map((value) => value + 0.05 * stream.normal())
      const affine = affineOf(model)
      const x = tf.tensor(normals(3 * 128), [3, ...INPUT])
      const to = model.blocks.length - 1
      const featuresOf = (flat: Float32Array, adapt?: (site: number, z: Tensor) => Tensor) =>
        model
          .forward(toTensors(model, flat), x, { to, ...(adapt === undefined ? {} : { adapt }) })
          .dataSync()
      const met = new Set<number>()
      const adapted = featuresOf(params, (site, z) => {
        met.add(site)
        return tf.add(tf.mul(z, tf.tensor1d(affine[site]!.scale)), tf.tensor1d(affine[site]!.shift))
      })
      const folded = featuresOf(foldAffine(model, params, affine))
      expect(met.size).toBe(model.sites.length)
      const plain = featuresOf(params)
      expect(Math.max(...distances(adapted, plain))).toBeGreaterThan(1e-2)
      expect(Math.max(...distances(adapted, folded))).toBeLessThan(1e-5)
    })
  })
})

it('leaves a normalized head as it is', () => {
  const model = small('mlp', { head: 'normalized' })
  const params = model.init(stream)
  const folded = foldAffine(model, params, affineOf(model))
  expect(folded.subarray(-10)).toEqual(params.subarray(-10))
  expect(folded.subarray(0, -10)).not.toEqual(params.subarray(0, -10))
})

const distances = (a: ArrayLike<number>, b: ArrayLike<number>): readonly number[] =>
  Array.from(a, (value, i) => Math.abs(value - b[i]!))

describe('an affine that does not fit', () => {
  const model = small('mlp')
  const params = model.init(stream)

  it('is refused, and the params it was meant for stay as they are', () => {
    const before = params.slice()
    const affine = affineOf(model)
    expect(() => foldAffine(model, params, affine.slice(1))).toThrow('mlp has 3 sites, got 2')
    const wrong = [...affine.slice(1), affine[0]!]
    expect(() => foldAffine(model, params, wrong)).toThrow('Site dense1 has 7 channels')
    expect(foldAffine(model, params, affine)).not.toEqual(before)
    expect(params).toEqual(before)
  })
})
