import { beforeAll, describe, expect, it } from 'vitest'
import type { RunConfig } from '#protocol/run-config.js'
import type { AttackResult } from '#algorithms/audit/attack.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { inLab, LAB_BUDGET, psnrOf, type LabOptions } from '#testing/attack-lab.js'
import { analytic } from './analytic.js'

beforeAll(async () => {
  await useBackend('wasm')
})

interface Outcome {
  readonly result: AttackResult
  readonly pictures: Float32Array
  readonly excluded: string | null
}
const attacked = (options: LabOptions): Promise<Outcome> =>
  inLab(async (made) => {
    const before = tf.memory().numTensors
    const budget = { ...LAB_BUDGET, stageIterations: 100 }
    const result = await analytic.run(made.input({ budget, generator: null }))
    expect(tf.memory().numTensors).toBe(before)
    return { result, pictures: made.pictures, excluded: analytic.excluded(made.problem) }
  }, options)

const worst = ({ result, pictures }: Outcome): number =>
  pictures.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - result.chosen!.images[i]!)),
    0,
  )

const perceptron = (activation: string, hidden = [8]): RunConfig['model'] => ({
  ...{ name: 'mlp', hidden, activation },
})
const convolutional: RunConfig['model'] = {
  ...{ name: 'cnn', filters: [8], kernelSize: 3, hidden: 16 },
  ...{ pooling: 'average', activation: 'softplus' },
}

describe('the analytic leak', () => {
  it.each([
    ['mlp, softplus', perceptron('softplus')],
    ['mlp, relu', perceptron('relu')],
    ['logistic', { name: 'logistic' }],
  ])('A13: reads the record off the first layer of %s', async (_name, model) => {
    const outcome = await attacked({ model })
    expect(outcome.excluded).toBeNull()
    expect(worst(outcome)).toBeLessThan(1e-4)
    expect(outcome.result.iterations).toBe(0)
    expect(outcome.result.note).toBeUndefined()
  })

  it('A13: does so through clipping and through several local steps', async () => {
    for (const options of [{ updates: [{ name: 'clip', norm: 0.01 }] }, { localSteps: 4 }]) {
      expect(worst(await attacked(options))).toBeLessThan(1e-4)
    }
  })

  it('finds most of the record in a tenth of the update', async () => {
    const { result, pictures } = await attacked({
      model: perceptron('relu', [40]),
      updates: [{ name: 'top-k', fraction: 0.1 }],
    })
    expect(psnrOf(result.chosen!.images, pictures)).toBeGreaterThan(10)
  })

  it('is not exact under noise', async () => {
    const updates = [{ name: 'gaussian-noise', stddev: 0.01 }]
    expect(worst(await attacked({ updates }))).toBeGreaterThan(1e-2)
  })

  it('reads several records off units that are active for one of them alone', async () => {
    const { result, pictures } = await attacked({
      model: perceptron('relu', [200]),
      labels: [0, 2],
    })
    const size = pictures.length / 2
    const record = (all: Float32Array, i: number) => all.subarray(i * size, (i + 1) * size)
    for (const i of [0, 1]) {
      const best = [0, 1].map((j) => psnrOf(record(result.chosen!.images, j), record(pictures, i)))
      expect(Math.max(...best)).toBeGreaterThan(40)
    }
  })

  it('fits a picture to features where the dense layer is behind convolutions', async () => {
    const { result, pictures, excluded } = await attacked({ model: convolutional })
    expect(excluded).toBeNull()
    expect(psnrOf(result.chosen!.images, pictures)).toBeGreaterThan(25)
    expect(result.note).toMatch(/^128 features of the record were read off/)
  })

  it('leaves features open of which nothing was sent', async () => {
    const updates = [{ name: 'top-k', fraction: 0.05 }]
    const { result, pictures } = await attacked({ model: convolutional, updates })
    // Taken for zeros they would leave 10 dB.
    expect(psnrOf(result.chosen!.images, pictures)).toBeGreaterThan(12)
  })

  it('says why it has nothing to read', async () => {
    const [several] = await Promise.all([attacked({ model: convolutional, labels: [0, 1] })])
    expect(several.excluded).toMatch(/behind others/)
    expect(several.result.chosen).toBeNull()
  })
})
