import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { FederationError } from '#protocol/errors.js'
import { fetchTarball, type Scratch } from './download.js'
import type { InstallOptions } from './install.js'
import { provisionRoot, resolveWebgpu, SOFTWARE_DRIVER, webgpuDirectory } from './locate.js'
import { WEBGPU } from './pins.js'
import { requireDisk } from './requirements.js'
import { buildAside } from './staging.js'
import { readTar, unpackTar } from './tar.js'
import { probeWebgpu, type WebgpuProbe } from './webgpu-probe.js'

const DAWN_BUILD = `${process.platform}-${process.platform === 'darwin' ? 'universal' : process.arch}`

/** Installs Dawn and TensorFlow.js's WebGPU kernels (54 MB to download). Errors as for `installNative`. */
export const installWebgpu = (options: InstallOptions = {}): Promise<void> =>
  install(options, false)

/**
 * The same, with SwiftShader: a Vulkan driver in software (70 MB more, of which 5 are kept). It lets tests run the backend
 * on a machine without a GPU. Linux on x86-64 only.
 */
export const installSoftwareWebgpu = (options: InstallOptions = {}): Promise<void> =>
  install(options, true)

async function install(options: InstallOptions, isSoftware: boolean): Promise<void> {
  const say = options.onProgress ?? (() => undefined)
  const root = options.directory ?? provisionRoot(options.env)
  if (isSoftware && DAWN_BUILD !== 'linux-x64') {
    throw new FederationError(
      'backend/missing',
      `The software driver exists for Linux on x86-64 only, and this is ${DAWN_BUILD}`,
    )
  }
  const existing =
    resolveWebgpu(isSoftware, root) === null ? null : await probeWebgpu(isSoftware, root)
  if (existing?.problem === null) {
    say(`webgpu works already: ${describe(existing)}`)
    return
  }
  await requireDisk(root, WEBGPU.diskMegabytes)
  await buildAside(webgpuDirectory(isSoftware, root), async (staged, directory) => {
    const scratch = { directory, env: options.env }
    say(`Fetching ${WEBGPU.dawn.name} ${WEBGPU.dawn.version} and the kernels (54 MB)`)
    await unpackPackages(staged, scratch)
    if (isSoftware) {
      say(
        `Fetching SwiftShader, which ${WEBGPU.software.name} ${WEBGPU.software.version} carries (70 MB)`,
      )
      await unpackSoftwareDriver(staged, scratch)
    }
  })
  const probe = await probeWebgpu(isSoftware, root)
  if (isSoftware && probe.problem !== null)
    throw new FederationError('backend/broken', probe.problem)
  say(
    probe.problem === null
      ? `webgpu works: ${describe(probe)}`
      : `webgpu is installed, but: ${probe.problem}`,
  )
}

async function unpackPackages(staged: string, scratch: Scratch): Promise<void> {
  const dawn = await fetchTarball(WEBGPU.dawn, scratch)
  const isWanted = (name: string): boolean =>
    !name.startsWith('build/') &&
    (!name.startsWith('dist/') || name.startsWith(`dist/${DAWN_BUILD}/`))
  unpackTar(dawn, join(staged, 'node_modules', WEBGPU.dawn.name), isWanted)
  const kernels = await fetchTarball(WEBGPU.kernels, scratch)
  const isKernels = (name: string): boolean =>
    /^(package\.json|dist\/tf-backend-webgpu\.node\.js)$/.test(name)
  unpackTar(kernels, join(staged, 'node_modules', WEBGPU.kernels.name), isKernels)
}

async function unpackSoftwareDriver(staged: string, scratch: Scratch): Promise<void> {
  const browser = await fetchTarball(WEBGPU.software, scratch)
  const packed = [...readTar(browser)].find(({ name }) => name === 'bin/swiftshader.tar.br')
  if (packed === undefined)
    throw new FederationError('backend/broken', `${WEBGPU.software.name} carries no SwiftShader`)
  const driver = brotliDecompressSync(packed.content)
  unpackTar(
    driver,
    join(staged, SOFTWARE_DRIVER, '..'),
    (name) => name.startsWith('vk_swiftshader') || name.startsWith('libvk'),
  )
  // Dawn looks for the Vulkan loader beside itself first, so the system needs none.
  const besideDawn = join(staged, 'node_modules', WEBGPU.dawn.name, 'dist', DAWN_BUILD)
  unpackTar(driver, besideDawn, (name) => name === 'libvulkan.so.1')
}

const describe = ({ adapter }: WebgpuProbe): string =>
  adapter === null
    ? 'no adapter'
    : [adapter.vendor, adapter.architecture, adapter.description].filter(Boolean).join(', ')
