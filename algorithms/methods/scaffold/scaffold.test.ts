import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, partOf, payloadFloat32 } from '#protocol/bundle.js'
import type { RunConfig } from '#protocol/run-config.js'
import { assertPossible } from '#algorithms/from-config.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import {
  compareWithReference,
  largestDifference,
  numbersOf,
} from '#testing/compare-with-reference.js'
import { describeMethod } from '#testing/method-conformance.js'
import { referenceGradient } from '#testing/reference.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import type { InMemoryResult } from '#testing/run-rounds-in-memory.js'
import {
  CLASSES,
  plainRows,
  tinyClients,
  tinyConfig,
  withMethod,
} from '#testing/tiny-federation.js'

describeMethod('scaffold')

const clients = tinyClients([5, 5, 5])
/** Strongly convex and without noise, so that there is one point to converge to. */
const convex = (rounds: number) =>
  tinyConfig((base): RunConfig => ({
    ...withMethod('scaffold')(base),
    rounds,
    training: {
      ...base.training,
      localEpochs: 4,
      batchSize: 100,
      optimizer: { ...base.training.optimizer, weightDecay: 0.1 },
    },
  }))

/** Largest distance between the server's variate and the mean of what the clients remember. */
function variateGap({ state, memories }: InMemoryResult): number {
  const server = [...payloadFloat32(partOf(partOf(state, 'method'), 'variate'))]
  const own = clients.map((_, slot) => {
    const memory = memories.get(slot)
    return memory === undefined ? server.map(() => 0) : [...payloadFloat32(memory)]
  })
  return Math.max(
    ...server.map((value, i) =>
      Math.abs(value - own.reduce((sum, c) => sum + c[i]!, 0) / clients.length),
    ),
  )
}

describe('scaffold', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('with zero variates, as in its first round, is fedavg, bit for bit', async () => {
    const once = (config: RunConfig) => ({ ...config, rounds: 1 })
    const fedavg = await runRoundsInMemory({ config: tinyConfig(once), clients })
    const scaffold = await runRoundsInMemory({
      config: tinyConfig((config) => once(withMethod('scaffold')(config))),
      clients,
    })
    expect(bundleHash(scaffold.released)).toBe(bundleHash(fedavg.released))
  })

  it('agrees with the naive reference, with everyone and with changing cohorts', async () => {
    const config = tinyConfig((base) => ({ ...withMethod('scaffold')(base), rounds: 5 }))
    const unequal = tinyClients([3, 6, 5])
    const cohortOf = (round: number) => (round % 2 === 0 ? [0, 2] : [0, 1])
    expect(largestDifference(await compareWithReference(config, unequal))).toBeLessThan(1e-5)
    expect(largestDifference(await compareWithReference(config, unequal, cohortOf))).toBeLessThan(
      1e-5,
    )
  })

  it('remembers option II: its variate less the server’s, plus the movement per step', async () => {
    const config = tinyConfig((base) => ({ ...withMethod('scaffold')(base), rounds: 1 }))
    const { rounds, memories } = await runRoundsInMemory({ config, clients, cohortOf: () => [1] })
    // First round: c = c_1 = 0, so c_1⁺ = (w − w_1) / (K η) with K = 4 steps of η = 0.2; the mean of one is w_1 itself.
    const start = numbersOf(rounds[0]!.plan.shared)
    const expected = numbersOf(rounds[0]!.released).map(
      (value, i) => (start[i]! - value) / (4 * 0.2),
    )
    payloadFloat32(memories.get(1)!).forEach((value, i) =>
      expect(value).toBeCloseTo(expected[i]!, 5),
    )
  })

  it('with one update lost in round 2 of many converges to the same point, where the mean gradient is zero', async () => {
    const config = convex(60)
    const whole = await runRoundsInMemory({ config, clients })
    const lossy = await runRoundsInMemory({
      config,
      clients,
      fateOf: (round, slot) => (round === 2 && slot === 1 ? 'refused' : 'accepted'),
    })
    expect(lossy.rounds[1]?.reporters).toEqual([0, 2])
    const [expected, got] = [numbersOf(whole.released), numbersOf(lossy.released)]
    expect(numbersOf(lossy.rounds[1]!.released)).not.toEqual(numbersOf(whole.rounds[1]!.released))
    got.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4))
    expect(variateGap(lossy)).toBeLessThan(1e-5)

    const gradients = clients.map((client) =>
      referenceGradient(got, plainRows(client), CLASSES.length),
    )
    got.forEach((value, i) => {
      const mean = gradients.reduce((sum, g) => sum + g[i]!, 0) / clients.length
      expect(mean + 0.1 * value).toBeCloseTo(0, 3)
    })
  })

  it('would not, if a refused client remembered what the server never counted', async () => {
    const config = convex(4)
    const fateOf = (round: number, slot: number) =>
      round === 2 && slot === 1 ? 'refused' : 'accepted'
    const told = await runRoundsInMemory({ config, clients, fateOf })
    const misled = await runRoundsInMemory({
      config,
      clients,
      fateOf,
      believedFateOf: () => 'accepted',
    })
    expect(variateGap(told)).toBeLessThan(1e-5)
    expect(variateGap(misled)).toBeGreaterThan(1e-3)
  })

  it('refuses momentum and optimizers other than plain SGD', () => {
    const withMomentum = tinyConfig((base) => ({
      ...withMethod('scaffold')(base),
      training: { ...base.training, optimizer: { ...base.training.optimizer, momentum: 0.9 } },
    }))
    expect(() => assertPossible(withMomentum)).toThrow(
      expect.objectContaining({ code: 'config/impossible' }),
    )
    expect(() => assertPossible(tinyConfig(withMethod('scaffold')))).not.toThrow()
  })
})
