import { BatchMatMul, Transpose, type TensorInfo } from '@tensorflow/tfjs-core'
import {
  installKernel,
  wasmKernel,
  withIntermediate,
  type KernelCall,
  type WasmBackend,
} from './kernel.js'

/**
 * The backend multiplies fast only plain matrices; with transposeA or transposeB, which every backward pass sets, it
 * falls into a scalar loop (10 times slower on a dense layer). So transpose explicitly, and the smaller thing.
 */
export function installMatMul(): void {
  const original = wasmKernel(BatchMatMul)
  const transposeKernel = wasmKernel(Transpose)

  const multiply = (backend: WasmBackend, a: TensorInfo, b: TensorInfo): TensorInfo =>
    original({ inputs: { a, b }, attrs: { transposeA: false, transposeB: false }, backend })
  const transpose = (backend: WasmBackend, x: TensorInfo): TensorInfo => {
    const rank = x.shape.length
    const perm = x.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i))
    return transposeKernel({ inputs: { x }, attrs: { perm }, backend })
  }
  const transposed = (backend: WasmBackend, x: TensorInfo, use: (t: TensorInfo) => TensorInfo) =>
    withIntermediate(backend, transpose(backend, x), use)

  installKernel(BatchMatMul, ({ inputs, attrs, backend }: KernelCall) => {
    const { a, b } = inputs as { a: TensorInfo; b: TensorInfo }
    const back = (product: TensorInfo) =>
      withIntermediate(backend, product, (x) => transpose(backend, x))
    if (attrs.transposeA) {
      return attrs.transposeB
        ? back(multiply(backend, b, a))
        : transposed(backend, a, (at) => multiply(backend, at, b))
    }
    if (!attrs.transposeB) return multiply(backend, a, b)
    // a bᵀ = (b aᵀ)ᵀ: the right operand gets repacked, so let it be the one with fewer rows.
    return rowsOf(a) < rowsOf(b)
      ? back(transposed(backend, a, (at) => multiply(backend, b, at)))
      : transposed(backend, b, (bt) => multiply(backend, a, bt))
  })
}

const rowsOf = (x: TensorInfo): number => x.shape.at(-2) ?? 1
