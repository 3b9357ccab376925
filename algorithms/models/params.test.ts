import { beforeAll, describe, expect, it } from 'vitest'
import { makeBundle } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { mlp } from './mlp.js'
import { fromTensors, paramsBundle, paramsOf, readParams, toTensors } from './params.js'

beforeAll(() => useBackend('cpu'))

const model = mlp.build(
  { inputShape: [2], classes: ['a', 'b'] },
  { hidden: [3], activation: 'relu' },
)
const flat = model.init(createStreams(1)('init', 0, 0))

describe('params', () => {
  it('survive the way to tensors and back', async () => {
    const before = tf.memory().numTensors
    const tensors = toTensors(model, flat)
    expect(tensors.map((tensor) => tensor.shape)).toEqual([[2, 3], [3], [3, 2], [2]])
    expect(fromTensors(model, tensors)).toEqual(flat)
    expect(await readParams(model, tensors)).toEqual(flat)
    tf.dispose(tensors)
    expect(tf.memory().numTensors).toBe(before)
  })

  it('are copied, so that a later change of the array does not reach the tensors', () => {
    const changed = flat.slice()
    const tensors = toTensors(model, changed)
    changed.fill(9)
    expect(fromTensors(model, tensors)).toEqual(flat)
    tf.dispose(tensors)
  })

  it('survive the way to a bundle and back', () => {
    const bundle = paramsBundle(model, flat)
    expect(bundle.tensors).toEqual(model.params)
    expect(paramsOf(model, bundle)).toEqual(flat)
  })

  it('are refused when their number or a shape is not the model’s', () => {
    expect(() => toTensors(model, flat.subarray(1))).toThrow('mlp has 17 parameters, got 16')
    expect(() => paramsBundle(model, flat.subarray(1))).toThrow('mlp has 17 parameters, got 16')
    const turned = paramsBundle(model, flat).tensors.map(({ name, shape, dtype }) => ({
      name,
      dtype,
      shape: shape.toReversed(),
      data: new Float32Array(shape.reduce((all, one) => all * one, 1)),
    }))
    expect(() => paramsOf(model, makeBundle(turned))).toThrow(
      'mlp needs dense1/kernel as float32 [2, 3], got float32 [3, 2]',
    )
    expect(() => paramsOf(model, makeBundle([]))).toThrow(
      expect.objectContaining({ code: 'bundle/malformed' }),
    )
  })
})
