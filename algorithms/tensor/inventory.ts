import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cpus, freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import type { BackendName } from './backends.js'
import { asFederationError } from '#protocol/errors.js'
import { provisionRoot, resolveCuda, resolveNative, resolveWebgpu } from './provision/index.js'
import { probeWebgpu } from './provision/webgpu-probe.js'
import { runCommand } from './provision/command.js'
import {
  findCompiler,
  findPython,
  freeMegabytes,
  hasPip,
  platformProblem,
  thisPlatform,
} from './provision/requirements.js'
import { selfCheck } from './provision/self-check.js'
import { tf } from './tf.js'

export interface BackendState {
  readonly name: BackendName
  /** `ready`: it computed just now. `missing`: something has to be installed first. `broken`: it is installed and fails. */
  readonly state: 'ready' | 'missing' | 'broken'
  /** What it runs on, or why it does not run and what to do. */
  readonly reason: string
}
export interface Inventory {
  readonly backends: readonly BackendState[]
  readonly cpu: { readonly model: string; readonly cores: number }
  readonly memory: { readonly freeBytes: number; readonly totalBytes: number }
  /** Version of Node.js. */
  readonly node: string
  readonly disk: readonly { readonly path: string; readonly freeBytes: number }[]
  /** What installing needs; `version` is null where the tool is missing. */
  readonly tools: readonly { readonly name: string; readonly version: string | null }[]
  readonly graphics: {
    /** Version of NVIDIA's kernel driver, or null. */
    readonly nvidiaDriver: string | null
    readonly nvidiaGpus: readonly string[]
    /** Names of the Vulkan drivers that the system offers. */
    readonly vulkanDrivers: readonly string[]
  }
}

/**
 * What this machine can do. Compiled backends are loaded and tried in child processes, so this takes some seconds and
 * a crashing one is reported, not suffered.
 */
export async function takeInventory(): Promise<Inventory> {
  const graphics = await findGraphics()
  const [native, cuda, webgpu, tools, disk] = await Promise.all([
    inspectNative(),
    inspectCuda(graphics.nvidiaDriver),
    inspectWebgpu(),
    findTools(),
    Promise.all([process.cwd(), provisionRoot()].map(freeBytesOf)),
  ])
  const [first] = cpus()
  return {
    backends: [cuda, webgpu, native, ...builtIn()],
    cpu: { model: first?.model.trim() ?? 'unknown', cores: cpus().length },
    memory: { freeBytes: freemem(), totalBytes: totalmem() },
    node: process.version,
    disk,
    tools,
    graphics,
  }
}

const builtIn = (): readonly BackendState[] => [
  { name: 'wasm', state: 'ready', reason: `TensorFlow.js ${tf.version_core} on WebAssembly` },
  {
    name: 'cpu',
    state: 'ready',
    reason: `TensorFlow.js ${tf.version_core} in plain JavaScript; slow`,
  },
]

async function inspectNative(): Promise<BackendState> {
  const directory = resolveNative()
  if (directory === null) return missing('native', installAdvice('native'))
  return attempt(
    'native',
    async () => `TensorFlow ${(await selfCheck(directory)).tensorflow} on the CPU`,
  )
}

async function inspectCuda(nvidiaDriver: string | null): Promise<BackendState> {
  if (nvidiaDriver === null) return missing('cuda', 'no NVIDIA driver on this machine')
  const directory = resolveCuda()
  if (directory === null) return missing('cuda', installAdvice('cuda'))
  const state = await attempt('cuda', async () => {
    const check = await selfCheck(directory)
    return check.computesOnGpu ? `TensorFlow ${check.tensorflow} on a GPU` : ''
  })
  if (state.reason !== '') return state
  return missing(
    'cuda',
    `installed, but TensorFlow finds no GPU it can use (driver ${nvidiaDriver}); it needs CUDA 12.5 support`,
  )
}

async function inspectWebgpu(): Promise<BackendState> {
  if (resolveWebgpu() === null) {
    return missing(
      'webgpu',
      'not installed; run: npm install webgpu @tensorflow/tfjs-backend-webgpu (experimental)',
    )
  }
  const { adapter, problem } = await probeWebgpu(false)
  if (adapter === null) return missing('webgpu', problem ?? 'no adapter')
  if (problem !== null) return { name: 'webgpu', state: 'broken', reason: problem }
  const kind = adapter.isFallbackAdapter ? ' (in software: slower than wasm)' : ''
  return {
    name: 'webgpu',
    state: 'ready',
    reason: `${adapter.vendor} ${adapter.description}${kind}; experimental`,
  }
}

function installAdvice(name: 'native' | 'cuda'): string {
  const problem = platformProblem(thisPlatform())
  return problem === null
    ? `not installed; run: tributary doctor --install ${name}`
    : `not possible here: ${problem}`
}
const missing = (name: BackendName, reason: string): BackendState => ({
  name,
  state: 'missing',
  reason,
})

async function attempt(name: BackendName, run: () => Promise<string>): Promise<BackendState> {
  try {
    return { name, state: 'ready', reason: await run() }
  } catch (error) {
    return { name, state: 'broken', reason: asFederationError(error).message }
  }
}

const freeBytesOf = async (path: string): Promise<Inventory['disk'][number]> => ({
  path,
  freeBytes: (await freeMegabytes(path)) * 1e6,
})

async function findTools(): Promise<Inventory['tools']> {
  const [compiler, python] = await Promise.all([findCompiler(), findPython()])
  const pip = python !== null && (await hasPip(python))
  const [cxx, py, pipVersion, npm] = await Promise.all([
    compiler && firstLine(compiler, ['--version']),
    python && firstLine(python, ['--version']),
    pip ? firstLine(python, ['-m', 'pip', '--version']) : null,
    firstLine('npm', ['--version']),
  ])
  return [
    { name: 'C++ compiler', version: cxx },
    { name: 'Python', version: py },
    { name: 'pip', version: pipVersion?.replace(/ from .*/, '') ?? null },
    { name: 'npm', version: npm },
  ]
}

async function findGraphics(): Promise<Inventory['graphics']> {
  const driver = '/proc/driver/nvidia/version'
  const text = existsSync(driver) ? readFileSync(driver, 'utf8') : ''
  const gpus = await runCommand('nvidia-smi', [
    '--query-gpu=name,driver_version',
    '--format=csv,noheader',
  ])
  const rows = gpus.status === 0 ? gpus.stdout.trim().split('\n').filter(Boolean) : []
  return {
    nvidiaDriver: /Kernel Module\D*([\d.]+)/.exec(text)?.[1] ?? rows[0]?.split(', ')[1] ?? null,
    nvidiaGpus: rows.map((row) => row.split(', ')[0] ?? row),
    vulkanDrivers: VULKAN_FOLDERS.flatMap(driverNames),
  }
}
const VULKAN_FOLDERS = [
  '/etc/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/usr/share/vulkan/icd.d',
]
const driverNames = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.json') && existsSync(join(folder, name)))
        .map((name) => name.replace(/(_icd)?(\.x86_64|\.aarch64)?\.json$/, ''))
    : []

async function firstLine(command: string, args: readonly string[]): Promise<string | null> {
  const { status, stdout, stderr } = await runCommand(command, args)
  return status === 0 ? ((stdout || stderr).trim().split('\n')[0] ?? null) : null
}
