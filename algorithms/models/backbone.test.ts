import { describe, expect, it } from 'vitest'
import { makeBundle, tensorsOf, type NamedTensor } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import { backboneLayout, backboneParams, takenOver } from './backbone.js'
import { mlp } from './mlp.js'
import type { Model } from './model.js'
import { paramsBundle } from './params.js'

const CLASSES = ['a', 'b', 'c']
const build = (classes: number, hidden: readonly number[] = [3]): Model =>
  mlp.build(
    { inputShape: [2], classes: CLASSES.slice(0, classes) },
    { hidden: [...hidden], activation: 'relu' },
  )
const drawn = (model: Model, seed: number): Float32Array =>
  model.init(createStreams(seed)('init', 0, 0))

const model = build(2)
const own = drawn(model, 1)
const bundle = paramsBundle(model, own)
/** dense1: a kernel of [2, 3] and a bias of [3]; what follows is the head. */
const BACKBONE = 9

const without = (name: string) =>
  makeBundle(tensorsOf(bundle).filter((tensor) => tensor.name !== name))
const changed = (name: string, change: Partial<NamedTensor>) =>
  makeBundle(
    tensorsOf(bundle).map((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor)),
  )

describe('a backbone', () => {
  it('is all params but those of the last block, in order', () => {
    expect(backboneLayout(model)).toMatchObject({
      params: [{ name: 'dense1/kernel' }, { name: 'dense1/bias' }],
      parameterCount: BACKBONE,
    })
    expect(backboneParams(model, bundle)).toEqual(own.subarray(0, BACKBONE))
  })

  it('comes out of a bundle whatever its head is', () => {
    const other = build(3)
    const params = drawn(other, 2)
    expect(backboneParams(model, paramsBundle(other, params))).toEqual(params.subarray(0, BACKBONE))
    expect(backboneParams(model, without('head/kernel'))).toEqual(own.subarray(0, BACKBONE))
  })

  it.each([
    ['is missing', without('dense1/bias'), 'needs dense1/bias, which the bundle does not have'],
    [
      'has another shape',
      changed('dense1/kernel', { shape: [3, 2] }),
      'needs dense1/kernel as float32 [2, 3], got float32 [3, 2]',
    ],
    [
      'has another type',
      changed('dense1/bias', { dtype: 'int32', data: new Int32Array(3) }),
      'needs dense1/bias as float32 [3], got int32 [3]',
    ],
  ])('is refused when a tensor %s', (_what, wrong, message) => {
    expect(() => backboneParams(model, wrong)).toThrow(
      expect.objectContaining({
        code: 'model/does-not-fit',
        message: `the backbone of mlp ${message}`,
      }),
    )
  })
})

describe('params that are taken over', () => {
  const seeded = drawn(model, 3)

  it('are those of the bundle where all of them fit', () => {
    expect(takenOver(model, bundle, seeded)).toEqual(own)
  })

  it.each([
    ['is for another number of classes', paramsBundle(build(3), drawn(build(3), 1))],
    ['is absent', makeBundle(tensorsOf(bundle).filter(({ name }) => !name.startsWith('head/')))],
    ['lacks its bias', without('head/bias')],
  ])('have the seeded head where the bundle’s %s', (_what, other) => {
    const params = takenOver(model, other, seeded)
    expect(params.subarray(0, BACKBONE)).toEqual(backboneParams(model, other))
    expect(params.subarray(BACKBONE)).toEqual(seeded.subarray(BACKBONE))
    expect(params).not.toEqual(seeded)
  })

  it('are refused where the head has the right shape and holds something else', () => {
    const wrong = changed('head/bias', { dtype: 'int32', data: new Int32Array(2) })
    expect(() => takenOver(model, wrong, seeded)).toThrow(
      expect.objectContaining({ code: 'model/does-not-fit' }),
    )
  })

  it('are refused where the backbone is another one', () => {
    expect(() => takenOver(build(2, [3, 3]), bundle, seeded)).toThrow(
      'needs dense2/kernel, which the bundle does not have',
    )
  })
})
