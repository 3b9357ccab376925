/** A federation that is quick to train, and says much about itself. */
import type { JsonObject } from '#protocol/json.js'
import type { RunConfigInput } from '#protocol/run-config.js'
import type { Federation } from '../dashboard/federation.js'
import type { Running } from '../e2e/harness.js'

const DATA = 'blobs:count=300:classes=4:features=8:seed=1'
export const tinyRun = (name: string, change: JsonObject = {}): RunConfigInput => ({
  name,
  task: { inputShape: [8], classes: ['0', '1', '2', '3'] },
  model: { name: 'logistic' },
  training: { localEpochs: 1, batchSize: 16, optimizer: { name: 'sgd', learningRate: 0.05 } },
  cohort: { all: true, minReporters: 1, graceSeconds: 20, deadlineSeconds: 120 },
  evaluation: { central: { name: 'synthetic', path: DATA }, federated: true },
  compute: { backend: 'cpu', threads: 1 },
  rounds: 3,
  seed: 1,
  ...change,
})
export const joinTiny = (
  federation: Federation,
  name: string,
  share: `${number}/${number}`,
): Promise<Running> =>
  federation.join(
    name,
    ...['--data', `synthetic:${DATA}`, '--partition', 'iid:seed=1', '--shard', share],
    ...['--share-counts', '--allow-per-example'],
  )
