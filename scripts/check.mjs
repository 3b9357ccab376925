/**
 * The gate. `quick`: types, lint, unit and conformance tests. `full` (npm test): everything, from a fresh clone, with what
 * it needs installed first. A backend that cannot be installed is a failure in CI (`CI` is set) and a skip elsewhere. What
 * was skipped is listed with its reason; the last line printed is `N passed, N failed` (and `, N skipped`).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt, ensureInstalled, ROOT, run } from './ready.mjs'

const full = process.argv[2] === 'full'
const node = (args, env = {}) =>
  run(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } })
const totals = { passed: 0, failed: 0, skipped: 0 }
const skips = []

function step(title, action, otherwise = 'FAILED') {
  const started = performance.now()
  process.stderr.write(`\n── ${title}\n`)
  const status = action()
  process.stderr.write(
    `── ${title}: ${status === 0 ? 'ok' : otherwise} (${((performance.now() - started) / 1000).toFixed(0)} s)\n`,
  )
  return status
}
/** A step that is no test runner counts as one test. */
function check(title, action) {
  totals[step(title, action) === 0 ? 'passed' : 'failed'] += 1
}
const isCI = (process.env.CI ?? '') !== ''
/** Installs what tests need unless it works; true when the tests that need it must run. */
function ensure(title, name, script) {
  let reason = 'could not be installed'
  const install = () => {
    const done = spawnSync(process.execPath, script, {
      cwd: ROOT,
      stdio: ['ignore', 2, 'pipe'],
      encoding: 'utf8',
    })
    process.stderr.write(done.stderr)
    reason = done.stderr.split('\n').findLast((line) => line.startsWith('error ')) ?? reason
    return done.status ?? 1
  }
  const works = step(title, install, isCI ? 'FAILED' : 'skipped') === 0
  if (works) totals.passed += 1
  else if (isCI) totals.failed += 1
  else {
    totals.skipped += 1
    skips.push(`${name}: ${reason}`)
  }
  return works || isCI
}
const backend = (name, megabytes) =>
  ensure(`${name} backend (downloads ${megabytes} MB the first time)`, `${name} backend`, [
    'scripts/ensure-native.mjs',
    name,
  ])
const mongo = () =>
  ensure('MongoDB server for tests (downloads 24 MB the first time)', 'MongoDB server', [
    'scripts/ensure-mongo.mjs',
  ])
const chromium = () =>
  ensure(
    'Chromium for tests of pages (where there is none: apt-get in CI and for root, else a download of 110 MB)',
    'Chromium',
    ['scripts/ensure-chromium.mjs'],
  )
/** A suite that was skipped whole by its title, which says why; else its skipped tests one by one. */
function noteSkips({ testResults }) {
  const isSkipped = ({ status }) => ['skipped', 'pending', 'todo'].includes(status)
  for (const { assertionResults } of testResults) {
    const titleOf = ({ ancestorTitles }) => ancestorTitles[0] ?? ''
    for (const title of new Set(assertionResults.map(titleOf))) {
      const tests = assertionResults.filter((test) => titleOf(test) === title)
      const skipped = tests.filter(isSkipped)
      if (title !== '' && skipped.length === tests.length) skips.push(`${title} (${tests.length})`)
      else skips.push(...skipped.map(({ fullName }) => fullName.trim()))
    }
  }
}
function vitest(title, args, env = {}) {
  const report = join(ROOT, '.tributary/check', `${title.replaceAll(/\W+/g, '-')}.json`)
  rmSync(report, { force: true })
  const status = step(title, () =>
    node(
      [
        'node_modules/vitest/vitest.mjs',
        'run',
        ...args,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
      ],
      env,
    ),
  )
  if (!existsSync(report)) {
    totals.failed += 1
    return
  }
  const result = JSON.parse(readFileSync(report, 'utf8'))
  totals.passed += result.numPassedTests
  totals.failed += result.numFailedTests
  totals.skipped += result.numPendingTests + result.numTodoTests
  noteSkips(result)
  if (status !== 0 && result.numFailedTests === 0) totals.failed += 1
}

ensureInstalled()
mkdirSync(join(ROOT, '.tributary/check'), { recursive: true })
const TSC = 'node_modules/typescript/bin/tsc'
check('types', () => node([TSC, '--noEmit']))
check('types of the dashboard', () => node([TSC, '--noEmit', '-p', 'dashboard']))
check('lint', () => node(['node_modules/eslint/bin/eslint.js', '.']))
check('format', () =>
  node(['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']),
)
const required = {}
if (full) {
  check('build', () => (ensureBuilt(), 0))
  if (backend('native', 214)) required.TRIBUTARY_REQUIRE_NATIVE = '1'
  if (backend('webgpu', 124)) required.TRIBUTARY_REQUIRE_WEBGPU = '1'
  if (mongo()) required.TRIBUTARY_REQUIRE_MONGO = '1'
  if (chromium()) required.TRIBUTARY_REQUIRE_CHROMIUM = '1'
}
vitest('unit and conformance', ['--project', 'unit', '--project', 'dashboard'], required)
if (full) {
  vitest('killed processes', ['--project', 'crash'], required)
  vitest('end to end', ['--project', 'e2e'])
  vitest('in the browser', ['--project', 'browser'], required)
}
const { passed, failed, skipped } = totals
for (const skip of skips) process.stderr.write(`skipped: ${skip}\n`)
process.stdout.write(
  `\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
)
process.exit(failed === 0 ? 0 : 1)
