import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { firstWorking, succeeds } from './command.js'

/** What decides whether TensorFlow's wheels run here. Passed in, so that tests can be on any machine. */
export interface Platform {
  readonly os: string
  readonly cpu: string
  /** Version of the GNU C library, or undefined on another (Alpine's musl). */
  readonly glibc: string | undefined
  readonly hasAvx: boolean
}

export function thisPlatform(): Platform {
  const report = process.report.getReport() as unknown as {
    readonly header: { readonly glibcVersionRuntime?: string }
  }
  const cpuInfo = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : ''
  return {
    os: process.platform,
    cpu: process.arch,
    glibc: report.header.glibcVersionRuntime,
    hasAvx: /^flags\b.*\bavx\b/m.test(cpuInfo),
  }
}

/** Why TensorFlow's wheels cannot work on this machine, or null. */
export function platformProblem({ os, cpu, glibc, hasAvx }: Platform): string | null {
  if (os !== 'linux' || cpu !== 'x64') {
    return `it is built for Linux on x86-64 only, and this is ${os} on ${cpu}; use wasm`
  }
  if (glibc === undefined) {
    return 'it needs the GNU C library, and this Node.js runs on another (musl, as on Alpine); use a Debian image, or wasm'
  }
  const [major = 0, minor = 0] = glibc.split('.').map(Number)
  if (major < 2 || (major === 2 && minor < 17)) {
    return `it needs the GNU C library 2.17 or newer, and this is ${glibc}; use wasm`
  }
  return hasAvx ? null : 'it needs a CPU with AVX instructions, and this one has none; use wasm'
}

/** The tools that building needs, all found before anything is downloaded. */
export interface Toolchain {
  readonly compiler: string
  readonly python: string
}

export const findCompiler = (env: NodeJS.ProcessEnv = process.env): Promise<string | null> =>
  firstWorking([env.CXX, 'c++', 'g++', 'clang++'], ['--version'], env)
export const findPython = (env: NodeJS.ProcessEnv = process.env): Promise<string | null> =>
  firstWorking(
    [env.PYTHON, 'python3', 'python'],
    ['-c', 'import sys; assert sys.version_info >= (3, 8)'],
    env,
  )
export const hasPip = (python: string, env?: NodeJS.ProcessEnv): Promise<boolean> =>
  succeeds(python, ['-m', 'pip', '--version'], env)

/** Throws `backend/missing` and says which package of the system is missing. */
export async function findToolchain(env: NodeJS.ProcessEnv = process.env): Promise<Toolchain> {
  const compiler = await findCompiler(env)
  if (compiler === null) {
    throw missing(
      'No C++ compiler found (tried $CXX, c++, g++, clang++). Debian: apt-get install g++; Fedora: dnf install gcc-c++',
    )
  }
  const python = await findPython(env)
  if (python === null) {
    throw missing(
      'No Python 3.8 or newer found (tried $PYTHON, python3, python); its pip downloads TensorFlow. Debian: apt-get install python3-pip',
    )
  }
  if (!(await hasPip(python, env))) {
    throw missing(
      `'${python} -m pip' does not work. Debian: apt-get install python3-pip; elsewhere: ${python} -m ensurepip`,
    )
  }
  return { compiler, python }
}
const missing = (message: string): FederationError =>
  new FederationError('backend/missing', message)

/** The folder that holds `node_api.h`: beside this Node.js or in a usual place. Null when Node.js came without. */
export function findNodeHeaders(env: NodeJS.ProcessEnv = process.env): string | null {
  const folders = [
    env.npm_config_nodedir && join(env.npm_config_nodedir, 'include/node'),
    resolve(dirname(realpathSync(process.execPath)), '../include/node'),
    '/usr/local/include/node',
    '/usr/include/node',
    '/usr/include/nodejs/src',
  ]
  return folders.find((folder) => folder && existsSync(join(folder, 'node_api.h'))) || null
}

/** Free megabytes on the disk that holds `directory` or would hold it once made. */
export async function freeMegabytes(directory: string): Promise<number> {
  let existing = resolve(directory)
  while (!existsSync(existing)) existing = dirname(existing)
  const { bavail, bsize } = await statfs(existing)
  return Math.floor((bavail * bsize) / 1e6)
}

export async function requireDisk(directory: string, megabytes: number): Promise<void> {
  const free = await freeMegabytes(directory)
  if (free >= megabytes) return
  throw new FederationError(
    'backend/missing',
    `${directory} has ${free} MB free and the install needs ${megabytes}; make room, or choose another place with TRIBUTARY_NATIVE_DIR`,
  )
}
