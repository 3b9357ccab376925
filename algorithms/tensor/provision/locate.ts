import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { PRODUCTS, WEBGPU, type ProductName } from './pins.js'

const require = createRequire(import.meta.url)

/** Where tfjs-node's addon lies in its package. 8 is the newest Node-API it names, and all our Node.js versions have that. */
export const ADDON = 'lib/napi-v8/tfjs_binding.node'

/**
 * Where compiled backends live: outside `node_modules`, because `npm ci` deletes there what the lockfile does not name.
 * `TRIBUTARY_NATIVE_DIR`, else `$XDG_DATA_HOME/tributary/native`, else `~/.local/share/tributary/native`.
 */
export function provisionRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env.TRIBUTARY_NATIVE_DIR) return resolve(env.TRIBUTARY_NATIVE_DIR)
  return join(env.XDG_DATA_HOME || join(homedir(), '.local/share'), 'tributary/native')
}

/** The folder of one product. The versions are part of its name, so an older release of Tributary keeps its own. */
export const productDirectory = (name: ProductName, root = provisionRoot()): string =>
  join(root, PRODUCTS[name].folder)

/** The npm package inside a product's folder. */
export const packageDirectory = (name: ProductName, root = provisionRoot()): string =>
  join(productDirectory(name, root), 'node_modules', PRODUCTS[name].tfjs.name)

/**
 * The package directory to hand to `requireWithOurCore`, or null when nothing is installed. Prefers what
 * `tributary doctor --install` built; else a package of that name beside Tributary whose addon is there. It only looks:
 * whether the addon computes is known after loading it.
 */
function resolveTfjsNode(name: 'native' | 'cuda'): string | null {
  return [packageDirectory(name), besideUs(PRODUCTS[name].tfjs.name)].find(hasAddon) ?? null
}
const hasAddon = (directory: string | null): directory is string =>
  directory !== null &&
  existsSync(join(directory, 'package.json')) &&
  existsSync(join(directory, ADDON))

function besideUs(npmPackage: string): string | null {
  const found = (require.resolve.paths(npmPackage) ?? []).map((base) => join(base, npmPackage))
  return found.find((directory) => existsSync(join(directory, 'package.json'))) ?? null
}

/** `@tensorflow/tfjs-node` with its addon, or null. */
export const resolveNative = (): string | null => resolveTfjsNode('native')
/** `@tensorflow/tfjs-node-gpu` with its addon, or null. */
export const resolveCuda = (): string | null => resolveTfjsNode('cuda')

/** The files that `webgpu` is made of, and the Vulkan driver to tell the loader about (null: those of the system). */
export interface WebgpuFiles {
  /** Entry module of the npm package `webgpu`. */
  readonly dawn: string
  /** Package directory for `requireWithOurCore`. */
  readonly kernels: string
  readonly vulkanDriver: string | null
}

export const webgpuDirectory = (isSoftware: boolean, root = provisionRoot()): string =>
  join(root, isSoftware ? `${WEBGPU.folder}-software` : WEBGPU.folder)

/** Dawn and the kernels, installed by us or beside us, or null; with `isSoftware` the copy that brings a software driver. */
export function resolveWebgpu(isSoftware = false, root = provisionRoot()): WebgpuFiles | null {
  const directory = webgpuDirectory(isSoftware, root)
  const installed = filesIn((name) => join(directory, 'node_modules', name))
  if (isSoftware)
    return installed && { ...installed, vulkanDriver: join(directory, SOFTWARE_DRIVER) }
  return installed ?? filesIn(besideUs)
}
export const SOFTWARE_DRIVER = 'swiftshader/vk_swiftshader_icd.json'

function filesIn(find: (npmPackage: string) => string | null): WebgpuFiles | null {
  const [dawn, kernels] = [find(WEBGPU.dawn.name), find(WEBGPU.kernels.name)]
  if (dawn === null || kernels === null) return null
  const files = { dawn: join(dawn, 'index.js'), kernels, vulkanDriver: null }
  return existsSync(files.dawn) && existsSync(join(kernels, 'package.json')) ? files : null
}
