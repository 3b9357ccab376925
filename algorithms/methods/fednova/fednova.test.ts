import { beforeAll, describe, expect, it } from 'vitest'
import type { RunConfig } from '#protocol/run-config.js'
import { assertPossible } from '#algorithms/from-config.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import {
  compareWithReference,
  largestDifference,
  numbersOf,
} from '#testing/compare-with-reference.js'
import { describeMethod } from '#testing/method-conformance.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { tinyClients, tinyConfig, withMethod } from '#testing/tiny-federation.js'
import { normalizerOf } from './normalizer.js'

describeMethod('fednova')

const withMomentum = (momentum: number) => (config: RunConfig) => ({
  ...config,
  training: { ...config.training, optimizer: { ...config.training.optimizer, momentum } },
})

describe('the normalizer', () => {
  it('is the number of steps for plain SGD', () => {
    expect(normalizerOf({ steps: 7, momentum: 0, proximalRate: 0 })).toBe(7)
  })

  it('counts what momentum carries on', () => {
    // a = (1 + 0.5 + 0.25, 1 + 0.5, 1) = 1.75 + 1.5 + 1
    expect(normalizerOf({ steps: 3, momentum: 0.5, proximalRate: 0 })).toBeCloseTo(4.25, 12)
  })

  it('counts what the proximal pull takes back', () => {
    // a = (0.9², 0.9, 1) = 0.81 + 0.9 + 1
    expect(normalizerOf({ steps: 3, momentum: 0, proximalRate: 0.1 })).toBeCloseTo(2.71, 12)
  })
})

describe('fednova', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('with equal numbers of steps is fedavg', async () => {
    // Batches of 3: sizes 5 and 6 both take two steps an epoch.
    const clients = tinyClients([5, 6, 6])
    const equal = (config: RunConfig) => ({
      ...config,
      training: { ...config.training, batchSize: 3 },
    })
    const fedavg = await runRoundsInMemory({ config: tinyConfig(equal), clients })
    const fednova = await runRoundsInMemory({
      config: tinyConfig((config) => equal(withMethod('fednova')(config))),
      clients,
    })
    const expected = numbersOf(fedavg.released)
    numbersOf(fednova.released).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5))
    expect(fednova.rounds[0]?.metrics['effectiveSteps']).toBeCloseTo(4, 6)
  })

  it('stretches by the mean number of steps, weighted by examples', async () => {
    // Batches of 4, two epochs: 3, 6 and 13 examples take 2, 4 and 8 steps; (3·2 + 6·4 + 13·8) / 22 = 134/22.
    const clients = tinyClients([3, 6, 13])
    const { rounds } = await runRoundsInMemory({
      config: tinyConfig(withMethod('fednova')),
      clients,
    })
    expect(rounds[0]?.metrics['effectiveSteps']).toBeCloseTo(134 / 22, 6)
  })

  it.each([
    [0, 0],
    [0.5, 0],
    [0, 0.6],
    [0.5, 0.6],
  ])('agrees with the naive reference with momentum %d and mu %d', async (momentum, mu) => {
    const config = tinyConfig((base) => withMomentum(momentum)(withMethod('fednova', { mu })(base)))
    const both = await compareWithReference(config, tinyClients([3, 6, 13]))
    expect(largestDifference(both)).toBeLessThan(1e-5)
  })

  it('refuses optimizers whose steps it cannot weigh', () => {
    const withAdam = tinyConfig((base) => ({
      ...withMethod('fednova')(base),
      training: { ...base.training, optimizer: { ...base.training.optimizer, name: 'adam' } },
    }))
    expect(() => assertPossible(withAdam)).toThrow(
      expect.objectContaining({ code: 'config/impossible' }),
    )
    expect(() => assertPossible(tinyConfig(withMethod('fednova', { mu: 6 })))).toThrow(/below 1/)
    expect(() => assertPossible(tinyConfig(withMethod('fednova', { mu: 4 })))).not.toThrow()
  })
})
