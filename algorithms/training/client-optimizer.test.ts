import { beforeAll, describe, expect, it } from 'vitest'
import type { OptimizerConfig } from '#protocol/run-config.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { buildClientOptimizer, CLIENT_OPTIMIZERS } from './client-optimizer.js'
import { clipped, globalNorm } from './gradient-clip.js'
import { learningRateAt } from './schedule.js'
import { decayed } from './weight-decay.js'

const base: OptimizerConfig = {
  name: 'sgd',
  learningRate: 0.1,
  momentum: 0,
  weightDecay: 0,
  schedule: { name: 'constant' },
  gradientClip: null,
}

const values = (tensors: readonly Tensor[]): number[][] =>
  tensors.map((tensor) => [...tensor.dataSync()])
function expectClose(tensors: readonly Tensor[], expected: readonly (readonly number[])[]): void {
  const flat = values(tensors).flat()
  expect(flat).toHaveLength(expected.flat().length)
  expected.flat().forEach((value, i) => expect(flat[i]).toBeCloseTo(value, 5))
}

/** Params after each of the gradients in turn. */
function trajectory(config: OptimizerConfig, start: number[], gradients: number[][]): Tensor[] {
  const optimizer = buildClientOptimizer(config)
  let params: Tensor[] = [tf.tensor1d(start)]
  let state = optimizer.init(params)
  return gradients.map((gradient, i) => {
    const input = {
      params,
      gradients: [tf.tensor1d(gradient)],
      state,
      learningRate: config.learningRate,
      step: i + 1,
    }
    ;({ params, state } = optimizer.step(input))
    return params[0]!
  })
}

describe.each(['cpu', 'wasm'] as const)('client optimizers on %s', (backend) => {
  beforeAll(() => useBackend(backend))

  it('sgd goes against the gradient by the learning rate', () => {
    // 1 − 0.1 · 0.5 = 0.95; −2 − 0.1 · 1 = −2.1. Then 0.95 + 0.1 = 1.05; −2.1 − 0.025 = −2.125.
    expectClose(trajectory(base, [1, -2], [[0.5, 1], [-1, 0.25]]), [[0.95, -2.1], [1.05, -2.125]]) // prettier-ignore
  })

  it('sgd with momentum adds the velocity of the steps before', () => {
    // v = (0.5, 1); w = (0.95, −2.1). Then v = 0.9 v + g = (−0.55, 1.15); w = (1.005, −2.215).
    const config = { ...base, momentum: 0.9 }
    expectClose(trajectory(config, [1, -2], [[0.5, 1], [-1, 0.25]]), [[0.95, -2.1], [1.005, -2.215]]) // prettier-ignore
  })

  it('adam divides the corrected first moment by the root of the corrected second', () => {
    // β1 = 0.5, β2 = 0.75, ε = 0.5, η = 0.1, w = 1.
    // t = 1, g = 0.5: m = 0.25, v = 0.0625; m̂ = 0.25/0.5 = 0.5, v̂ = 0.0625/0.25 = 0.25; w = 1 − 0.1 · 0.5/(0.5 + 0.5) = 0.95.
    // t = 2, g = −1: m = 0.125 − 0.5 = −0.375, v = 0.046875 + 0.25 = 0.296875; m̂ = −0.375/0.75 = −0.5,
    //   v̂ = 0.296875/0.4375 = 0.6785714, root 0.8237545; w = 0.95 + 0.1 · 0.5/1.3237545 = 0.9877714.
    const config = { ...base, name: 'adam', beta1: 0.5, beta2: 0.75, epsilon: 0.5 }
    expectClose(trajectory(config, [1], [[0.5], [-1]]), [[0.95], [0.9877714]])
  })

  it('adam has the defaults of the paper', () => {
    // First step: m̂ = g, v̂ = g², so the step is the learning rate, whatever the gradient's size.
    expectClose(trajectory({ ...base, name: 'adam' }, [1, 1], [[0.003, -70]]), [[0.9, 1.1]])
  })

  it('weight decay adds λ w to the gradient', () => {
    const gradients = [tf.tensor1d([0.5, -1])]
    // 0.5 + 0.01 · 3 = 0.53; −1 + 0.01 · (−20) = −1.2.
    const params = [tf.tensor1d([3, -20])]
    expectClose(decayed(gradients, params, { weightDecay: 0.01 }), [[0.53, -1.2]])
    expectClose(decayed(gradients, params, { weightDecay: 0.01, decay: 'all' }), [[0.53, -1.2]])
    expect(decayed(gradients, params, { weightDecay: 0 })).toBe(gradients)
  })

  it('weight decay of weights alone leaves biases as they are', () => {
    const gradients = [tf.tensor2d([[0.5, -1]]), tf.tensor1d([0.5, -1])]
    const params = [tf.tensor2d([[3, -20]]), tf.tensor1d([3, -20])]
    const decay = { weightDecay: 0.01, decay: 'weights' } as const
    expectClose(decayed(gradients, params, decay), [
      [0.53, -1.2],
      [0.5, -1],
    ])
    expectClose(decayed(gradients, params, { weightDecay: 0.01 }), [
      [0.53, -1.2],
      [0.53, -1.2],
    ])
  })

  it('clipping scales all tensors by one factor to the global norm', () => {
    // ‖(3, 0), (4)‖ = 5, so at 2.5 everything halves.
    const gradients = [tf.tensor1d([3, 0]), tf.tensor1d([4])]
    expectClose([globalNorm(gradients)], [[5]])
    expectClose(clipped(gradients, 2.5), [[1.5, 0], [2]])
    expect(values(clipped(gradients, 5.1))).toEqual([[3, 0], [4]])
    expect(values(clipped([tf.tensor1d([0, 0])], 2.5))).toEqual([[0, 0]])
    expect(clipped(gradients, null)).toBe(gradients)
  })

  it('disposes nothing of the caller and leaks nothing inside a tidy', () => {
    const params = [tf.tensor1d([1, 2])]
    const before = tf.memory().numTensors
    for (const { name } of CLIENT_OPTIMIZERS) {
      tf.tidy(() => {
        const optimizer = buildClientOptimizer({ ...base, name })
        const state = optimizer.init(params)
        optimizer.step({ params, gradients: params, state, learningRate: 0.1, step: 1 })
      })
    }
    expect(tf.memory().numTensors).toBe(before)
    expect(values(params)).toEqual([[1, 2]])
  })
})

describe('the learning rate', () => {
  const at = (schedule: OptimizerConfig['schedule'], round: number, rounds = 5): number =>
    learningRateAt({ ...base, learningRate: 0.4, schedule }, { round, rounds })
  const cosine = { name: 'cosine', floor: 0.2 } as const

  it('is constant, falls by a factor a round, or along half a cosine to the floor', () => {
    expect(at({ name: 'constant' }, 3)).toBe(0.4)
    // 0.4 · 0.5².
    expect(at({ name: 'exponential', decay: 0.5 }, 3)).toBeCloseTo(0.1, 12)
    // Round 2 of 5 is a quarter of the way: 0.2 + 0.8 · (1 + cos 45°)/2 = 0.8828427; half way: 0.6; the end: 0.2. Times 0.4.
    expect(at(cosine, 2)).toBeCloseTo(0.35313708, 8)
    expect(at(cosine, 3)).toBeCloseTo(0.24, 12)
    expect(at(cosine, 5)).toBeCloseTo(0.08, 12)
  })

  it('stays at the floor after the last training round, and is whole in a run of one', () => {
    expect(at(cosine, 7)).toBeCloseTo(0.08, 12)
    expect(at(cosine, 1, 1)).toBeCloseTo(0.4, 12)
  })

  it.each([
    { name: 'constant' },
    { name: 'exponential', decay: 0.9 },
    { name: 'cosine', floor: 0.1 },
  ] as const)('is the configured one in round 1 ($name)', (schedule) => {
    expect(at(schedule, 1)).toBe(0.4)
  })
})

describe('the list of client optimizers', () => {
  it('refuses unknown names, unknown options and momentum for adam', () => {
    expect(() => buildClientOptimizer({ ...base, name: 'lion' })).toThrow(
      'Unknown client optimizer lion; there are sgd, adam',
    )
    expect(() => buildClientOptimizer({ ...base, beta1: 0.9 } as OptimizerConfig)).toThrow('beta1')
    expect(() => buildClientOptimizer({ ...base, name: 'adam', momentum: 0.9 })).toThrow(
      expect.objectContaining({ code: 'config/impossible' }),
    )
  })
})
