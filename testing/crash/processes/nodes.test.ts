import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIENT_FAULT_POINTS } from '#protocol/fault-points.js'
import { parseRunRecord, type RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { endAll, invite, start, startCoordinator, tributary } from '../../e2e/harness.js'
import { CLASSES, FEATURES, tinyDataset } from '../../tiny-federation.js'
import { fingerprintOf } from '../history.js'
import { fastestDirectory } from '../prepare.js'

const NODES = CLIENT_FAULT_POINTS.length
const ROUNDS = 5
const CONFIG = {
  name: 'nodes that die',
  task: { inputShape: [FEATURES], classes: CLASSES },
  model: { name: 'logistic' },
  // Its clients remember: what is settled twice, or not at all, shows in the model.
  method: { name: 'scaffold' },
  training: { batchSize: 4, optimizer: { name: 'sgd', learningRate: 0.1 } },
  cohort: { all: true, minReporters: NODES, graceSeconds: 600, deadlineSeconds: 3600 },
  compute: { backend: 'cpu' },
  rounds: ROUNDS,
  seed: 5,
}

/** `f0,f1,…,label` lines that `csv:` reads. */
function csvText(): string {
  const { features, labels, count } = tinyDataset(NODES * 12, 1)
  const header = [...Array.from({ length: FEATURES }, (_, i) => `f${i}`), 'label'].join(',')
  const lines = Array.from({ length: count }, (_, row) =>
    [...features.subarray(row * FEATURES, (row + 1) * FEATURES), CLASSES[labels[row]!]].join(','),
  )
  return [header, ...lines, ''].join('\n')
}

describe('nodes that are killed', () => {
  let directory: string
  let coordinator: Awaited<ReturnType<typeof startCoordinator>>
  beforeAll(async () => {
    directory = await mkdtemp(join(fastestDirectory(), 'tributary-nodes-'))
    await writeFile(join(directory, 'data.csv'), csvText())
    await writeFile(join(directory, 'config.json'), JSON.stringify(CONFIG))
    coordinator = await startCoordinator(directory)
  })
  afterAll(async () => {
    await endAll()
    await rm(directory, { recursive: true, force: true })
  })

  const join_ = (index: number, fault: string, code: string) =>
    start(
      [
        ...['client', 'join', coordinator.url, '--code', code, '--name', `node-${index}`],
        ...['--state-dir', join(directory, `node-${index}`)],
        ...['--data', `csv:${join(directory, 'data.csv')}:label=label`],
        ...['--partition', 'iid', '--shard', `${index + 1}/${NODES}`],
      ],
      { env: { TRIBUTARY_FAULT: fault } },
    )
  /** From its start to its end, which its fault has to be. */
  async function dies(node: ReturnType<typeof join_>, fault: string): Promise<void> {
    const { status, errorText } = await node.ended
    expect(errorText).toContain(`{"fault":"${fault.split(':')[0]}"`)
    expect(status).toBeNull()
  }
  async function runToEnd(): Promise<RunRecord> {
    const remote = ['--data-dir', coordinator.dataDir]
    const started = await tributary(['runs', 'start', join(directory, 'config.json'), ...remote])
    expect(started.errorText).toBe('')
    const runId = String(started.result['runId'])
    await tributary(['runs', 'watch', runId, ...remote])
    const out = join(directory, runId)
    await tributary(['runs', 'export', runId, ...remote, '--out', out])
    return unwrap(parseRunRecord(await readFile(join(out, 'record.json'), 'utf8')))
  }

  it('at each point, the first time and the second, change nothing', async () => {
    const codes = await Promise.all(CLIENT_FAULT_POINTS.map(() => invite(coordinator)))
    const first = CLIENT_FAULT_POINTS.map((point, i) => join_(i, `${point}:1`, codes[i]!))
    await Promise.all(first.map((node) => node.event('node:connected')))
    const deaths = Promise.all(
      CLIENT_FAULT_POINTS.map(async (point, i) => {
        await dies(first[i]!, point)
        await dies(join_(i, `${point}:2`, codes[i]!), point)
        await join_(i, '', codes[i]!).event('node:connected')
      }),
    )
    const disturbed = await runToEnd()
    await deaths
    expect(disturbed).toMatchObject({ state: 'finished' })
    for (const { attempt, accepted } of disturbed.rounds.slice(1))
      expect([attempt, accepted.length]).toEqual([1, NODES])
    const undisturbed = await runToEnd()
    expect(fingerprintOf(disturbed.rounds)).toEqual(fingerprintOf(undisturbed.rounds))
    expect(disturbed.rounds).toHaveLength(ROUNDS + 1)
  })
})
