import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash } from '#protocol/bundle.js'
import type { RunConfig } from '#protocol/run-config.js'
import { proximalGradients } from '#algorithms/methods/proximal.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { numbersOf } from '#testing/compare-with-reference.js'
import { describeMethod } from '#testing/method-conformance.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { tinyClients, tinyConfig, withMethod } from '#testing/tiny-federation.js'

describeMethod('clsprox')

const clients = tinyClients([3, 6, 5])
const withMlp = (config: RunConfig): RunConfig => ({
  ...config,
  model: { name: 'mlp', hidden: [5] },
})
const hashOf = async (config: RunConfig) =>
  bundleHash((await runRoundsInMemory({ config, clients })).released)

/** How far the params before the head and those of the head move in one round. */
async function distances(method: string, mu: number) {
  const config = tinyConfig((base) => withMethod(method, { mu })(withMlp({ ...base, rounds: 1 })))
  const { rounds } = await runRoundsInMemory({ config, clients })
  const start = numbersOf(rounds[0]!.plan.shared)
  const moved = numbersOf(rounds[0]!.released).map((value, i) => value - start[i]!)
  // dense1: 4 × 5 weights and 5 biases.
  return { extractor: Math.hypot(...moved.slice(0, 25)), head: Math.hypot(...moved.slice(25)) }
}

describe('clsprox', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('adds mu times the distance to the gradients of the last params alone', () => {
    // 0.5 + 2 · (1.5 − 1) = 1.5;  −1 + 2 · (3 − 4) = −3
    const adjusted = tf.tidy(() =>
      proximalGradients([tf.tensor1d([7, 7, 7]), tf.tensor1d([0.5, -1])], {
        params: [tf.tensor1d([9, 9, 9]), tf.tensor1d([1.5, 3])],
        anchor: [tf.tensor1d([1, 4])],
        mu: 2,
      }).map((gradient) => [...gradient.dataSync()]),
    )
    expect(adjusted).toEqual([
      [7, 7, 7],
      [1.5, -3],
    ])
  })

  it('with mu = 0 is fedavg, bit for bit', async () => {
    const clsprox = tinyConfig((base) => withMethod('clsprox', { mu: 0 })(withMlp(base)))
    expect(await hashOf(clsprox)).toBe(await hashOf(tinyConfig(withMlp)))
  })

  it('on a model that is all head is fedprox, bit for bit, and on another is not', async () => {
    const both = ['clsprox', 'fedprox'].map((name) => withMethod(name, { mu: 0.7 }))
    const [onHead, whole] = await Promise.all(both.map((change) => hashOf(tinyConfig(change))))
    expect(onHead).toBe(whole)
    const mlps = both.map((change) => hashOf(tinyConfig((base) => change(withMlp(base)))))
    expect(new Set(await Promise.all(mlps)).size).toBe(2)
  })

  it('keeps the head nearer to where it started, and the extractor freer than fedprox', async () => {
    const free = await distances('clsprox', 0)
    const held = await distances('clsprox', 4)
    const whole = await distances('fedprox', 4)
    expect(held.head).toBeLessThan(free.head)
    expect(whole.extractor).toBeLessThan(held.extractor)
  })
})
