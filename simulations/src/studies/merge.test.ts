import { describe, expect, it } from 'vitest'
import { mergeOverrides } from './merge.js'

describe('overrides', () => {
  it('change what they name, at any depth, and nothing else', () => {
    const base = {
      rounds: 3,
      training: { batchSize: 8, optimizer: { name: 'sgd', learningRate: 0.5 } },
      model: { name: 'mlp', hidden: [64, 32] },
    }
    const merged = mergeOverrides(base, {
      training: { optimizer: { learningRate: 0.25 } },
      model: { hidden: [16] },
      evaluation: { federated: true },
    })
    expect(merged).toEqual({
      rounds: 3,
      training: { batchSize: 8, optimizer: { name: 'sgd', learningRate: 0.25 } },
      // A list is one value.
      model: { name: 'mlp', hidden: [16] },
      evaluation: { federated: true },
    })
    expect(base.training.optimizer.learningRate).toBe(0.5)
  })

  it('with another name replace the choice with its options', () => {
    const base = {
      method: { name: 'fedprox', mu: 0.1 },
      training: { optimizer: { name: 'adam', beta1: 0.8 } },
    }
    const merged = mergeOverrides(base, {
      method: { name: 'scaffold' },
      training: { optimizer: { name: 'sgd', momentum: 0.9 } },
    })
    expect(merged).toEqual({
      method: { name: 'scaffold' },
      training: { optimizer: { name: 'sgd', momentum: 0.9 } },
    })
  })

  it('with the name that the choice has anyway keep its options, written or by default', () => {
    const base = {
      method: { name: 'fedprox', mu: 0.1 },
      training: { optimizer: { momentum: 0.9 } },
    }
    const merged = mergeOverrides(base, {
      method: { name: 'fedprox' },
      training: { optimizer: { name: 'sgd', learningRate: 0.2 } },
    })
    expect(merged).toEqual({
      method: { name: 'fedprox', mu: 0.1 },
      training: { optimizer: { name: 'sgd', momentum: 0.9, learningRate: 0.2 } },
    })
  })

  it('with another data set leave how it is dealt, and not its path', () => {
    const base = {
      data: { name: 'synthetic', path: 'blobs', partition: 'shards:2', clients: 7 },
      evaluation: { central: { name: 'synthetic', path: 'blobs', limit: 9 } },
    }
    expect(
      mergeOverrides(base, {
        data: { name: 'mnist' },
        evaluation: { central: { name: 'idx', path: 'a' } },
      }),
    ).toEqual({
      data: { name: 'mnist', partition: 'shards:2', clients: 7 },
      evaluation: { central: { name: 'idx', path: 'a', limit: 9 } },
    })
  })

  it('take one alternative for another', () => {
    const base = { cohort: { size: 4, minReporters: 2 }, startFrom: { file: 'a.bundle' } }
    expect(
      mergeOverrides(base, { cohort: { all: true }, startFrom: { pretrain: { epochs: 2 } } }),
    ).toEqual({ cohort: { all: true, minReporters: 2 }, startFrom: { pretrain: { epochs: 2 } } })
    expect(
      mergeOverrides({ startFrom: { pretrain: { epochs: 2 } } }, { startFrom: { variant: 'a' } }),
    ).toEqual({ startFrom: { variant: 'a' } })
  })

  it('can write null over an object, and an object over null', () => {
    const merged = mergeOverrides(
      { evaluation: { central: { name: 'mnist' }, earlyStop: null } },
      { evaluation: { central: null, earlyStop: { patience: 3 } } },
    )
    expect(merged).toEqual({ evaluation: { central: null, earlyStop: { patience: 3 } } })
  })

  it('hand a forbidden key on to be refused by its name', () => {
    const overrides = JSON.parse('{"method": {"__proto__": {"polluted": 1}}}') as object
    const merged = mergeOverrides({ method: { name: 'fedavg' } }, overrides as never)
    expect(Object.keys(merged['method'] as object)).toContain('__proto__')
    expect('polluted' in {}).toBe(false)
  })
})
