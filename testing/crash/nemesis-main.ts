/**
 * Kills at random instants, with everything else that goes wrong on lines and clocks. `--nightly`: 200 kills, and stops of 30 s
 * among them; else 20. `--seed N`: the same plan again. `--write`: also writes docs/benchmarks/nemesis.md.
 */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { VERSION } from '#protocol/version.js'
import { endAll } from '../e2e/harness.js'
import { mongoAbsence, startMongo } from '../mongo/server.js'
import { mischiefText, runNemesis, summaryOf, type NemesisResult } from './nemesis.js'

const PAGE = new URL('../../docs/benchmarks/nemesis.md', import.meta.url)
const ROUNDS = 40
const { values } = parseArgs({
  options: {
    nightly: { type: 'boolean', default: false },
    seed: { type: 'string', default: '7' },
    write: { type: 'boolean', default: false },
  },
})
const say = (text: string): void => void process.stderr.write(`${text}\n`)

if (mongoAbsence !== null) say(`without MongoDB: ${mongoAbsence}`)
const mongo = mongoAbsence === null ? await startMongo() : null
const began = performance.now()
const result = await runNemesis({
  ...{ seed: Number(values.seed), rounds: ROUNDS, say },
  ...(values.nightly ? { kills: 200, longestStopMs: 30_000 } : { kills: 20, longestStopMs: 500 }),
  newDatabase: mongo === null ? undefined : () => mongo.url(),
})
await endAll()
await mongo?.stop()
for (const line of summaryOf(result)) process.stdout.write(`${line}\n`)
if (values.write) {
  await writeFile(PAGE, pageOf(result, (performance.now() - began) / 1000))
  say(`written: ${PAGE.pathname}`)
}
const isSound = result.campaigns.every(
  ({ problems, sameResult }) => problems.length === 0 && sameResult === true,
)
process.exitCode = isSound && result.lost === 0 && result.doubled === 0 ? 0 : 1

function pageOf(found: NemesisResult, seconds: number): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { encoding: 'utf8' }).trim()
  const changed =
    git('status', '--porcelain', '--', 'coordinator', 'client', 'protocol', 'cli') === ''
      ? ''
      : ' with changes'
  const made = [
    `commit ${git('rev-parse', '--short=12', 'HEAD')}${changed}`,
    `Tributary ${VERSION}, Node.js ${process.versions.node}, ${process.platform} ${process.arch}`,
    `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'})`,
    `seed ${found.seed}`,
  ]
  const rows = found.campaigns.map(
    ({ campaign, store, durability, kills, mischief, acked, problems, sameResult }) => [
      ...[String(campaign), store, durability, String(kills), mischiefText(mischief)],
      ...[String(acked), sameResult === true ? 'equal' : '**different**'],
      problems.length === 0 ? 'none' : problems.map(({ check }) => check).join(', '),
    ],
  )
  return [
    '# A coordinator on which everything goes wrong: what was shown',
    '',
    `Written by \`npm run test:crash -- --nightly\`. Five synthetic nodes and ${ROUNDS} rounds a campaign; the coordinator is killed`,
    '(SIGKILL) 0.2 to 3 s after it listens, again and again until the run is over. Meanwhile the line to the nodes is delayed, cut',
    'and half closed, the process is stopped and continued (for 30 s now and then), and its wall clock is set an hour on or back.',
    'Everything that the nodes saw is checked (J1–J9 of [reliability](../reliability.md)), and the final model, state and metrics',
    'must equal those of a run that nothing disturbed. The seed decides what goes wrong and when; where in the work it falls depends',
    'on the machine.',
    '',
    ...summaryOf(found).map((line) => `- ${line}`),
    '',
    `Made in ${Math.round(seconds)} s: ${made.join('; ')}.`,
    '',
    '| campaign | store | updates are | kills | what else | acknowledged | resumed hash | problems |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
  ].join('\n')
}
