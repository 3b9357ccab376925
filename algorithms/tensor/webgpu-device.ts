import { FederationError } from '#protocol/errors.js'
import { tf } from './tf.js'

/** The parts of the WebGPU interface that are used here. */
export interface GpuAdapter {
  readonly info: GpuAdapterInfo
  readonly limits: Readonly<Record<string, number>>
  requestDevice(descriptor: { readonly requiredLimits: Record<string, number> }): Promise<GpuDevice>
}
export interface GpuAdapterInfo {
  readonly vendor: string
  readonly architecture: string
  readonly description: string
  /** True when it is a driver in software: correct, and slower than `wasm`. */
  readonly isFallbackAdapter: boolean
}
interface GpuDevice {
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>
  addEventListener(
    type: 'uncapturederror',
    listener: (event: {
      readonly error: { readonly message: string }
      preventDefault?(): void
    }) => void,
  ): void
}
/** `WebGPUBackend` of tfjs-backend-webgpu, as far as it is needed. */
export interface WebgpuBackend extends tf.KernelBackend {
  disposeData(dataId: object, force?: boolean): boolean
}
export type WebgpuBackendClass = new (device: GpuDevice, info: GpuAdapterInfo) => WebgpuBackend

/** More than WebGPU guarantees, where the adapter has more: the kernels use all of it. */
const LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
]

/**
 * A backend on a device of its own. WebGPU reports a refused command by an event, not by an exception, and results are
 * then whatever memory held; so after the first such event every read throws `backend/broken`.
 */
export async function createBackend(
  adapter: GpuAdapter,
  Backend: WebgpuBackendClass,
): Promise<WebgpuBackend> {
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name] ?? 0]))
  const device = await adapter.requestDevice({ requiredLimits })
  const backend = new Backend(device, adapter.info)
  let failure: string | null = null
  device.addEventListener('uncapturederror', (event) => {
    failure ??= event.error.message
    event.preventDefault?.()
  })
  void device.lost.then(({ reason, message }) => {
    if (reason !== 'destroyed') failure ??= `the device was lost: ${message}`
  })
  const read = backend.read.bind(backend)
  backend.read = async (dataId: object) => {
    const values = await read(dataId)
    if (failure === null) return values
    throw new FederationError(
      'backend/broken',
      `webgpu refused a command, so its results are worthless: ${firstLine(failure)}`,
    )
  }
  return backend
}
const firstLine = (text: string): string => text.trim().split('\n')[0] ?? ''

/** WebGPU guarantees eight buffers to a shader; one is the result. */
const MAX_ADDENDS = 7

/** tfjs 4.22 binds all addends at once, which fails from the eighth on. This sums them in groups. */
export function repairAddN(): void {
  const original = tf.getKernel(tf.AddN, 'webgpu')
  if (original === undefined) return
  const add = (tensors: readonly tf.TensorInfo[], backend: object): tf.TensorInfo =>
    original.kernelFunc({
      inputs: tensors as unknown as tf.NamedTensorInfoMap,
      attrs: {},
      backend,
    }) as tf.TensorInfo
  tf.unregisterKernel(tf.AddN, 'webgpu')
  tf.registerKernel({
    ...original,
    kernelFunc: ({ inputs, backend }) => {
      const addends = inputs as unknown as readonly tf.TensorInfo[]
      let sum = add(addends.slice(0, MAX_ADDENDS), backend)
      for (let at = MAX_ADDENDS; at < addends.length; at += MAX_ADDENDS - 1) {
        const next = add([sum, ...addends.slice(at, at + MAX_ADDENDS - 1)], backend)
        ;(backend as WebgpuBackend).disposeData(sum.dataId)
        sum = next
      }
      return sum
    },
  })
}
