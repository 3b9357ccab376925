import {
  Conv2D,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  conv2d,
  depthwiseConv2d,
  engine,
  type Conv2DBackpropFilterAttrs,
  type DepthwiseConv2dNativeBackpropFilterAttrs,
  type GradConfig,
  type NamedAttrMap,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core'

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

const kernel = (name: string, inputs: Record<string, Tensor>, attrs: object): Tensor =>
  engine().runKernel<Tensor>(name, inputs, attrs as NamedAttrMap)
const geometry = ({ strides, pad, dataFormat, dimRoundingMode }: Attrs): Attrs =>
  dimRoundingMode === undefined
    ? ({ strides, pad, dataFormat } as Attrs)
    : { strides, pad, dataFormat, dimRoundingMode }

const forward = (x: Tensor, k: Tensor, a: Attrs): Tensor =>
  conv2d(x as Tensor4D, k as Tensor4D, a.strides, a.pad, a.dataFormat, 1, a.dimRoundingMode)
const backX = (inputShape: readonly number[], u: Tensor, k: Tensor, a: Attrs): Tensor =>
  kernel(Conv2DBackpropInput, { dy: u, filter: k }, { ...geometry(a), inputShape })
const backK = (x: Tensor, u: Tensor, filterShape: readonly number[], a: Attrs): Tensor =>
  kernel(Conv2DBackpropFilter, { x, dy: u }, { ...geometry(a), filterShape })

const depthwiseForward = (x: Tensor, k: Tensor, a: DepthwiseAttrs): Tensor =>
  depthwiseConv2d(
    x as Tensor4D,
    k as Tensor4D,
    a.strides,
    a.pad,
    'NHWC',
    a.dilations,
    a.dimRoundingMode,
  )
const depthwiseBackX = (
  inputShape: readonly number[],
  u: Tensor,
  k: Tensor,
  a: DepthwiseAttrs,
): Tensor =>
  kernel(
    DepthwiseConv2dNativeBackpropInput,
    { dy: u, filter: k },
    {
      strides: a.strides,
      pad: a.pad,
      dilations: a.dilations,
      dimRoundingMode: a.dimRoundingMode,
      inputShape,
    },
  )
const depthwiseBackK = (
  x: Tensor,
  u: Tensor,
  filterShape: readonly number[],
  a: DepthwiseAttrs,
): Tensor =>
  kernel(
    DepthwiseConv2dNativeBackpropFilter,
    { x, dy: u },
    {
      strides: a.strides,
      pad: a.pad,
      dilations: a.dilations,
      dimRoundingMode: a.dimRoundingMode,
      filterShape,
    },
  )

interface Triple<A> {
  readonly forward: (x: Tensor, k: Tensor, attrs: A) => Tensor
  readonly backX: (inputShape: readonly number[], u: Tensor, k: Tensor, attrs: A) => Tensor
  readonly backK: (x: Tensor, u: Tensor, filterShape: readonly number[], attrs: A) => Tensor
}

type Names = readonly [forward: string, backX: string, backK: string]

function rules<A>(
  [forwardName, backXName, backKName]: Names,
  triple: Triple<A>,
): readonly GradConfig[] {
  return [
    {
      kernelName: forwardName,
      inputsToSave: ['x', 'filter'],
      gradFunc: (u, [x, k], attrs) => ({
        x: () => triple.backX(x!.shape, u as Tensor, k!, attrs as A),
        filter: () => triple.backK(x!, u as Tensor, k!.shape, attrs as A),
      }),
    },
    {
      kernelName: backXName,
      inputsToSave: ['dy', 'filter'],
      gradFunc: (p, [u, k], attrs) => ({
        dy: () => triple.forward(p as Tensor, k!, attrs as A),
        filter: () => triple.backK(p as Tensor, u!, k!.shape, attrs as A),
      }),
    },
    {
      kernelName: backKName,
      inputsToSave: ['x', 'dy'],
      gradFunc: (q, [x, u], attrs) => ({
        x: () => triple.backX(x!.shape, u!, q as Tensor, attrs as A),
        dy: () => triple.forward(x!, q as Tensor, attrs as A),
      }),
    },
  ]
}

export const convolutionGradients: readonly GradConfig[] = [
  ...rules<Attrs>([Conv2D, Conv2DBackpropInput, Conv2DBackpropFilter], { forward, backX, backK }),
  ...rules<DepthwiseAttrs>(
    [
      DepthwiseConv2dNative,
      DepthwiseConv2dNativeBackpropInput,
      DepthwiseConv2dNativeBackpropFilter,
    ],
    { forward: depthwiseForward, backX: depthwiseBackX, backK: depthwiseBackK },
  ),
]
