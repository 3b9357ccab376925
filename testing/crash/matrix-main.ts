/**
 * `npm run test:crash`: every point × {1st, 2nd} passing × both stores × both durabilities, with the lines that are to be seen.
 * `-- --few`: what `npm test` runs. `-- --write`: also writes docs/benchmarks/crash.md.
 */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { VERSION } from '#protocol/version.js'
import { endAll } from '../e2e/harness.js'
import { mongoAbsence, startMongo } from '../mongo/server.js'
import { CHECKS } from './history.js'
import {
  everyCell,
  fewCells,
  goldenRun,
  isSound,
  runMatrix,
  summaryOf,
  type Judged,
  type StoreKind,
} from './matrix.js'
import { crashPage } from './page.js'

const PAGE = new URL('../../docs/benchmarks/crash.md', import.meta.url)
const flags = new Set(process.argv.slice(2))
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const stores: readonly StoreKind[] = mongoAbsence === null ? ['sqlite', 'mongodb'] : ['sqlite']
if (mongoAbsence !== null) say(`without MongoDB: ${mongoAbsence}`)
const cells = flags.has('--few') ? fewCells(stores) : everyCell(stores)
const mongo = stores.includes('mongodb') ? await startMongo() : null
const began = performance.now()
const golden = await goldenRun()
for (const { check, problem } of golden.problems) say(`undisturbed: ${check}: ${problem}`)

const told = (one: Judged, done: number): void => {
  const problems = one.result?.problems.map(({ check, problem }) => `${check}: ${problem}`) ?? []
  const missed = one.result?.missed.map((fault) => `${fault} did not happen`) ?? []
  const why = [...(one.failure === null ? [] : [one.failure]), ...problems, ...missed]
  say(`${done}/${cells.length} ${isSound(one) ? 'ok  ' : 'FAIL'} ${one.cell.name}`)
  for (const reason of why) say(`    ${reason}`)
}
const judged = await runMatrix({
  ...{ cells, golden: golden.fingerprint, parallel: 2, onJudged: told },
  newDatabase: () => mongo?.url() ?? '',
})
await endAll()
await mongo?.stop()
const summary = summaryOf(judged)
for (const line of summary) process.stdout.write(`${line}\n`)
say(`checks ${CHECKS.filter((check) => check !== 'J8').join(' ')}; J8 has a test of its own`)

if (flags.has('--write')) {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { encoding: 'utf8' }).trim()
  const page = crashPage({
    ...{ judged, summary, stores, seconds: (performance.now() - began) / 1000 },
    made: [
      `commit ${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain', '--', 'coordinator', 'client', 'protocol', 'cli') === '' ? '' : ' with changes'}`,
      `Tributary ${VERSION}, Node.js ${process.versions.node}, ${process.platform} ${process.arch}`,
      `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'})`,
      'seed of the run 7; nothing else is drawn',
    ],
  })
  await writeFile(PAGE, page)
  say(`written: ${PAGE.pathname}`)
}
process.exitCode = judged.every(isSound) && golden.problems.length === 0 ? 0 : 1
