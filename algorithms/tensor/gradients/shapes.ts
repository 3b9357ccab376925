import {
  AddN,
  Concat,
  ExpandDims,
  GatherV2,
  Pack,
  PadV2,
  Reshape,
  Reverse,
  Slice,
  SplitV,
  Tile,
  Transpose,
  Unpack,
  UnsortedSegmentSum,
  backend_util,
  clone,
  concat,
  gather,
  pad,
  reshape,
  reverse,
  slice,
  split,
  stack,
  sum,
  transpose,
  unsortedSegmentSum,
  unstack,
  util,
  zeros,
  type GradConfig,
  type Tensor,
  type Rank,
  type Tensor1D,
} from '@tensorflow/tfjs-core'
import { unary, type Attrs } from './rule.js'

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1)

/** Sums the repetitions of each axis, one axis at a time, so that no intermediate has more than three. */
function sumTiles(dy: Tensor, shape: readonly number[], repeats: readonly number[]): Tensor {
  let rest = dy
  let outer = 1
  let inner = product(dy.shape)
  shape.forEach((size, axis) => {
    const repeat = repeats[axis]!
    inner /= repeat * size
    if (repeat > 1) rest = sum(reshape(rest, [outer, repeat, size * inner]), 1)
    outer *= size
  })
  return reshape(rest, [...shape])
}

/** A kernel that joins its inputs: `parts` splits the cotangent, in their order. */
const fanOut = (
  kernelName: string,
  parts: (dy: Tensor, inputs: readonly Tensor[], attrs: Attrs) => readonly Tensor[],
): GradConfig => ({
  kernelName,
  saveAllInputs: true,
  gradFunc: (dy, inputs, attrs) => {
    const split = parts(dy as Tensor, inputs, attrs)
    return Object.fromEntries(split.map((part, i) => [String(i), () => part]))
  },
})

/** A kernel that cuts its input into several outputs: `join` puts their cotangents together. */
const fanIn = (
  kernelName: string,
  input: string,
  join: (dys: Tensor[], attrs: Attrs) => Tensor,
): GradConfig => ({
  kernelName,
  gradFunc: (dy, _saved, attrs) => ({
    [input]: () => join(Array.isArray(dy) ? dy : [dy], attrs),
  }),
})

/** Rows of x by index along an axis; its transpose adds rows of the cotangent into the places they came from. */
const gatherRule: GradConfig = {
  kernelName: GatherV2,
  inputsToSave: ['x', 'indices'],
  gradFunc: (cotangent, saved, attrs) => {
    const [x, indices] = saved as [Tensor, Tensor]
    const dy = cotangent as Tensor
    const [axis = 0] = util.parseAxisParam((attrs as Attrs).axis as number, x.shape)
    const back = (): Tensor => {
      const [before, size, after] = [
        x.shape.slice(0, axis),
        x.shape[axis]!,
        x.shape.slice(axis + 1),
      ]
      const rows = transpose(
        reshape(dy, [product(before), indices.size, product(after)]),
        [1, 0, 2],
      )
      const sums = unsortedSegmentSum(rows, reshape<Rank.R1>(indices, [indices.size]), size)
      return reshape(transpose(sums, [1, 0, 2]), x.shape)
    }
    return { x: back, indices: () => zeros(indices.shape) }
  },
}

const segmentSumRule: GradConfig = {
  kernelName: UnsortedSegmentSum,
  inputsToSave: ['segmentIds'],
  gradFunc: (dy, [segmentIds]) => ({
    x: () => gather(dy as Tensor, segmentIds as Tensor1D),
    segmentIds: () => zeros(segmentIds!.shape),
  }),
}

export const shapeGradients: readonly GradConfig[] = [
  unary(Reshape, (dy, x) => reshape(dy, x.shape)),
  unary(ExpandDims, (dy, x) => reshape(dy, x.shape), 'input'),
  unary(Transpose, (dy, _x, { perm }) =>
    transpose(dy, backend_util.getUndoAxesPermutation(perm as number[])),
  ),
  unary(Reverse, (dy, x, { dims }) => reverse(dy, util.parseAxisParam(dims as number[], x.shape))),
  unary(Slice, (dy, x, { begin }) => {
    const from = begin as number[]
    return pad(
      dy,
      x.shape.map((size, i) => [from[i]!, size - from[i]! - dy.shape[i]!]),
    )
  }),
  unary(PadV2, (dy, x, { paddings }) =>
    slice(
      dy,
      (paddings as number[][]).map(([before]) => before!),
      x.shape,
    ),
  ),
  unary(Tile, (dy, x, { reps }) => sumTiles(dy, x.shape, reps as number[])),
  fanOut(Concat, (dy, inputs, attrs) => {
    const [axis = 0] = util.parseAxisParam(attrs.axis as number, inputs[0]!.shape)
    return split(
      dy,
      inputs.map((input) => input.shape[axis]!),
      axis,
    )
  }),
  fanOut(AddN, (dy, inputs) => inputs.map(() => clone(dy))),
  fanOut(Pack, (dy, _inputs, { axis }) => unstack(dy, axis as number)),
  fanIn(SplitV, 'x', (dys, { axis }) => concat(dys, axis as number)),
  fanIn(Unpack, 'value', (dys, { axis }) => stack(dys, axis as number)),
  gatherRule,
  segmentSumRule,
]
