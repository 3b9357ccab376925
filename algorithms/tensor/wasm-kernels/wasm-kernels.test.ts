import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend, type BackendName } from '#algorithms/tensor/backends.js'
import { normalTensor } from '#algorithms/tensor/random-tensor.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

type Inputs = Record<string, readonly number[]>

/** Runs one kernel on numbers drawn from a seed, on one backend, and reads the result. */
async function result(
  backend: BackendName,
  name: string,
  inputs: Inputs,
  attrs: object,
): Promise<Float32Array> {
  await useBackend(backend)
  const stream = createStreams(5)('test/kernels', 0, 0)
  return tf.tidy(() => {
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([key, shape]) => [key, normalTensor(stream, shape)]),
    )
    return run(name, tensors, attrs).dataSync<'float32'>().slice()
  })
}
const run = (name: string, tensors: Record<string, Tensor>, attrs: object): Tensor =>
  tf.engine().runKernel<Tensor>(name, tensors, { ...attrs })

async function expectSame(name: string, inputs: Inputs, attrs: object): Promise<void> {
  const expected = await result('cpu', name, inputs, attrs)
  const got = await result('wasm', name, inputs, attrs)
  expect(got.length).toBe(expected.length)
  got.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4))
}

interface Geometry {
  readonly size: readonly [number, number]
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly pad: 'valid' | 'same'
}
const geometries: readonly Geometry[] = [
  { size: [6, 5], kernel: [3, 3], stride: [1, 1], pad: 'valid' },
  { size: [6, 5], kernel: [3, 3], stride: [1, 1], pad: 'same' },
  { size: [6, 5], kernel: [4, 2], stride: [1, 1], pad: 'same' },
  { size: [7, 8], kernel: [3, 3], stride: [2, 2], pad: 'valid' },
  { size: [7, 8], kernel: [3, 3], stride: [2, 2], pad: 'same' },
  { size: [8, 9], kernel: [2, 3], stride: [3, 1], pad: 'valid' },
  { size: [5, 5], kernel: [1, 1], stride: [1, 1], pad: 'valid' },
  { size: [6, 5], kernel: [1, 1], stride: [2, 2], pad: 'valid' },
  { size: [5, 5], kernel: [5, 5], stride: [1, 1], pad: 'valid' },
]
const outSize = ({ size, kernel, stride, pad }: Geometry): number[] =>
  size.map((n, i) => Math.ceil((pad === 'same' ? n : n - kernel[i]! + 1) / stride[i]!))

describe('Kernels of the wasm backend', () => {
  beforeAll(async () => {
    await useBackend('cpu')
  })

  describe.each(geometries)('with a convolution of $size by $kernel, stride $stride, $pad', (g) => {
    const attrs = { strides: g.stride, pad: g.pad, dataFormat: 'NHWC' }
    const x = [2, ...g.size, 3]

    it('computes the filter gradient as cpu does', async () => {
      const inputs = { x, dy: [2, ...outSize(g), 4] }
      await expectSame('Conv2DBackpropFilter', inputs, {
        ...attrs,
        filterShape: [...g.kernel, 3, 4],
      })
    })
    it('computes the input gradient as cpu does', async () => {
      const inputs = { dy: [2, ...outSize(g), 4], filter: [...g.kernel, 3, 4] }
      await expectSame('Conv2DBackpropInput', inputs, { ...attrs, inputShape: x })
    })
    it('computes both depthwise gradients as cpu does', async () => {
      const dy = [2, ...outSize(g), 6]
      const depthwise = { ...attrs, dilations: [1, 1] }
      await expectSame(
        'DepthwiseConv2dNativeBackpropFilter',
        { x, dy },
        { ...depthwise, filterShape: [...g.kernel, 3, 2] },
      )
      await expectSame(
        'DepthwiseConv2dNativeBackpropInput',
        { dy, filter: [...g.kernel, 3, 2] },
        { ...depthwise, inputShape: x },
      )
    })
  })

  it.each([
    [false, false, [5, 3], [3, 4]],
    [false, false, [3, 200], [200, 90]],
    [true, false, [3, 5], [3, 4]],
    [false, true, [5, 3], [4, 3]],
    [false, true, [2, 3], [7, 3]],
    [true, true, [3, 5], [4, 3]],
    [true, false, [2, 3, 5], [2, 3, 4]],
    [false, true, [2, 5, 3], [1, 4, 3]],
  ])(
    'multiplies matrices, transposed: %s, %s, of shapes %j and %j',
    async (transposeA, transposeB, a, b) => {
      await expectSame('BatchMatMul', { a, b }, { transposeA, transposeB })
    },
  )

  it.each([
    [[0], [4, 3], false],
    [[0, 1], [4, 3, 2], true],
    [[0, 1, 2], [2, 3, 2, 5], false],
    [[1], [4, 3], false],
    [[-1], [4, 3], true],
    [[0, 1], [4, 3], false],
    [[0], [1, 3], false],
  ])('sums over the axes %j of shape %j, kept: %s', async (axis, x, keepDims) => {
    await expectSame('Sum', { x }, { axis, keepDims })
  })

  it.each([
    [2, 2, 'valid'],
    [2, 2, 'same'],
    [3, 2, 'valid'],
  ] as const)(
    'gives pooling gradients of size %i and stride %i, %s',
    async (filterSize, strides, pad) => {
      const attrs = { filterSize, strides, pad }
      const back = async (backend: BackendName) => {
        await useBackend(backend)
        return tf.tidy(() => {
          const stream = createStreams(5)('test/pooling', 0, 0)
          const input = normalTensor(stream, [2, 7, 6, 3])
          const output = run('MaxPool', { x: input }, attrs)
          const dy = normalTensor(stream, output.shape)
          const gradients = [run('MaxPoolGrad', { dy, input, output }, attrs)]
          // tfjs' own average gradient forgets that a padded window holds fewer elements; nothing of ours pads.
          if (pad === 'valid') gradients.push(run('AvgPoolGrad', { dy, input }, attrs))
          return gradients.map((gradient) => gradient.dataSync<'float32'>().slice())
        })
      }
      const [expected, got] = [await back('cpu'), await back('wasm')]
      expect(got.length).toBe(expected.length)
      got.forEach((gradient, i) => {
        gradient.forEach((value, j) => expect(value).toBeCloseTo(expected[i]![j]!, 5))
      })
    },
  )

  it('sums segments and drops rows whose id is out of range', async () => {
    await useBackend('wasm')
    const x = tf.tensor([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ])
    const ids = tf.tensor1d([2, 0, 2, 9], 'int32')
    expect([...tf.unsortedSegmentSum(x, ids, 3).dataSync()]).toEqual([3, 4, 0, 0, 6, 8])
  })

  it('frees what it makes on the way', async () => {
    await useBackend('wasm')
    const buffers = () => tf.backend().numDataIds()
    const [x, k] = [tf.ones([2, 6, 6, 2]), tf.ones([3, 3, 2, 3])]
    const before = buffers()
    tf.tidy(() => {
      tf.grads((a: Tensor, b: Tensor) =>
        tf.sum(tf.conv2d(a as never, b as never, 2, 'same'), [0, 1]),
      )([x, k])
      tf.grads((a: Tensor, b: Tensor) => tf.matMul(a, b))([tf.ones([2, 3]), tf.ones([3, 4])])
    })
    expect(buffers()).toBe(before)
  })

  it('leaves no listener for uncaught errors behind', () => {
    const sources = process.listeners('uncaughtException').map(String)
    expect(sources.filter((source) => source.includes('ExitStatus'))).toEqual([])
  })
})
