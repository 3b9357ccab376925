import { afterEach, beforeEach, describe, it } from 'vitest'
import { endAll, temporaryDirectory } from './harness.js'
import { expectWhole, FATAL, survive } from './survival.js'

const MNIST = (shard: number): readonly string[] => [
  ...['--data', 'mnist', '--limit', '6000'],
  ...['--partition', 'dirichlet:0.5:min=20:seed=7', '--shard', `${shard}/3`],
]
const CONFIG = {
  task: { inputShape: [28, 28, 1], classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] },
  // Long enough for something to happen in a round.
  training: {
    ...{ localEpochs: 4, batchSize: 16 },
    optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
  },
  cohort: { all: true, minReporters: 3, graceSeconds: 100, deadlineSeconds: 120 },
  evaluation: { central: { name: 'mnist', limit: 300 } },
  compute: { backend: 'wasm', threads: 1 },
  seed: 3,
}

/** Kills and restarts; many times this on a machine that is busy with other things. */
const LONG = { timeout: 480_000 }

describe('a run whose coordinator is killed until it has finished', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  beforeEach(async () => {
    directory = await temporaryDirectory()
  })
  afterEach(async () => {
    await endAll()
    await directory.remove()
  })

  it('FedAvg on an MLP comes to the model of a run that nothing happened to', LONG, async () => {
    const rounds = 3
    const config = { ...CONFIG, name: 'mlp', rounds, model: { name: 'mlp', hidden: [64] } }
    const what = { config, data: MNIST, nodes: 3, fatal: FATAL }
    expectWhole(await survive(directory.path, what), rounds)
  })

  it(
    'FedAvg and then CCVR comes to the calibrated model of a run that nothing happened to',
    LONG,
    async () => {
      const rounds = 2
      const config = {
        ...{ ...CONFIG, name: 'calibrated', rounds, model: { name: 'mlp', hidden: [32, 16] } },
        calibration: { name: 'ccvr' },
      }
      const what = { config, data: MNIST, nodes: 3, fatal: FATAL }
      const survived = await survive(directory.path, what)
      expectWhole(survived, rounds + 1)
    },
  )
})
