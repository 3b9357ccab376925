import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { join } from 'node:path'
import { endAll, temporaryDirectory, tributary } from './harness.js'
import { expectWhole, FATAL, survive } from './survival.js'

const DIGITS = 'synthetic:digits:count=400:seed=3:side=12'
const SHIFT = 'mixed:none,rotate=90+invert,contrast=0.5,rotate=180+invert'
const WASM = { compute: { backend: 'wasm', threads: 1 }, seed: 3 }
const COHORT = { all: true, minReporters: 4, attempts: 50, graceSeconds: 100, deadlineSeconds: 120 }

/** Kills and restarts; many times this on a machine that is busy with other things. */
const LONG = { timeout: 480_000 }

describe('a run of a method that keeps something with its clients, whose coordinator is killed until it has finished', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  beforeEach(async () => {
    directory = await temporaryDirectory()
  })
  afterEach(async () => {
    await endAll()
    await directory.remove()
  })

  it(
    'FedIns comes to the pool of a run that nothing happened to; the backbone went out once',
    LONG,
    async () => {
      const rounds = 2
      const model = { name: 'mlp', hidden: [24, 16], activation: 'gelu', closingNorm: true }
      const pretrained = await tributary(
        [
          ...['models', 'pretrain', '--data', 'synthetic:digits:count=200:seed=9:side=12'],
          ...['--shift', SHIFT, '--labels', 'joint', '--epochs', '1', '--out', 'backbone.bundle'],
          ...['--backend', 'wasm', '--set', `model=${JSON.stringify(model)}`],
        ],
        {
          cwd: directory.path,
          env: { XDG_CACHE_HOME: join(directory.path, 'cache') },
        },
      )
      expect(pretrained.errorText).toBe('')
      const survived = await survive(directory.path, {
        config: {
          ...{ ...WASM, name: 'fedins', rounds, model, startFrom: { file: 'backbone.bundle' } },
          task: {
            ...{ inputShape: [12, 12, 1] },
            classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
          },
          method: { name: 'fedins', poolSize: 4, topK: 1 },
          training: {
            localEpochs: 20,
            batchSize: 16,
            optimizer: { name: 'sgd', learningRate: 0.1 },
          },
          cohort: COHORT,
          evaluation: { federated: true },
        },
        data: (shard) => [
          ...['--data', DIGITS, '--shift', SHIFT],
          ...['--partition', 'dirichlet:1:min=20:seed=7', '--shard', `${shard}/4`],
        ],
        ...{ nodes: 4, fatal: FATAL },
      })
      // The scores of the last model are a round of their own.
      expectWhole(survived, rounds + 1)
      for (const { lines } of survived.nodes)
        expect(lines.filter(({ event }) => event === 'asset:fetched')).toHaveLength(1)
    },
  )

  it('FedD2S comes to the personal models of a run that nothing happened to', LONG, async () => {
    const rounds = 2
    const survived = await survive(directory.path, {
      config: {
        ...{ ...WASM, name: 'fedd2s', rounds, model: { name: 'mlp', hidden: [12, 10, 8] } },
        task: { inputShape: [8], classes: ['0', '1', '2', '3'] },
        method: { name: 'fedd2s', interval: 1 },
        training: {
          ...{ localEpochs: 60, batchSize: 16 },
          optimizer: { name: 'sgd', learningRate: 0.02 },
        },
        cohort: COHORT,
        evaluation: { federated: true, every: rounds },
      },
      data: (shard) => [
        ...['--allow-per-example', '--data', 'synthetic:blobs:count=500:classes=4:features=8'],
        ...['--partition', 'dirichlet:1:min=30:seed=7', '--shard', `${shard}/4`],
      ],
      ...{ nodes: 4, fatal: FATAL },
    })
    // The scores of the last model are a round of their own.
    expectWhole(survived, rounds + 1)
  })
})
