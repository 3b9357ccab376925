/**
 * The gate. `quick`: types, lint, unit and conformance tests. `full` (npm test): everything, from a fresh clone, with what
 * it needs installed first. The last line printed is `N passed, N failed` (and `, N skipped`).
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt, ensureInstalled, ROOT, run } from './ready.mjs'

const full = process.argv[2] === 'full'
const node = (args, env = {}) =>
  run(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } })
const totals = { passed: 0, failed: 0, skipped: 0 }

function step(title, action) {
  const started = performance.now()
  process.stderr.write(`\n── ${title}\n`)
  const status = action()
  process.stderr.write(
    `── ${title}: ${status === 0 ? 'ok' : 'FAILED'} (${((performance.now() - started) / 1000).toFixed(0)} s)\n`,
  )
  return status
}
/** A step that is no test runner counts as one test. */
function check(title, action) {
  totals[step(title, action) === 0 ? 'passed' : 'failed'] += 1
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
  if (status !== 0 && result.numFailedTests === 0) totals.failed += 1
}

ensureInstalled()
mkdirSync(join(ROOT, '.tributary/check'), { recursive: true })
check('types', () => node(['node_modules/typescript/bin/tsc', '--noEmit']))
check('lint', () => node(['node_modules/eslint/bin/eslint.js', '.']))
check('format', () =>
  node(['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']),
)
if (full) {
  check('build', () => (ensureBuilt(), 0))
  check('native backend', () => node(['scripts/ensure-native.mjs']))
}
vitest('unit and conformance', ['--project', 'unit'], full ? { TRIBUTARY_REQUIRE_NATIVE: '1' } : {})
if (full) vitest('end to end', ['--project', 'e2e'])
const { passed, failed, skipped } = totals
process.stdout.write(
  `\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
)
process.exit(failed === 0 ? 0 : 1)
