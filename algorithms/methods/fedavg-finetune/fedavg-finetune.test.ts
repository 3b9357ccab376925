import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash } from '#protocol/bundle.js'
import { methodSetup } from '#algorithms/from-config.js'
import { fedavgClient } from '#algorithms/methods/fedavg/client.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { describeMethod } from '#testing/method-conformance.js'
import {
  exported,
  exportedHash,
  logitsBy,
  logitsOf,
  LOST,
  numbers,
  plannedFirst,
} from '#testing/personal-lab.js'
import { runRoundsInMemory, type InMemoryRun } from '#testing/run-rounds-in-memory.js'
import { tinyClients, tinyConfig, withMethod } from '#testing/tiny-federation.js'

describeMethod('fedavg-finetune')

const clients = tinyClients([3, 6, 5])
const config = tinyConfig(withMethod('fedavg-finetune'))
const run = (rest: Partial<InMemoryRun> = {}) => runRoundsInMemory({ config, clients, ...rest })

describe('fedavg-finetune', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('averages as fedavg does, bit for bit', async () => {
    const fedavg = await run({ config: tinyConfig() })
    const { rounds } = await run()
    expect(rounds.map(({ released }) => bundleHash(released))).toEqual(
      fedavg.rounds.map(({ released }) => bundleHash(released)),
    )
  })

  it('remembers what fedavg’s client trains in its last round, before averaging', async () => {
    const { rounds, memories } = await run()
    const { shared } = rounds[2]!.plan
    const { local } = await fedavgClient(methodSetup(config)).perform({
      ...{ round: 3, slot: 1, task: {}, shared, assets: {}, personal: null },
      ...{ data: clients[1]!, memory: null, uplink: [] },
    })
    expect(exported(config, memories.get(1)!)).toEqual(local)
    expect(exported(config, memories.get(1)!)).not.toEqual(exported(config, memories.get(0)!))
  })

  it.each(LOST)(
    'goes on predicting with the model before, when its update was %s',
    async (fate) => {
      const sooner = await run({ cohortOf: (round) => (round === 3 ? [0, 2] : [0, 1, 2]) })
      const lost = await run({
        fateOf: (round, slot) => (round === 3 && slot === 1 ? fate : 'accepted'),
      })
      expect(bundleHash(lost.memories.get(1)!)).toBe(bundleHash(sooner.memories.get(1)!))
      const all = await run()
      expect(exportedHash(config, all.memories.get(1)!)).not.toBe(
        exportedHash(config, lost.memories.get(1)!),
      )
    },
  )

  it('predicts with what it would export, whatever the shared params are by then', async () => {
    const { memories, released } = await run()
    const memory = memories.get(1)!
    expect(logitsBy(config, { shared: released, memory }, clients[1]!)).toEqual(
      logitsOf(config, exported(config, memory), clients[1]!),
    )
  })

  it('with a client that was never selected predicts with the shared params', async () => {
    const { memories, released } = await run({ cohortOf: () => [0, 2] })
    expect(memories.has(1)).toBe(false)
    for (const { shared } of [plannedFirst(config), { shared: released }])
      expect(logitsBy(config, { shared }, clients[1]!)).toEqual(
        logitsOf(config, Float32Array.from(numbers(shared)), clients[1]!),
      )
  })
})
