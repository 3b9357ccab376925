import { backend_util } from '@tensorflow/tfjs-core'

type Sides = readonly [before: number, after: number]

/** What the backward kernels need to know of a convolution of images. None of them serves dilated kernels. */
export interface Geometry {
  readonly batch: number
  readonly inSize: Sides
  readonly outSize: Sides
  readonly kernelSize: Sides
  readonly stride: Sides
  readonly padTop: number
  readonly padLeft: number
  readonly padBottom: number
  readonly padRight: number
  readonly inChannels: number
  readonly outChannels: number
  readonly channelsLast: boolean
}

export interface GeometryInput {
  readonly inShape: readonly number[]
  readonly filterShape: readonly number[]
  readonly attrs: Readonly<Record<string, unknown>>
  readonly depthwise: boolean
}

type Quad = [number, number, number, number]
type Pad = Parameters<typeof backend_util.computeConv2DInfo>[4]

export function geometryOf({ inShape, filterShape, attrs, depthwise }: GeometryInput): Geometry {
  const info = backend_util.computeConv2DInfo(
    [...inShape] as Quad,
    [...filterShape] as Quad,
    attrs.strides as [number, number],
    1,
    attrs.pad as Pad,
    attrs.dimRoundingMode as 'floor' | undefined,
    depthwise,
    attrs.dataFormat === 'NCHW' ? 'channelsFirst' : 'channelsLast',
  )
  return {
    batch: info.batchSize,
    inSize: [info.inHeight, info.inWidth],
    outSize: [info.outHeight, info.outWidth],
    kernelSize: [info.filterHeight, info.filterWidth],
    stride: [info.strideHeight, info.strideWidth],
    padTop: info.padInfo.top,
    padLeft: info.padInfo.left,
    padBottom: info.padInfo.bottom,
    padRight: info.padInfo.right,
    inChannels: info.inChannels,
    outChannels: info.outChannels,
    channelsLast: info.dataFormat === 'channelsLast',
  }
}

/** Explicit padding of height and width as the convolution kernels take it. */
export const explicitPad = (rows: Sides, columns: Sides): readonly Sides[] => [
  [0, 0],
  rows,
  columns,
  [0, 0],
]
