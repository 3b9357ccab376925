import {
  Conv2D,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  engine,
  type Conv2DBackpropFilterAttrs,
  type DepthwiseConv2dNativeBackpropFilterAttrs,
  type GradConfig,
  type NamedAttrMap,
  type Tensor,
} from '@tensorflow/tfjs-core'
import { FederationError } from '#protocol/errors.js'

/*
 * A convolution is trilinear in input x, kernel k and output cotangent u. Its three partial maps are each other's
 * derivatives, so the set is closed at every order:
 *
 *   Conv(x, k)      : u -> x: ConvBackX(u, k)    k: ConvBackK(x, u)
 *   ConvBackX(u, k) : p -> u: Conv(p, k)         k: ConvBackK(p, u)
 *   ConvBackK(x, u) : q -> x: ConvBackX(u, q)    u: Conv(x, q)
 *
 * p has the shape of x, q the shape of k. The same holds for the depthwise convolution.
 */

type Attrs = Omit<Conv2DBackpropFilterAttrs, 'filterShape'>
type DepthwiseAttrs = Omit<DepthwiseConv2dNativeBackpropFilterAttrs, 'filterShape'>
type Shape = readonly number[]

/** The three maps of one geometry: strides and padding. */
interface Triple {
  forward(x: Tensor, k: Tensor): Tensor
  backX(inputShape: Shape, u: Tensor, k: Tensor): Tensor
  backK(x: Tensor, u: Tensor, filterShape: Shape): Tensor
}

const kernel = (name: string, inputs: Record<string, Tensor>, attrs: object): Tensor =>
  engine().runKernel<Tensor>(name, inputs, attrs as NamedAttrMap)

function convolution({ strides, pad, dataFormat, dimRoundingMode }: Attrs): Triple {
  const geometry = { strides, pad, dataFormat, dimRoundingMode }
  return {
    forward: (x, k) => kernel(Conv2D, { x, filter: k }, { ...geometry, dilations: [1, 1] }),
    backX: (inputShape, u, k) =>
      kernel(Conv2DBackpropInput, { dy: u, filter: k }, { ...geometry, inputShape }),
    backK: (x, u, filterShape) =>
      kernel(Conv2DBackpropFilter, { x, dy: u }, { ...geometry, filterShape }),
  }
}

function depthwise({ strides, pad, dilations, dimRoundingMode }: DepthwiseAttrs): Triple {
  const geometry = { strides, pad, dilations, dimRoundingMode }
  return {
    forward: (x, k) =>
      kernel(DepthwiseConv2dNative, { x, filter: k }, { ...geometry, dataFormat: 'NHWC' }),
    backX: (inputShape, u, k) =>
      kernel(DepthwiseConv2dNativeBackpropInput, { dy: u, filter: k }, { ...geometry, inputShape }),
    backK: (x, u, filterShape) =>
      kernel(DepthwiseConv2dNativeBackpropFilter, { x, dy: u }, { ...geometry, filterShape }),
  }
}

/** No backend computes the gradients of dilated kernels; some would ignore the dilation in silence. */
function assertNotDilated(attrs: NamedAttrMap | undefined): void {
  const dilations = [(attrs?.dilations ?? 1) as number | number[]].flat()
  if (dilations.some((d) => d !== 1)) {
    throw new FederationError(
      'algorithm/failed',
      `Convolutions with dilation (here ${dilations.join('x')}) have no gradient`,
    )
  }
}

type Names = readonly [forward: string, backX: string, backK: string]

function rules<A>(
  [forward, backX, backK]: Names,
  tripleOf: (attrs: A) => Triple,
): readonly GradConfig[] {
  return [
    {
      kernelName: forward,
      inputsToSave: ['x', 'filter'],
      gradFunc: (u, [x, k], attrs) => {
        assertNotDilated(attrs)
        return {
          x: () => tripleOf(attrs as A).backX(x!.shape, u as Tensor, k!),
          filter: () => tripleOf(attrs as A).backK(x!, u as Tensor, k!.shape),
        }
      },
    },
    {
      kernelName: backX,
      inputsToSave: ['dy', 'filter'],
      gradFunc: (p, [u, k], attrs) => ({
        dy: () => tripleOf(attrs as A).forward(p as Tensor, k!),
        filter: () => tripleOf(attrs as A).backK(p as Tensor, u!, k!.shape),
      }),
    },
    {
      kernelName: backK,
      inputsToSave: ['x', 'dy'],
      gradFunc: (q, [x, u], attrs) => ({
        x: () => tripleOf(attrs as A).backX(x!.shape, u!, q as Tensor),
        dy: () => tripleOf(attrs as A).forward(x!, q as Tensor),
      }),
    },
  ]
}

export const convolutionGradients: readonly GradConfig[] = [
  ...rules([Conv2D, Conv2DBackpropInput, Conv2DBackpropFilter], convolution),
  ...rules(
    [
      DepthwiseConv2dNative,
      DepthwiseConv2dNativeBackpropInput,
      DepthwiseConv2dNativeBackpropFilter,
    ],
    depthwise,
  ),
]
