import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash } from '#protocol/bundle.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { proximalGradients } from '#algorithms/methods/proximal.js'
import {
  compareWithReference,
  largestDifference,
  numbersOf,
} from '#testing/compare-with-reference.js'
import { describeMethod } from '#testing/method-conformance.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { tinyClients, tinyConfig, withMethod } from '#testing/tiny-federation.js'

describeMethod('fedprox')

const clients = tinyClients([3, 6, 5])

describe('fedprox', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('adds mu times the distance from the received params to the gradient', () => {
    // 0.5 + 2 · (1.5 − 1) = 1.5;  −1 + 2 · (3 − 4) = −3
    const adjusted = tf.tidy(() => {
      const [gradient, param, anchor] = [
        tf.tensor1d([0.5, -1]),
        tf.tensor1d([1.5, 3]),
        tf.tensor1d([1, 4]),
      ]
      return proximalGradients([gradient], {
        params: [param],
        anchor: [anchor],
        mu: 2,
      })[0]!.dataSync()
    })
    expect([...adjusted]).toEqual([1.5, -3])
  })

  it('with mu = 0 is fedavg, bit for bit', async () => {
    const fedavg = await runRoundsInMemory({ config: tinyConfig(), clients })
    const fedprox = await runRoundsInMemory({
      config: tinyConfig(withMethod('fedprox', { mu: 0 })),
      clients,
    })
    expect(bundleHash(fedprox.released)).toBe(bundleHash(fedavg.released))
  })

  it('agrees with the naive reference', async () => {
    const config = tinyConfig(withMethod('fedprox', { mu: 0.7 }))
    expect(largestDifference(await compareWithReference(config, clients))).toBeLessThan(1e-5)
  })

  it('keeps clients nearer to where they started, the larger mu is', async () => {
    const distance = async (mu: number) => {
      const config = tinyConfig((base) => withMethod('fedprox', { mu })({ ...base, rounds: 1 }))
      const { rounds } = await runRoundsInMemory({ config, clients })
      const start = numbersOf(rounds[0]!.plan.shared)
      return Math.hypot(...numbersOf(rounds[0]!.released).map((value, i) => value - start[i]!))
    }
    const [free, held, tight] = [await distance(0), await distance(1), await distance(4)]
    expect(held).toBeLessThan(free)
    expect(tight).toBeLessThan(held)
  })
})
