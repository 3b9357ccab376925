import {
  AvgPool,
  AvgPoolGrad,
  MaxPool,
  MaxPoolGrad,
  avgPool,
  engine,
  mul,
  onesLike,
  zeros,
  type AvgPoolGradAttrs,
  type GradConfig,
  type MaxPoolGradAttrs,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core'
import { FederationError } from '#protocol/errors.js'

const backward = (name: string, inputs: Record<string, Tensor>, attrs: object): Tensor =>
  engine().runKernel(name, inputs, { ...attrs })

const averagePoolRule: GradConfig = {
  kernelName: AvgPool,
  inputsToSave: ['x'],
  gradFunc: (dy, [x], attrs) => ({
    x: () => backward(AvgPoolGrad, { dy: dy as Tensor, input: x! }, attrs),
  }),
}
/** The saved output only tells where the maxima are, so nothing is lost by saving it. */
const maximumPoolRule: GradConfig = {
  kernelName: MaxPool,
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc: (dy, [x, y], attrs) => ({
    x: () => backward(MaxPoolGrad, { dy: dy as Tensor, input: x!, output: y! }, attrs),
  }),
}

/** Average pooling is linear: the derivative of its backward map is itself. */
const averageRule: GradConfig = {
  kernelName: AvgPoolGrad,
  inputsToSave: ['input'],
  gradFunc: (p, [input], attributes) => {
    const { filterSize, strides, pad } = attributes as unknown as AvgPoolGradAttrs
    return {
      dy: () => avgPool(p as Tensor4D, filterSize, strides, pad),
      input: () => zeros(input!.shape),
    }
  },
}

/**
 * Given where the maxima are, max pooling is linear too: the backward map puts u at the maxima, its derivative picks p
 * there. The positions are constant almost everywhere, so `input` and `output` have derivative zero. Picking is written
 * as a sum over windows of p times a 0/1 mask, which is right when windows do not overlap.
 */
const maximumRule: GradConfig = {
  kernelName: MaxPoolGrad,
  inputsToSave: ['dy', 'input', 'output'],
  gradFunc: (p, [dy, input, output], attributes) => {
    const attrs = attributes as unknown as MaxPoolGradAttrs
    return {
      dy: () => pickMaxima(p as Tensor, { dy: dy!, input: input!, output: output! }, attrs),
      input: () => zeros(input!.shape),
      output: () => zeros(output!.shape),
    }
  },
}

interface Pooled {
  readonly dy: Tensor
  readonly input: Tensor
  readonly output: Tensor
}

function pickMaxima(p: Tensor, { dy, input, output }: Pooled, attrs: MaxPoolGradAttrs): Tensor {
  const [height, width] = pair(attrs.filterSize)
  const [rowStride, columnStride] = pair(attrs.strides)
  if (height !== rowStride || width !== columnStride) {
    throw new FederationError(
      'algorithm/failed',
      `Max pooling can be differentiated twice only where windows do not overlap, got size ${height}x${width} and stride ${rowStride}x${columnStride}`,
    )
  }
  const mask = backward(MaxPoolGrad, { dy: onesLike(dy), input, output }, attrs)
  const mean = avgPool(mul<Tensor4D>(p, mask), attrs.filterSize, attrs.strides, attrs.pad)
  return mul(mean, height * width)
}

const pair = (size: number | readonly [number, number]): readonly [number, number] =>
  typeof size === 'number' ? [size, size] : size

export const poolingGradients: readonly GradConfig[] = [
  averagePoolRule,
  maximumPoolRule,
  averageRule,
  maximumRule,
]
