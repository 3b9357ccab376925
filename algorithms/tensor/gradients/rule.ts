import {
  backend_util,
  broadcast_util,
  cast,
  reshape,
  sum,
  zeros,
  type GradConfig,
  type NamedAttrMap,
  type Tensor,
} from '@tensorflow/tfjs-core'

export type Attrs = Readonly<Record<string, unknown>>
export type Backward = (dy: Tensor, x: Tensor, attrs: Attrs) => Tensor

/**
 * A rule for a kernel with one input. It saves the input, never the output: a saved output hides from the tape how it hangs
 * on the input, and a second derivative would silently lose that part.
 */
export const unary = (kernelName: string, backward: Backward, input = 'x'): GradConfig => ({
  kernelName,
  inputsToSave: [input],
  gradFunc: (dy, [x], attrs: NamedAttrMap) => ({
    [input]: () => backward(dy as Tensor, x!, attrs),
  }),
})

type BinaryBackward = (dy: Tensor, a: Tensor, b: Tensor) => Tensor

/** A rule for a kernel with inputs `a` and `b` that broadcast. */
export const binary = (
  kernelName: string,
  backwardA: BinaryBackward,
  backwardB: BinaryBackward,
): GradConfig => ({
  kernelName,
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, saved) => {
    const [a, b] = saved as [Tensor, Tensor]
    return {
      a: () => sumTo(backwardA(dy as Tensor, a, b), a.shape),
      b: () => sumTo(backwardB(dy as Tensor, a, b), b.shape),
    }
  },
})

/** Piecewise constant in these inputs: the derivative is zero almost everywhere. */
export const constant = (kernelName: string, inputs: readonly string[]): GradConfig => ({
  kernelName,
  inputsToSave: [...inputs],
  gradFunc: (_dy, saved) =>
    Object.fromEntries(inputs.map((input, i) => [input, () => zeros(saved[i]!.shape)])),
})

/**
 * Undoes broadcasting: sums over the axes along which `shape` was repeated to become the shape of x. Always a new tensor,
 * as every result of a rule must be: the tape disposes of it when it adds another path's.
 */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  const axes = broadcast_util.getReductionAxes([...shape], x.shape)
  return reshape(axes.length === 0 ? x : sum(x, axes), [...shape])
}

/** The shape of a reduction over `axes` with the reduced axes kept as ones. */
export const keptShape = (shape: readonly number[], axes: readonly number[]): number[] =>
  backend_util.expandShapeToKeepDim(
    backend_util.computeOutAndReduceShapes([...shape], [...axes])[0],
    [...axes],
  )

/** A condition as zeros and ones. */
export const asNumbers = (condition: Tensor): Tensor => cast(condition, 'float32')
