import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { complaint, runCommand } from './command.js'
import { ADDON } from './locate.js'
import { inside } from './tar.js'
import type { Wheel } from './zip.js'

const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const

/**
 * Puts TensorFlow's two libraries into `deps/lib` of the package, where the addon looks for them, and the headers of its C
 * API into `deps/include`. The links give the libraries the names that the linker and tfjs-node's own installer look for.
 */
export async function unpackTensorflow(wheel: Wheel, packageDirectory: string): Promise<void> {
  const lib = join(packageDirectory, 'deps/lib')
  for (const library of LIBRARIES) await wheel.extract(`tensorflow/${library}`, join(lib, library))
  const [cc, framework] = LIBRARIES
  for (const name of ['libtensorflow.so', 'libtensorflow.so.2', installerName(packageDirectory)]) {
    symlinkSync(cc, join(lib, name))
  }
  symlinkSync(framework, join(lib, 'libtensorflow_framework.so'))
  for (const header of neededHeaders(wheel, packageDirectory)) {
    const path = inside(join(packageDirectory, 'deps/include'), header)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, wheel.text(`tensorflow/include/${header}`))
  }
}

/** With this name present, a later `npm rebuild` neither downloads nor deletes what was built. */
function installerName(packageDirectory: string): string {
  const constants = readFileSync(join(packageDirectory, 'scripts/deps-constants.js'), 'utf8')
  return `libtensorflow.so.${/LIBTENSORFLOW_VERSION = '([\d.]+)'/.exec(constants)?.[1] ?? '1'}`
}

/** The headers that the addon's sources include, and those that these include: 14 of the wheel's thousands. */
function neededHeaders(wheel: Wheel, packageDirectory: string): ReadonlySet<string> {
  const sources = join(packageDirectory, 'binding')
  const needed = new Set<string>()
  const open = readdirSync(sources).flatMap((name) =>
    includesOf(readFileSync(join(sources, name), 'utf8')),
  )
  for (let header = open.pop(); header !== undefined; header = open.pop()) {
    if (needed.has(header) || !wheel.has(`tensorflow/include/${header}`)) continue
    needed.add(header)
    open.push(...includesOf(wheel.text(`tensorflow/include/${header}`)))
  }
  return needed
}
const includesOf = (source: string): readonly string[] =>
  [...source.matchAll(/#\s*include\s*["<]([^">]+)[">]/g)].map(([, header = '']) => header)

/** The CUDA libraries, and what XLA compiles with, into `deps/nvidia`: TensorFlow looks for them beside its own folder. */
export async function unpackCuda(wheel: Wheel, packageDirectory: string): Promise<void> {
  for (const name of wheel.names.filter(isCudaFile)) {
    await wheel.extract(name, inside(join(packageDirectory, 'deps'), name))
  }
}
const isCudaFile = (name: string): boolean =>
  /^nvidia\/\w+\/lib\/[^/]+\.so[.\d]*$/.test(name) ||
  /^nvidia\/cuda_nvcc\/(bin\/ptxas|nvvm\/libdevice\/[^/]+\.bc)$/.test(name)

/** Compiles tfjs-node's addon against the unpacked libraries and checks that every symbol it wants is there. */
export async function compileAddon(options: {
  readonly compiler: string
  readonly nodeHeaders: string
  readonly packageDirectory: string
}): Promise<void> {
  const { compiler, nodeHeaders, packageDirectory } = options
  const addon = join(packageDirectory, ADDON)
  mkdirSync(dirname(addon), { recursive: true })
  const args = [
    ['-std=c++17', '-O2', '-fPIC', '-shared', '-w'],
    ['-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=tfjs_binding', '-DBUILDING_NODE_EXTENSION'],
    [`-I${nodeHeaders}`, '-Ideps/include', '-I.', '-Ibinding'],
    ['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'],
    ['-Ldeps/lib', '-ltensorflow', '-ltensorflow_framework', '-Wl,-rpath,$ORIGIN/../../deps/lib'],
    ['-o', addon],
  ].flat()
  const compiled = await runCommand(compiler, args, { cwd: packageDirectory })
  if (compiled.status !== 0) {
    throw new FederationError(
      'backend/broken',
      `${compiler} could not compile the addon: ${complaint(compiled)}`,
    )
  }
  const linked = await runCommand('ldd', ['-r', addon])
  const unresolved = `${linked.stdout}\n${linked.stderr}`.split('\n').filter(isUnresolved)
  if (unresolved.length > 0) {
    throw new FederationError(
      'backend/broken',
      `The addon lacks parts of TensorFlow: ${unresolved.join('; ')}`,
    )
  }
}
/** Symbols of Node-API are resolved by the Node.js that loads the addon, so only TensorFlow's count. */
const isUnresolved = (line: string): boolean =>
  /not found|undefined symbol: (TFE?_|_ZN\w*tensorflow)/.test(line)
