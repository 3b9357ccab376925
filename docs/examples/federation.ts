/** A coordinator and two nodes in one program: what `coordinator start` and `client join` do, as a library. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configCatalogue, joinFederation, parseRunConfig, startCoordinator } from 'tributary'

const directory = await mkdtemp(join(tmpdir(), 'tributary-example-'))
const coordinator = await startCoordinator({ dataDir: join(directory, 'coordinator'), port: 0 })
const nodes = await Promise.all(
  [1, 2].map(async (number) =>
    joinFederation({
      url: coordinator.url,
      code: await coordinator.invite(),
      name: `node-${number}`,
      stateDir: join(directory, `node-${number}`),
      data: {
        data: 'synthetic',
        limit: 400,
        partition: 'iid:seed=1',
        shard: `${number}/2`,
        testFraction: 0.1,
      },
    }),
  ),
)
const card = nodes[0]?.card
if (card === undefined) throw new RangeError('no node')

const config = parseRunConfig(
  {
    name: 'example',
    task: { inputShape: card.inputShape, classes: card.classes },
    model: { name: 'logistic' },
    compute: { backend: 'wasm' },
    cohort: { all: true, minReporters: 2 },
    rounds: 2,
  },
  configCatalogue(),
)
if (!config.ok) throw config.error

const runId = await coordinator.runs.create(config.value)
await coordinator.runs.ended(runId)
const record = await coordinator.runs.record(runId)
process.stdout.write(
  `${record.state} after ${record.rounds.length - 1} rounds: ${record.modelHash ?? ''}\n`,
)

await Promise.all(nodes.map((node) => node.leave()))
await coordinator.stop()
