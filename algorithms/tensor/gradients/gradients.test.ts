import { describe, expect, it } from 'vitest'
import * as ops from '#algorithms/tensor/ops.js'
import { tf, type Tensor, type Tensor4D } from '#algorithms/tensor/tf.js'
import { awayFromZero, derivativeErrors, distinct, positive } from '#testing/derivatives.js'
import { describeOnBackends } from '#testing/on-backends.js'

type Case = readonly [name: string, op: (...x: Tensor[]) => Tensor, inputs: () => Tensor[]]
const any = (...shape: number[]) => awayFromZero(shape.length, ...shape)
const other = (...shape: number[]) => awayFromZero(7 + shape.length, ...shape)
const above = (...shape: number[]) => positive(3, ...shape)
const condition = () => tf.tensor([1, 0, 1, 1, 0, 0], [2, 3], 'bool')
const image = (x: Tensor) => x as Tensor4D

const elementWise: readonly Case[] = [
  ['neg', tf.neg, () => [any(6)]],
  ['abs', tf.abs, () => [any(6)]],
  ['square', tf.square, () => [any(6)]],
  ['sqrt', (x) => tf.mul(tf.sqrt(x), x), () => [above(6)]],
  ['rsqrt', tf.rsqrt, () => [above(6)]],
  ['reciprocal', tf.reciprocal, () => [above(6)]],
  ['exp', tf.exp, () => [any(6)]],
  ['expm1', tf.expm1, () => [any(6)]],
  ['log', tf.log, () => [above(6)]],
  ['log1p', tf.log1p, () => [above(6)]],
  ['sin', tf.sin, () => [any(6)]],
  ['cos', tf.cos, () => [any(6)]],
  ['relu', ops.relu, () => [any(6)]],
  ['softplus', ops.softplus, () => [any(6)]],
  ['erf', tf.erf, () => [any(6)]],
  ['sigmoid', ops.sigmoid, () => [any(6)]],
  ['tanh', ops.tanh, () => [any(6)]],
  ['leakyRelu', (x) => ops.leakyRelu(x, 0.1), () => [any(6)]],
  ['elu', ops.elu, () => [any(6)]],
  ['gelu', ops.gelu, () => [any(6)]],
  ['clipByValue', (x) => tf.clipByValue(x, -0.2, 0.8), () => [tf.tensor([-1, 0.1, 0.5, 1.2])]],
  ['addN', (a, b) => tf.addN([a, b, a]), () => [any(2, 3), other(2, 3)]],
  ['add', tf.add, () => [any(2, 3), other(3)]],
  ['a tensor and itself', (x) => tf.add(x, tf.clone(tf.add(x, x))), () => [any(4)]],
  ['sub', tf.sub, () => [any(2, 3), other(2, 1)]],
  ['mul', tf.mul, () => [any(2, 3), other(3)]],
  ['div', tf.div, () => [any(3), above(2, 3)]],
  ['squaredDifference', tf.squaredDifference, () => [any(2, 3), other(3)]],
  ['maximum', tf.maximum, () => [distinct(1, 6), tf.neg(distinct(1, 6))]],
  ['minimum', tf.minimum, () => [distinct(1, 6), tf.neg(distinct(1, 6))]],
  ['pow', tf.pow, () => [above(2, 3), other(3)]],
  ['where', (a, b) => tf.where(condition(), a, b), () => [any(2, 3), other(2, 3)]],
  ['cast and clone', (x) => tf.clone(tf.cast(x, 'float32')), () => [any(4)]],
]

const reductions: readonly Case[] = [
  ['sum of everything', (x) => tf.sum(x), () => [any(2, 3)]],
  ['sum over a leading axis', (x) => tf.sum(x, 0), () => [any(3, 4)]],
  ['sum over a trailing axis, kept', (x) => tf.sum(x, -1, true), () => [any(3, 4)]],
  ['mean over inner axes', (x) => tf.mean(x, [1, 2]), () => [any(2, 3, 2, 2)]],
  ['max', (x) => tf.max(x, 1), () => [distinct(2, 3, 4)]],
  ['min, kept', (x) => tf.min(x, 0, true), () => [distinct(2, 3, 4)]],
  ['norm', (x) => tf.norm(x), () => [any(5)]],
  ['matMul', (a, b) => tf.matMul(a, b), () => [any(2, 3), other(3, 4)]],
  ['matMul aT b', (a, b) => tf.matMul(a, b, true), () => [any(3, 2), other(3, 4)]],
  ['matMul a bT', (a, b) => tf.matMul(a, b, false, true), () => [any(2, 3), other(4, 3)]],
  ['matMul aT bT', (a, b) => tf.matMul(a, b, true, true), () => [any(3, 2), other(4, 3)]],
  ['matMul in batches', (a, b) => tf.matMul(a, b), () => [any(2, 2, 3), other(1, 3, 2)]],
  ['softmax', ops.softmax, () => [any(3, 4)]],
  ['logSumExp', ops.logSumExp, () => [distinct(4, 3, 4)]],
  ['logSoftmax', ops.logSoftmax, () => [distinct(5, 3, 4)]],
  ['crossEntropy in logits', (z) => ops.crossEntropy(z, oneHot()), () => [any(3, 4)]],
  ['crossEntropy in soft labels', ops.crossEntropy, () => [any(3, 4), softLabels()]],
  ['dense', ops.dense, () => [any(2, 3), other(3, 4), any(4)]],
  ['dense on tokens', ops.dense, () => [any(2, 2, 3), other(3, 4), any(4)]],
  ['unitVectors', (x) => ops.unitVectors(x), () => [any(3, 4)]],
  ['unitVectors along columns', (x) => ops.unitVectors(x, 0), () => [any(3, 4)]],
  ['attention', (x) => ops.attention(x, 2), () => [any(2, 3, 12)]],
]
const oneHot = () => tf.cast(tf.oneHot(tf.tensor1d([2, 0, 3], 'int32'), 4), 'float32')
const softLabels = () => tf.softmax(other(3, 4))

const shapes: readonly Case[] = [
  ['reshape', (x) => tf.reshape(x, [3, 2]), () => [any(2, 3)]],
  ['expandDims and squeeze', (x) => tf.squeeze(tf.expandDims(x, 1)), () => [any(2, 3)]],
  ['transpose', (x) => tf.transpose(x, [2, 0, 1]), () => [any(2, 3, 2)]],
  ['reverse', (x) => tf.mul(tf.reverse(x, 1), x), () => [any(2, 3)]],
  ['slice', (x) => tf.slice(x, [0, 1], [2, 2]), () => [any(3, 4)]],
  [
    'pad',
    (x) =>
      tf.pad(x, [
        [1, 0],
        [0, 2],
      ]),
    () => [any(2, 3)],
  ],
  ['tile', (x) => tf.tile(x, [2, 1, 3]), () => [any(2, 3, 2)]],
  ['broadcastTo', (x) => tf.broadcastTo(x, [2, 3, 4]), () => [any(3, 1)]],
  ['concat', (a, b) => tf.concat([a, b], -1), () => [any(2, 3), other(2, 2)]],
  ['stack', (a, b) => tf.stack([a, b], 1), () => [any(2, 3), other(2, 3)]],
  ['split', (x) => tf.mul(...pairOf(tf.split(x, 2, 1))), () => [any(2, 4)]],
  ['unstack', (x) => tf.mul(...pairOf(tf.unstack(x, 1))), () => [any(3, 2)]],
  ['unstack of one', (x) => tf.unstack(x)[0]!, () => [any(1, 3)]],
  ['split with an unused part', (x) => tf.split(x, 2, 1)[1]!, () => [any(2, 4)]],
  ['gather', (x) => tf.gather(x, tf.tensor1d([2, 0, 2], 'int32')), () => [any(3, 2)]],
  [
    'gather on axis 1',
    (x) => tf.gather(x, tf.tensor1d([1, 1, 0], 'int32'), 1),
    () => [any(2, 3, 2)],
  ],
]
const pairOf = (parts: Tensor[]): [Tensor, Tensor] => [parts[0]!, parts[1]!]

const images: readonly Case[] = [
  ['conv2d valid', (x, k) => ops.conv2d(x, k), () => [any(2, 5, 4, 2), other(3, 2, 2, 3)]],
  [
    'conv2d same',
    (x, k) => ops.conv2d(x, k, { padding: 'same' }),
    () => [any(2, 4, 5, 2), other(3, 3, 2, 3)],
  ],
  [
    'conv2d same, even kernel',
    (x, k) => ops.conv2d(x, k, { padding: 'same' }),
    () => [any(1, 4, 5, 1), other(2, 4, 1, 2)],
  ],
  [
    'conv2d stride 2',
    (x, k) => ops.conv2d(x, k, { stride: 2 }),
    () => [any(2, 6, 7, 2), other(3, 3, 2, 2)],
  ],
  [
    'conv2d same, stride 2',
    (x, k) => ops.conv2d(x, k, { stride: 2, padding: 'same' }),
    () => [any(1, 6, 5, 2), other(3, 3, 2, 2)],
  ],
  [
    'conv2d padded by numbers',
    (x, k) => ops.conv2d(x, k, { padding: [1, 2] }),
    () => [any(1, 4, 3, 1), other(3, 3, 1, 2)],
  ],
  ['conv2d 1x1', (x, k) => ops.conv2d(x, k), () => [any(2, 3, 3, 2), other(1, 1, 2, 3)]],
  [
    'conv2d 1x1, stride 2',
    (x, k) => ops.conv2d(x, k, { stride: 2 }),
    () => [any(2, 4, 4, 2), other(1, 1, 2, 3)],
  ],
  [
    'depthwiseConv2d',
    (x, k) => ops.depthwiseConv2d(x, k, { padding: 'same' }),
    () => [any(2, 4, 5, 2), other(3, 3, 2, 2)],
  ],
  [
    'depthwiseConv2d stride 2',
    (x, k) => ops.depthwiseConv2d(x, k, { stride: 2 }),
    () => [any(1, 5, 6, 3), other(3, 2, 3, 1)],
  ],
  ['avgPool', (x) => ops.avgPool(x, 2), () => [any(2, 4, 5, 2)]],
  ['avgPool, overlapping', (x) => tf.avgPool(image(x), 3, 2, 'valid'), () => [any(1, 5, 5, 2)]],
  ['globalAvgPool', ops.globalAvgPool, () => [any(2, 3, 4, 2)]],
  ['maxPool', (x) => ops.maxPool(x, 2), () => [distinct(6, 2, 4, 5, 2)]],
  [
    'layerNorm',
    (x, scale, shift) => ops.layerNorm(x, { scale: scale, shift: shift }),
    () => [any(3, 5), other(5), any(5)],
  ],
  [
    'groupNorm',
    (x, scale, shift) => ops.groupNorm(x, 2, { scale: scale, shift: shift }),
    () => [any(2, 2, 3, 4), other(4), any(4)],
  ],
]

describeOnBackends('Gradient rules', () => {
  describe.each([
    ['element-wise', elementWise],
    ['reductions', reductions],
    ['shapes', shapes],
    ['images', images],
  ])('%s', (_group, cases) => {
    it.each(cases)(
      '%s: first and second derivatives match central differences',
      (_name, op, inputs) => {
        const before = tf.memory().numTensors
        const tensors = tf.tidy(inputs)
        const { first, second } = derivativeErrors(op, tensors)
        tf.dispose(tensors)
        expect(first).toBeLessThan(3e-3)
        expect(second).toBeLessThan(3e-3)
        expect(tf.memory().numTensors).toBe(before)
      },
    )
  })

  it('keeps the third derivative: that of exp is exp', () => {
    const third = tf.grad(tf.grad(tf.grad((x: Tensor) => tf.exp(x))))(tf.scalar(0.5))
    expect(third.dataSync()[0]).toBeCloseTo(Math.exp(0.5), 4)
  })

  it('refuses the gradient of a dilated convolution', () => {
    const dilated = (k: Tensor) =>
      tf.conv2d(image(distinct(1, 1, 5, 5, 1)), image(k), 1, 'valid', 'NHWC', 2)
    expect(() => tf.grad(dilated)(distinct(2, 2, 2, 1, 1))).toThrow(/dilation/)
  })

  it('refuses a second derivative of max pooling with overlapping windows', () => {
    const pooled = (x: Tensor) => tf.square(tf.maxPool(image(x), 3, 1, 'valid'))
    const first = tf.grad(pooled)
    expect(() => tf.grad((x: Tensor) => tf.square(first(x)))(distinct(1, 1, 4, 4, 1))).toThrow(
      /windows do not overlap/,
    )
  })
})
