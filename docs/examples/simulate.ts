/** A simulated run from your own program: four clients, FedAvg, the built-in synthetic data. */
import { configCatalogue, loadDataset, parseRunConfig, simulate } from 'tributary'

const { inputShape, classes } = await loadDataset({ name: 'synthetic', limit: 10 })

const config = parseRunConfig(
  {
    name: 'example',
    task: { inputShape, classes },
    model: { name: 'logistic' },
    data: { name: 'synthetic', partition: 'dirichlet:0.5:min=5:seed=1', clients: 4, limit: 400 },
    compute: { backend: 'wasm' },
    evaluation: { federated: true },
    rounds: 3,
    seed: 1,
  },
  configCatalogue(),
)
if (!config.ok) throw config.error

const { record } = await simulate(config.value, { workers: 0, runsDirectory: '.tributary/runs' })
for (const { round, metrics } of record.rounds) {
  process.stdout.write(`round ${round} ${JSON.stringify(metrics)}\n`)
}
process.stdout.write(`${record.modelHash ?? ''}\n`)
