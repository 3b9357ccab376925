import { pathToFileURL } from 'node:url'
import { asFederationError, FederationError } from '#protocol/errors.js'
import { requireWithOurCore, resolveWebgpu } from './provision/index.js'
import type { WebgpuFiles } from './provision/locate.js'
import { tf } from './tf.js'
import {
  createBackend,
  repairAddN,
  type GpuAdapter,
  type GpuAdapterInfo,
  type WebgpuBackendClass,
} from './webgpu-device.js'

interface Gpu {
  requestAdapter(options: {
    readonly powerPreference: 'high-performance'
  }): Promise<GpuAdapter | null>
}
interface Dawn {
  readonly globals: object
  create(options: readonly string[]): Gpu
}

let registered: Promise<GpuAdapterInfo> | null = null

/**
 * Registers the backend `webgpu` with `tf`, on Dawn and the machine's graphics driver. `TRIBUTARY_WEBGPU_SOFTWARE=1` takes
 * the driver in software that `node scripts/ensure-native.mjs webgpu` installs: for tests. Returns the adapter. Throws
 * `backend/missing` when the packages or an adapter are not there and `backend/broken` when Dawn does not load. Experimental.
 */
export function registerWebgpu(): Promise<GpuAdapterInfo> {
  registered ??= register(process.env.TRIBUTARY_WEBGPU_SOFTWARE === '1')
  return registered
}

async function register(isSoftware: boolean): Promise<GpuAdapterInfo> {
  const files = resolveWebgpu(isSoftware)
  if (files === null) throw new FederationError('backend/missing', notInstalled(isSoftware))
  const dawn = await load(files)
  // The kernels look for constants such as GPUBufferUsage among the globals and for the device at navigator.gpu, as in a browser.
  Object.assign(globalThis, dawn.globals)
  const gpu = dawn.create([])
  const { vendor, architecture, description, isFallbackAdapter } = (await adapterOf(gpu)).info
  installNavigator(gpu)
  const kernels = requireWithOurCore(files.kernels) as {
    readonly WebGPUBackend: WebgpuBackendClass
  }
  repairAddN()
  tf.removeBackend('webgpu')
  // An adapter gives one device, so each backend asks for its own.
  tf.registerBackend('webgpu', async () =>
    createBackend(await adapterOf(gpu), kernels.WebGPUBackend),
  )
  return { vendor, architecture, description, isFallbackAdapter }
}

async function adapterOf(gpu: Gpu): Promise<GpuAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (adapter === null) throw new FederationError('backend/missing', NO_ADAPTER)
  return adapter
}

async function load({ dawn, vulkanDriver }: WebgpuFiles): Promise<Dawn> {
  // Read by the Vulkan loader when Dawn starts; older loaders know the second name only.
  if (vulkanDriver !== null) {
    process.env.VK_DRIVER_FILES = vulkanDriver
    process.env.VK_ICD_FILENAMES = vulkanDriver
  }
  try {
    return (await import(pathToFileURL(dawn).href)) as Dawn
  } catch (cause) {
    const why = asFederationError(cause).message
    throw new FederationError(
      'backend/broken',
      `Dawn does not load (${why}); update the system's libstdc++, or choose wasm`,
      { cause },
    )
  }
}

/** Node.js 20 has no `navigator`; later ones have one without `gpu`. */
function installNavigator(gpu: Gpu): void {
  const holder = globalThis as { navigator?: object }
  if (holder.navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', {
      value: {},
      configurable: true,
      writable: true,
    })
  }
  Object.defineProperty(holder.navigator, 'gpu', { value: gpu, configurable: true })
}

const notInstalled = (isSoftware: boolean): string =>
  isSoftware
    ? 'The software driver for webgpu is not installed; run: node scripts/ensure-native.mjs webgpu'
    : 'The webgpu backend is not installed; run: npm install webgpu @tensorflow/tfjs-backend-webgpu, or choose wasm'
const NO_ADAPTER =
  'Dawn found no graphics adapter: it needs a GPU with a Vulkan driver and the Vulkan loader (Debian: libvulkan1), Metal or Direct3D 12. ' +
  "Debian 12's own driver in software (lavapipe 22.3) is too old for it"
