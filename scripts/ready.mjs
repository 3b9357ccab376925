/**
 * Brings a fresh clone to the point where its commands run: dependencies as locked, sources compiled. Does only what is
 * missing, so it costs nothing the second time.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = ['protocol', 'data', 'algorithms', 'coordinator', 'client', 'simulations', 'cli']

export function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], ...options })
  if (done.error) throw done.error
  return done.status ?? 1
}
const orExit = (status, what) => {
  if (status === 0) return
  process.stderr.write(`error: ${what} failed (exit ${status})\n`)
  process.exit(1)
}
const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

function newestSource() {
  const files = SOURCES.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).map((name) => join(ROOT, folder, name)),
  )
  return Math.max(...[...files, join(ROOT, 'index.ts'), join(ROOT, 'tsconfig.json')].map(modified))
}

export function ensureInstalled() {
  const installed = modified(join(ROOT, 'node_modules/.package-lock.json'))
  if (installed >= modified(join(ROOT, 'package-lock.json')) && installed > 0) return
  process.stderr.write('Installing dependencies (once) …\n')
  orExit(
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']),
    'npm ci',
  )
}
export function ensureBuilt() {
  const stamp = join(ROOT, 'dist/build.tsbuildinfo')
  if (modified(stamp) > newestSource()) return
  process.stderr.write('Compiling (once) …\n')
  orExit(
    run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']),
    'compiling',
  )
  orExit(run('touch', [stamp]), 'touch')
}

const [command, ...args] = process.argv.slice(2)
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureInstalled()
  ensureBuilt()
  if (command !== undefined) {
    process.exit(
      run(process.execPath, ['bin/tributary.js', command, ...args], { stdio: 'inherit' }),
    )
  }
}
