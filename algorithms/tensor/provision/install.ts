import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { compileAddon, unpackCuda, unpackTensorflow } from './addon.js'
import { fetchTarball, fetchWheel, type Scratch } from './download.js'
import { packageDirectory, productDirectory, provisionRoot } from './locate.js'
import {
  NODE_API_HEADERS,
  PRODUCTS,
  PROTOBUF,
  type Product,
  type ProductName,
  type TarballPin,
} from './pins.js'
import {
  findNodeHeaders,
  findToolchain,
  platformProblem,
  requireDisk,
  thisPlatform,
  type Platform,
  type Toolchain,
} from './requirements.js'
import { selfCheck, type SelfCheck } from './self-check.js'
import { buildAside } from './staging.js'
import { unpackTar } from './tar.js'
import { openWheel } from './zip.js'

export interface InstallOptions {
  /** One line of text for a person, when a step begins or ends. */
  readonly onProgress?: (line: string) => void
  /** The provision root, instead of `provisionRoot()`. */
  readonly directory?: string
  /** Instead of this process's environment and machine: for tests. */
  readonly env?: NodeJS.ProcessEnv
  readonly platform?: Platform
}

/**
 * Builds `@tensorflow/tfjs-node` on the libtensorflow of TensorFlow's CPU wheel. Does nothing when it works already.
 * `backend/missing`: the machine lacks something (the message says what); `backend/broken`: a download or what was built
 * from it is not what it must be. Either way an older install stays as it was.
 */
export const installNative = (options: InstallOptions = {}): Promise<void> =>
  install('native', options)

/** The same for `@tensorflow/tfjs-node-gpu`, on TensorFlow's CUDA 12 wheel and NVIDIA's libraries (2.4 GB to download). */
export const installCuda = (options: InstallOptions = {}): Promise<void> => install('cuda', options)

async function install(name: ProductName, options: InstallOptions): Promise<void> {
  const say = options.onProgress ?? (() => undefined)
  const root = options.directory ?? provisionRoot(options.env)
  const problem = platformProblem(options.platform ?? thisPlatform())
  if (problem !== null)
    throw new FederationError(
      'backend/missing',
      `The ${name} backend cannot be installed: ${problem}`,
    )
  const working = await checkExisting(packageDirectory(name, root))
  if (working !== null) {
    say(describe(name, working, 'works already'))
    return
  }
  const toolchain = await findToolchain(options.env)
  await requireDisk(root, PRODUCTS[name].diskMegabytes)
  await buildAside(productDirectory(name, root), async (staged, scratch) => {
    await build(PRODUCTS[name], {
      staged,
      scratch: { directory: scratch, env: options.env },
      toolchain,
      say,
    })
    say(
      describe(
        name,
        await selfCheck(join(staged, 'node_modules', PRODUCTS[name].tfjs.name)),
        'works',
      ),
    )
  })
  say(`Installed in ${productDirectory(name, root)}`)
}

/** The check of an install that is there and works; null when there is none, or one to be replaced. */
async function checkExisting(directory: string): Promise<SelfCheck | null> {
  if (!existsSync(directory)) return null
  try {
    return await selfCheck(directory)
  } catch (error) {
    if (error instanceof FederationError) return null
    throw error
  }
}

interface Workshop {
  /** The folder that becomes the product's. */
  readonly staged: string
  readonly scratch: Scratch
  readonly toolchain: Toolchain
  readonly say: (line: string) => void
}

async function build(
  product: Product,
  { staged, scratch, toolchain, say }: Workshop,
): Promise<void> {
  const directory = join(staged, 'node_modules', product.tfjs.name)
  const unpack = async (pin: TarballPin, to: string): Promise<void> => {
    say(`Fetching ${pin.name} ${pin.version}`)
    unpackTar(await fetchTarball(pin, scratch), to)
  }
  await unpack(product.tfjs, directory)
  await unpack(PROTOBUF, join(staged, 'node_modules', PROTOBUF.name))
  const found = findNodeHeaders()
  if (found === null) await unpack(NODE_API_HEADERS, join(scratch.directory, 'headers'))
  for (const pin of [product.tensorflow, ...product.libraries]) {
    say(`Fetching ${pin.name} ${pin.version} (${pin.megabytes} MB)`)
    const file = await fetchWheel(pin, toolchain.python, scratch)
    await (pin === product.tensorflow ? unpackTensorflow : unpackCuda)(openWheel(file), directory)
    rmSync(file)
  }
  say(`Compiling the addon with ${toolchain.compiler}`)
  const nodeHeaders = found ?? join(scratch.directory, 'headers/include')
  await compileAddon({ compiler: toolchain.compiler, nodeHeaders, packageDirectory: directory })
}

function describe(name: ProductName, check: SelfCheck, state: string): string {
  const where = check.computesOnGpu ? 'computes on a GPU' : 'computes on the CPU'
  const note =
    name === 'cuda' && !check.computesOnGpu
      ? ': TensorFlow found no GPU it can use, so the cuda backend stays unavailable here'
      : ''
  return `${name} ${state}: TensorFlow ${check.tensorflow} ${where}${note}`
}
