import {
  getKernel,
  registerKernel,
  unregisterKernel,
  type DataType,
  type KernelFunc,
  type NamedAttrMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core'
import { FederationError } from '#protocol/errors.js'

/** The part of the WebAssembly backend that kernels use. */
export interface WasmBackend {
  /** Uninitialised memory of this shape. */
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo
  /** A view of the heap, valid until the next allocation: take views after the last `makeOutput`. */
  typedArrayFromHeap(info: TensorInfo): Float32Array | Int32Array | Uint8Array
  disposeData(dataId: object): void
  incRef(dataId: object): void
}

export interface KernelCall {
  readonly inputs: Readonly<Record<string, TensorInfo>>
  readonly attrs: Readonly<Record<string, unknown>>
  readonly backend: WasmBackend
}
export type Kernel = (call: KernelCall) => TensorInfo

/** A kernel of the backend by name, to be called from another one. */
export function wasmKernel(name: string): Kernel {
  const config = getKernel(name, 'wasm')
  if (config === undefined) {
    throw new FederationError('internal/bug', `The wasm backend has no kernel ${name}`)
  }
  return ({ inputs, attrs, backend }) =>
    config.kernelFunc({
      inputs: inputs,
      attrs: attrs as NamedAttrMap,
      backend,
    }) as TensorInfo
}

/** Adds a kernel, or puts it in the place of the one that is there (whose set-up it keeps). */
export function installKernel(kernelName: string, kernel: Kernel): void {
  const existing = getKernel(kernelName, 'wasm')
  if (existing !== undefined) unregisterKernel(kernelName, 'wasm')
  registerKernel({
    ...existing,
    kernelName,
    backendName: 'wasm',
    kernelFunc: kernel as unknown as KernelFunc,
  })
}

/** The same data under another shape. Owns nothing: dispose the original only. */
export const reshaped = (info: TensorInfo, shape: readonly number[]): TensorInfo => ({
  dataId: info.dataId,
  dtype: info.dtype,
  shape: [...shape],
})

/** Runs `use` on an intermediate and frees it afterwards. */
export function withIntermediate(
  backend: WasmBackend,
  intermediate: TensorInfo,
  use: (info: TensorInfo) => TensorInfo,
): TensorInfo {
  try {
    return use(intermediate)
  } finally {
    backend.disposeData(intermediate.dataId)
  }
}

export const floats = (backend: WasmBackend, info: TensorInfo): Float32Array =>
  backend.typedArrayFromHeap(info) as Float32Array
export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((all, size) => all * size, 1)
