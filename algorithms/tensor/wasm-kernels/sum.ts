import { BatchMatMul, Sum, util, type TensorInfo } from '@tensorflow/tfjs-core'
import {
  installKernel,
  reshaped,
  sizeOf,
  wasmKernel,
  withIntermediate,
  type KernelCall,
} from './kernel.js'

/**
 * A sum over leading axes (the gradient of every bias) as a product with a row of ones: the backend would transpose
 * the whole tensor first, which costs ten times as much.
 */
export function installSum(): void {
  const original = wasmKernel(Sum)
  const multiply = wasmKernel(BatchMatMul)

  installKernel(Sum, (call: KernelCall) => {
    const { inputs, attrs, backend } = call
    const x = inputs.x as TensorInfo
    const axes = util.parseAxisParam(attrs.axis as number | number[], x.shape)
    const kept = x.shape.slice(axes.length)
    const [rows, columns] = [sizeOf(x.shape.slice(0, axes.length)), sizeOf(kept)]
    const leading = kept.length > 0 && axes.every((axis, i) => axis === i)
    if (!leading || x.dtype !== 'float32' || rows < 2 || columns < 2) return original(call)
    const ones = backend.makeOutput([1, rows], 'float32')
    backend.typedArrayFromHeap(ones).fill(1)
    const sums = withIntermediate(backend, ones, (a) =>
      multiply({
        inputs: { a, b: reshaped(x, [rows, columns]) },
        attrs: { transposeA: false, transposeB: false },
        backend,
      }),
    )
    return reshaped(sums, attrs.keepDims ? [...axes.map(() => 1), ...kept] : kept)
  })
}
