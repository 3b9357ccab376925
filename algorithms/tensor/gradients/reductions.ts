import {
  BatchMatMul,
  Max,
  Mean,
  Min,
  Softmax,
  Sum,
  broadcastTo,
  div,
  equal,
  matMul,
  mul,
  reshape,
  softmax,
  sub,
  sum,
  util,
  type GradConfig,
  type Tensor,
} from '@tensorflow/tfjs-core'
import { asNumbers, keptShape, sumTo, unary, type Attrs } from './rule.js'

const axesOf = (attrs: Attrs, name: string, shape: number[]): number[] =>
  util.parseAxisParam(attrs[name] as number | number[], shape)

/** The cotangent of a reduction over `axes`, given back to every element. */
const spread = (dy: Tensor, shape: readonly number[], axes: readonly number[]): Tensor =>
  broadcastTo(reshape(dy, keptShape(shape, axes)), [...shape])

/** Every element that equals the extreme gets the cotangent; which ones do is constant almost everywhere. */
const extreme = (kernelName: string, attribute: string): GradConfig => ({
  kernelName,
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc: (dy, saved, attrs) => {
    const [x, y] = saved as [Tensor, Tensor]
    const kept = keptShape(x.shape, axesOf(attrs, attribute, x.shape))
    return {
      x: () => mul(reshape(dy as Tensor, kept), asNumbers(equal(x, reshape(y, kept)))),
    }
  },
})

/** Each of the four cases of a product of matrices with optional transposes; leading axes broadcast. */
const matMulRule: GradConfig = {
  kernelName: BatchMatMul,
  inputsToSave: ['a', 'b'],
  gradFunc: (cotangent, saved, attrs) => {
    const [a, b] = saved as [Tensor, Tensor]
    const dy = cotangent as Tensor
    const { transposeA, transposeB } = attrs as { transposeA?: boolean; transposeB?: boolean }
    const backA = () =>
      transposeA ? matMul(b, dy, transposeB, true) : matMul(dy, b, false, !transposeB)
    const backB = () =>
      transposeB ? matMul(dy, a, true, transposeA) : matMul(a, dy, !transposeA, false)
    return { a: () => sumTo(backA(), a.shape), b: () => sumTo(backB(), b.shape) }
  },
}

export const reductionGradients: readonly GradConfig[] = [
  unary(Sum, (dy, x, attrs) => spread(dy, x.shape, axesOf(attrs, 'axis', x.shape))),
  unary(Mean, (dy, x, attrs) => {
    const axes = axesOf(attrs, 'axis', x.shape)
    const count = axes.reduce((all, axis) => all * x.shape[axis]!, 1)
    return spread(div(dy, count), x.shape, axes)
  }),
  extreme(Max, 'reductionIndices'),
  extreme(Min, 'axis'),
  unary(
    Softmax,
    (dy, logits) => {
      const p = softmax(logits)
      const weighted = mul(dy, p)
      return sub(weighted, mul(sum(weighted, -1, true), p))
    },
    'logits',
  ),
  matMulRule,
]
