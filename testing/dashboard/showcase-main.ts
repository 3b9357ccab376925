/**
 * Makes a data directory of a coordinator that shows what there is to see: real runs of every kind on made-up data, people of
 * every role, nodes that came, failed and were revoked.
 *
 *     npx tsx -C source testing/dashboard/showcase-main.ts [--out DIR] [--quick]
 *     npx tributary coordinator start --data-dir DIR/data --master-key DIR/master-key
 */
import { rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { RunConfigInput } from '#protocol/run-config.js'
import { Federation } from './federation.js'
import { PEOPLE } from './people.js'
import * as runs from './showcase-runs.js'

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: '.tributary/showcase' },
    quick: { type: 'boolean', default: false },
  },
})
const out = resolve(values.out)
const started = performance.now()
const say = (text: string): boolean =>
  process.stderr.write(
    `${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`,
  )
const quick = (config: RunConfigInput): RunConfigInput =>
  values.quick ? { ...config, rounds: Math.min(5, Number(config['rounds'])) } : config

const nameOf = ({ name }: RunConfigInput): string => (typeof name === 'string' ? name : '')

const federation = new Federation(out)
const perform = async (config: RunConfigInput): Promise<string> => {
  const runId = await federation.perform(quick(config))
  say(`${runId} ${nameOf(config)}`)
  return runId
}

/** Hospitals with different digits. The last takes part in few methods. */
async function hospitals(): Promise<void> {
  const nodes = await Promise.all(
    runs.HOSPITALS.map((name) => federation.join(name, ...runs.hospitalFlags(name))),
  )
  for (const seed of [1, 2, 3]) await perform(runs.digitsBaseline(seed))
  await perform(runs.digitsProximal(1))
  await unsteady(nodes[2]!.child.pid!)
  for (const config of [runs.CALIBRATED, runs.PERSONAL, runs.NOISY, runs.SPARSE, runs.FAILING])
    await perform(config)
  const waiting = await federation.begin(runs.WAITING)
  await federation.event(waiting, ({ type }) => type === 'run:waiting')
  await audits()
  await halted()
  for (const node of nodes.slice(1)) await node.kill('SIGINT')
}

/** A run in which a node stands still for a while, and another leaves in the middle of a round. */
async function unsteady(pid: number): Promise<void> {
  const config = runs.digitsProximal(2)
  const cohort = { ...(config['cohort'] as object), deadlineSeconds: 3 }
  const runId = await federation.begin(quick({ ...config, cohort }))
  await federation.closed(runId, 2)
  process.kill(pid, 'SIGSTOP')
  await federation.event(
    runId,
    ({ type, data }) => type === 'round:opened' && Number(data['round']) >= 5,
  )
  process.kill(pid, 'SIGCONT')
  await federation.ended(runId)
  say(`${runId} with a straggler`)
}

async function audits(): Promise<void> {
  await perform(runs.PASSED)
  await perform(runs.ABOVE_THRESHOLD)
  const runId = await perform(runs.OVERRIDDEN)
  const reason = 'All four sites hold published pictures only; agreed by the data protection board'
  await federation.api.call('POST /api/runs/:id/audit-override', { id: runId, body: { reason } })
  await federation.api.call('POST /api/runs/:id/resume', { id: runId })
  await federation.event(runId, ({ type }) => type === 'run:finished')
}

async function halted(): Promise<void> {
  const runId = await federation.begin(runs.LONG)
  await federation.closed(runId, 7)
  await federation.api.call('POST /api/runs/:id/stop', { id: runId })
  await federation.ended(runId)
  say(`${runId} stopped`)
}

/** Each sees pictures of another look. */
async function scanners(): Promise<void> {
  const model = `model=${JSON.stringify(runs.BACKBONE)}`
  const file = federation.at('backbone.bundle')
  await federation.command(
    ...['models', 'pretrain', '--out', file, '--backend', 'wasm', '--labels', 'joint'],
    ...['--data', 'synthetic:glyphs:classes=20:first=100:count=2000:seed=2', '--epochs', '12'],
    ...['--shift', `mixed:${runs.DOMAINS}:seed=2`, '--set', model],
  )
  const nodes = await Promise.all(
    runs.SCANNERS.map((name) => federation.join(name, ...runs.scannerFlags(name))),
  )
  const config = federation.at('instances.json')
  await writeFile(config, JSON.stringify(quick({ ...runs.INSTANCES, startFrom: { file } })))
  const remote = ['--data-dir', federation.dataDir]
  const runId = String((await federation.command('runs', 'start', config, ...remote))['runId'])
  await federation.ended(runId)
  say(`${runId} Four scanners`)
  const { nodes: all } = await federation.api.call('GET /api/nodes')
  await Promise.all(nodes.slice(0, 1).map((node) => node.kill('SIGINT')))
  const left = all.find(({ name }) => name === runs.SCANNERS[0])
  await federation.api.call('POST /api/nodes/:id/revoke', { id: left!.nodeId })
}

/** The last run is in the middle of its rounds when the coordinator ends: it goes on with the first node that comes. */
async function interrupted(): Promise<void> {
  const classes = ['0', '1', '2', '3', '4', '5', '6', '7']
  const task = { inputShape: [12, 12, 1], classes }
  const name = 'Nightly training'
  const cohort = { all: true, minReporters: 1, graceSeconds: 2, deadlineSeconds: 60 }
  const evaluation = {
    central: { name: 'synthetic', path: runs.GLYPHS.slice('synthetic:'.length) },
    federated: true,
  }
  const runId = await federation.begin({ ...runs.LONG, name, task, cohort, evaluation })
  await federation.closed(runId, 12)
  say(`${runId} goes on`)
}

async function writeReadme(): Promise<void> {
  const { runs: made } = await federation.api.call('GET /api/runs')
  const lines = [
    ...PEOPLE.map(({ name, role, password }) => `${name} (${role}): ${password}`),
    `tributary coordinator start --data-dir DIR/data --master-key ${federation.at('master-key')}`,
    ...made.map(({ runId, state, name, method }) => `${runId}  ${state}  ${method}  ${name}`),
  ]
  await writeFile(federation.at('README'), `${lines.join('\n')}\n`)
}

await rm(out, { recursive: true, force: true })
try {
  await federation.start()
  for (const person of PEOPLE) await federation.add(person)
  await hospitals()
  await scanners()
  await interrupted()
  await writeReadme()
} finally {
  await federation.stop()
}
say(`Done: ${out}`)
