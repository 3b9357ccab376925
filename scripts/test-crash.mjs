/**
 * `npm run test:crash`: everything that kills processes. Deaths at every named point, over every entry of the catalogue in one
 * process, then over real ones with both stores; then kills at random instants. The lines that are to be seen are printed.
 *
 * Options: --few (of the matrix only what `npm test` runs), --nightly (200 random kills instead of 20), --seed N (of these),
 * --write (also docs/benchmarks/crash.md and nemesis.md).
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { ensureBuilt, ensureInstalled, ROOT, run } from './ready.mjs'

const { values } = parseArgs({
  options: {
    few: { type: 'boolean', default: false },
    nightly: { type: 'boolean', default: false },
    seed: { type: 'string', default: '7' },
    write: { type: 'boolean', default: false },
  },
})
ensureInstalled()
ensureBuilt()
const isCI = (process.env.CI ?? '') !== ''
if (run(process.execPath, ['scripts/ensure-mongo.mjs']) !== 0 && isCI) process.exit(1)

const write = values.write ? ['--write'] : []
const source = ['--conditions=source', '--import', 'tsx']
const steps = [
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', 'testing/crash'],
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'crash', 'testing/crash/processes/nodes'],
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'crash', 'testing/crash/processes/disk'],
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'crash', 'testing/crash/processes/excl'],
  [...source, 'testing/crash/matrix-main.ts', ...(values.few ? ['--few'] : []), ...write],
  [
    ...[...source, 'testing/crash/nemesis-main.ts', '--seed', values.seed],
    ...(values.nightly ? ['--nightly'] : []),
    ...write,
  ],
]
let failed = 0
for (const args of steps) {
  const done = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' })
  if (done.status !== 0) failed += 1
}
process.exit(failed === 0 ? 0 : 1)
