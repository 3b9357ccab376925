/**
 * `npm run test:security`: the tests of threats and what they add up to. `--nightly`: a million fuzzed frames instead of a
 * hundred thousand. The last line printed is `N of 25 threats`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureInstalled, ROOT } from './ready.mjs'

const OPEN = new Set(['T13', 'T25'])
const THREATS = Array.from({ length: 27 }, (_, i) => `T${i + 1}`).filter((one) => !OPEN.has(one))

ensureInstalled()
mkdirSync(join(ROOT, '.tributary/check'), { recursive: true })
const report = join(ROOT, '.tributary/check/security.json')
rmSync(report, { force: true })
const frames = process.argv.includes('--nightly') ? { TRIBUTARY_FUZZ_FRAMES: '1000000' } : {}
const args = ['run', '--project', 'unit', 'testing/security']
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', ...args, ...reporters],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...frames } },
)
if (!existsSync(report)) process.exit(1)

const tests = JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap(
  ({ assertionResults }) => assertionResults,
)
const ofThreat = (threat) => tests.filter(({ title }) => title.startsWith(`SEC-${threat}:`))
const holds = (threat) => {
  const own = ofThreat(threat).filter((test) => test.status !== 'pending')
  return own.length > 0 && own.every((test) => test.status === 'passed')
}
const meta = Object.assign({}, ...tests.map((test) => test.meta ?? {}))
const forged = tests.filter(({ title }) => title.startsWith('SEC-T1: forged: ')).length
const say = (line) => process.stdout.write(`${line}\n`)
for (const threat of THREATS)
  say(
    `${threat.padEnd(4)} ${String(ofThreat(threat).length).padStart(4)} tests  ${holds(threat) ? 'holds' : 'FAILED'}`,
  )
for (const { title } of tests.filter((test) => test.status === 'pending')) say(`skipped: ${title}`)
say(`${forged} forged tokens refused`)
say(
  `${meta.frames ?? 0} fuzzed frames over ${meta.connections ?? 0} connections, seed ${meta.seed ?? '–'}, memory grew by ${meta.grownMB ?? '–'} MB`,
)
say(`${meta.controls ?? 0} controls shown to matter`)
say('Open: T13, T25 (docs/threat-model.md)')
say(`${THREATS.filter(holds).length} of ${THREATS.length} threats`)
process.exit(status ?? 1)
