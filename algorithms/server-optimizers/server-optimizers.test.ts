import { describe, expect, it } from 'vitest'
import { bundleHash, decodeBundle, encodeBundle } from '#protocol/bundle.js'
import { unwrap } from '#protocol/result.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import { adagrad } from './adagrad.js'
import { adam } from './adam.js'
import { momentum } from './momentum.js'
import type { ServerOptimizer } from './server-optimizer.js'
import { sgd } from './sgd.js'
import { yogi } from './yogi.js'

/** Params after each of the deltas, starting from `start`, the state encoded and decoded in between. */
function walk(
  optimizer: ServerOptimizer,
  start: readonly number[],
  deltas: readonly (readonly number[])[],
) {
  let params = Float32Array.from(start)
  let state = optimizer.init(start.length)
  return deltas.map((delta) => {
    const stepped = optimizer.step(params, Float64Array.from(delta), state)
    params = Float32Array.from(stepped.params)
    state = unwrap(decodeBundle(encodeBundle(stepped.state)))
    return [...params]
  })
}
const close = (values: readonly number[]): unknown[] =>
  values.map((value): unknown => expect.closeTo(value, 6))

describe('server optimizers, by hand', () => {
  it('sgd adds the learning rate times the mean delta', () => {
    // 1 + 2 · 0.5 = 2; 2 + 2 · (−0.25) = 1.5
    expect(walk(sgd.build({ learningRate: 2 }), [1, 2], [[0.5, -0.25]])).toEqual([[2, 1.5]])
  })

  it('momentum remembers past deltas', () => {
    // v = (0.4, −2), x = (1 + 0.5 · 0.4, 2 − 0.5 · 2) = (1.2, 1)
    // v = (0.9 · 0.4 + 0.1, −1.8 + 1) = (0.46, −0.8), x = (1.2 + 0.23, 1 − 0.4) = (1.43, 0.6)
    const optimizer = momentum.build({ learningRate: 0.5, momentum: 0.9 })
    const [first, second] = walk(
      optimizer,
      [1, 2],
      [
        [0.4, -2],
        [0.1, 1],
      ],
    )
    expect(first).toEqual(close([1.2, 1]))
    expect(second).toEqual(close([1.43, 0.6]))
  })

  it('adam divides by the root of a running mean of squares', () => {
    // tau = 1, so v starts at 1. Δ = 7: m = 3.5, v = 0.5 + 0.5 · 49 = 25, x = 1 + 0.12 · 3.5 / (5 + 1) = 1.07
    // Δ = −5: m = 1.75 − 2.5 = −0.75, v = 12.5 + 12.5 = 25, x = 1.07 − 0.12 · 0.75 / 6 = 1.055
    const optimizer = adam.build({ learningRate: 0.12, beta1: 0.5, beta2: 0.5, tau: 1 })
    expect(walk(optimizer, [1], [[7], [-5]])).toEqual([close([1.07]), close([1.055])])
  })

  it('yogi moves the second moment by the square times a sign', () => {
    // Δ = 4: m = 2, v = 1 − 0.5 · 16 · sign(1 − 16) = 9, x = 1 + 0.12 · 2 / (3 + 1) = 1.06
    // Δ = 2: m = 2, v = 9 − 0.5 · 4 · sign(9 − 4) = 7, x = 1.06 + 0.24 / (√7 + 1) = 1.12583005
    const optimizer = yogi.build({ learningRate: 0.12, beta1: 0.5, beta2: 0.5, tau: 1 })
    expect(walk(optimizer, [1], [[4], [2]])).toEqual([close([1.06]), close([1.12583005])])
  })

  it('adagrad divides by the root of the sum of squares', () => {
    // tau = 0.75, v starts at 0.5625. Δ = 1: v = 1.5625 = 1.25², x = 1 + 0.1 / (1.25 + 0.75) = 1.05
    // Δ = −3: v = 10.5625 = 3.25², x = 1.05 − 0.3 / (3.25 + 0.75) = 0.975
    const optimizer = adagrad.build({ learningRate: 0.1, beta1: 0, tau: 0.75 })
    expect(walk(optimizer, [1], [[1], [-3]])).toEqual([close([1.05]), close([0.975])])
  })
})

describe.each(CATALOGUE.serverOptimizers.map((entry) => [entry.name, entry] as const))(
  'server optimizer %s',
  (_name, entry) => {
    const build = () => entry.build(entry.options.parse({}))

    it('stays where it is when nobody moved', () => {
      expect(
        walk(
          build(),
          [1, -3],
          [
            [0, 0],
            [0, 0],
          ],
        ),
      ).toEqual([
        [1, -3],
        [1, -3],
      ])
    })

    it('goes the way the mean delta points', () => {
      const [[up, down] = []] = walk(build(), [0, 0], [[0.3, -0.7]])
      expect(up).toBeGreaterThan(0)
      expect(down).toBeLessThan(0)
    })

    it('changes none of its inputs', () => {
      const optimizer = build()
      const [params, delta, state] = [
        Float32Array.of(1, 2),
        Float64Array.of(3, 4),
        optimizer.init(2),
      ]
      const before = bundleHash(state)
      optimizer.step(params, delta, state)
      expect([params, delta]).toEqual([Float32Array.of(1, 2), Float64Array.of(3, 4)])
      expect(bundleHash(state)).toBe(before)
    })

    it('says in its options what may not be given', () => {
      expect(entry.options.safeParse({ learningRate: 0 }).success).toBe(false)
      expect(entry.options.safeParse({ rate: 1 }).success).toBe(false)
    })
  },
)
