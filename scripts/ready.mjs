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

/** Of the folders and files named. */
const newest = (...paths) =>
  Math.max(
    ...paths.flatMap((path) => {
      const full = join(ROOT, path)
      if (!statSync(full).isDirectory()) return [modified(full)]
      return readdirSync(full, { recursive: true }).map((name) => modified(join(full, name)))
    }),
  )

export function ensureInstalled() {
  const installed = modified(join(ROOT, 'node_modules/.package-lock.json'))
  if (installed >= modified(join(ROOT, 'package-lock.json')) && installed > 0) return
  process.stderr.write('Installing dependencies (once) …\n')
  orExit(
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']),
    'npm ci',
  )
}
/** A folder of `dist/` whose stamp is older than what it is made of is made anew. */
function ensure(stamp, sources, [title, ...command]) {
  const path = join(ROOT, stamp)
  if (modified(path) > newest(...sources)) return
  process.stderr.write(`${title} (once) …\n`)
  orExit(run(process.execPath, command), title.toLowerCase())
  orExit(run('touch', [path]), 'touch')
}
const TSC = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']
const VITE = ['node_modules/vite/bin/vite.js', 'build', 'dashboard', '--logLevel', 'warn']
export function ensureBuilt() {
  const sources = [...SOURCES, 'index.ts', 'tsconfig.json']
  ensure('dist/build.tsbuildinfo', sources, ['Compiling', ...TSC])
  const pages = ['dashboard', 'protocol', 'simulations/experiments', 'package-lock.json']
  ensure('dist/dashboard/index.html', pages, ['Building the dashboard', ...VITE])
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
