/**
 * Makes a Chromium available to the tests that open pages: `$CHROMIUM`, one that is installed, Debian's package for root and in
 * CI, or one that playwright downloads into `.tributary/`: nobody else's machine gets packages that were not asked for. Exit 0
 * when it is there, 1 when it cannot be had, with the reason. Users of Tributary never need it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from './ready.mjs'

const BROWSERS = join(ROOT, '.tributary/browsers')
const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
/** Below a folder of playwright's: `chromium_headless_shell-1234/…/headless_shell`. */
const EXECUTABLES = /^(chrome-headless-shell|headless_shell|chrome|Chromium)$/

/** Path of a Chromium; null where there is none yet. */
export function findChromium() {
  const own = process.env.CHROMIUM ?? ''
  if (own !== '') return own
  return INSTALLED.find((path) => existsSync(path)) ?? downloaded()
}

function downloaded() {
  if (!existsSync(BROWSERS)) return null
  const files = readdirSync(BROWSERS, { recursive: true, withFileTypes: true })
  const found = files.find((file) => file.isFile() && EXECUTABLES.test(file.name))
  return found === undefined ? null : join(found.parentPath, found.name)
}

const isWorking = (path) =>
  path !== null &&
  spawnSync(path, ['--version', '--no-sandbox'], { stdio: 'ignore', timeout: 60_000 }).status === 0

/** The package with fonts: without any, pages have no text to measure. */
const PACKAGES = ['chromium', 'fonts-dejavu-core', 'fonts-liberation']

/** How packages are installed without asking anybody; null: they are not. */
export function installerFor({ uid, ci = '' }) {
  if (uid === 0) return ['apt-get']
  return ci === '' ? null : ['sudo', '-n', 'apt-get']
}

/** True: there is a Chromium now. */
function fromDebian() {
  const installer = installerFor({ uid: process.getuid?.(), ci: process.env.CI })
  if (installer === null || !existsSync('/usr/bin/apt-get')) return false
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', ...PACKAGES]]) {
    const [file = '', ...rest] = [...installer, ...args]
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync(file, rest, { env, stdio: ['ignore', 2, 2], timeout: 600_000 })
  }
  return isWorking(findChromium())
}

function fromPlaywright() {
  const playwright = join(ROOT, 'node_modules/playwright-core/cli.js')
  const env = { ...process.env, PLAYWRIGHT_BROWSERS_PATH: BROWSERS }
  spawnSync(process.execPath, [playwright, 'install', '--only-shell', 'chromium'], {
    ...{ env, stdio: ['ignore', 2, 2], timeout: 600_000 },
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (!isWorking(findChromium()) && !fromDebian()) fromPlaywright()
  if (!isWorking(findChromium())) {
    process.stderr.write(
      `error no Chromium was found, and the one that playwright downloads does not run; install one (on Debian: apt-get install ${PACKAGES.join(' ')}), or name it with CHROMIUM\n`,
    )
    process.exit(1)
  }
}
