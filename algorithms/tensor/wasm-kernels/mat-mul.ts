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
    if (!attrs.transposeB) {
      if (!isCostlyToRepack(a, b)) return multiply(backend, a, b)
      return back(
        transposed(backend, a, (at) => transposed(backend, b, (bt) => multiply(backend, bt, at))),
      )
    }
    // a bᵀ = (b aᵀ)ᵀ: the right operand gets repacked, so let it be the one with fewer rows.
    return rowsOf(a) < rowsOf(b)
      ? back(transposed(backend, a, (at) => multiply(backend, b, at)))
      : transposed(backend, b, (bt) => multiply(backend, a, bt))
  })
}

/**
 * The right operand gets repacked with long strides. For a small batch against a large layer that costs more than the product;
 * a b = (bᵀ aᵀ)ᵀ takes two thirds of the time for a layer of 784 x 200 and a fifth for one of 3136 x 512.
 */
const isCostlyToRepack = (a: TensorInfo, b: TensorInfo): boolean =>
  a.shape.length === 2 &&
  b.shape.length === 2 &&
  rowsOf(a) * 2 <= rowsOf(b) &&
  rowsOf(b) * b.shape[1]! >= 16_384

const rowsOf = (x: TensorInfo): number => x.shape.at(-2) ?? 1
