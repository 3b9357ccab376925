import { expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { modelOf } from '#algorithms/from-config.js'
import { backboneLayout } from '#algorithms/models/backbone.js'
import { fromTensors, toTensors } from '#algorithms/models/params.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'
import { wholeModel, type Objective } from '#algorithms/training/objective.js'
import { derivativeErrors } from '#testing/derivatives.js'
import { moonGradient, moonLoss } from '#testing/moon-reference.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { plainRows, tinyClients, tinyConfig } from '#testing/tiny-federation.js'
import { contrastive } from './objective.js'

const HIDDEN = 5
const client = tinyClients([6])[0]!
const model = modelOf(
  tinyConfig((base) => ({
    ...base,
    model: { name: 'mlp', hidden: [HIDDEN], activation: 'softplus' },
  })),
)
const layout = backboneLayout(model)
const drawn = (seed: number): Float32Array => {
  const stream = createStreams(seed)('test', 0, 0)
  return model.init(stream).map((value) => value + 0.1 * stream.normal())
}
const extractorAt = (params: Float32Array): Tensor[] =>
  toTensors(layout, params.subarray(0, layout.parameterCount))

/** Loss and gradient of one batch of all examples, at `at`. Call inside tf.tidy. */
function evaluated(objective: Objective, at: Float32Array) {
  const batch = batchOf(client.train, [0, 1, 2, 3, 4, 5])
  const params = toTensors(model, at)
  const { loss } = objective.on(batch, params)
  const { value, grads } = tf.valueAndGrads((...moving: Tensor[]) => loss(moving))(params)
  return { loss: value.dataSync()[0]!, gradient: [...fromTensors(model, grads)] }
}
const contrast = (
  received: Float32Array,
  previous: Float32Array,
  options = { mu: 1.5, temperature: 0.5 },
) =>
  contrastive(model, {
    ...options,
    received: extractorAt(received),
    previous: extractorAt(previous),
  })

describeOnBackends('the objective of moon', () => {
  it.each([
    { mu: 1.5, temperature: 0.5 },
    { mu: 0.2, temperature: 5 },
    { mu: 1, temperature: 0.02 },
  ])('is the loss of the paper, and has its gradient: $mu, $temperature', (options) => {
    const [w, received, previous] = [drawn(1), drawn(2), drawn(3)]
    const { loss, gradient } = tf.tidy(() => evaluated(contrast(received, previous, options), w))
    const naive = {
      ...{ net: { inputs: 4, hidden: HIDDEN, classes: 3 }, ...options },
      ...{ received: [...received], previous: [...previous] },
    }
    const batch = plainRows(client)
    expect(loss).toBeCloseTo(moonLoss([...w], batch, naive), 5)
    moonGradient([...w], batch, naive).forEach((value, i) =>
      expect(Math.abs(gradient[i]! - value)).toBeLessThan(1e-5 + 1e-5 * Math.abs(value)),
    )
  })

  it('is cross-entropy + mu · log 2 where the previous model is the received one', () => {
    const [w, received] = [drawn(1), drawn(2)]
    const plain = tf.tidy(() => evaluated(wholeModel(model), w))
    const both = tf.tidy(() => evaluated(contrast(received, received), w))
    expect(both.loss).toBeCloseTo(plain.loss + 1.5 * Math.LN2, 5)
    both.gradient.forEach((value, i) => expect(value).toBeCloseTo(plain.gradient[i]!, 6))
  })

  it('stands features of zeros, in every place', () => {
    const [w, other] = [drawn(1), drawn(2)]
    // softplus(−1000) is 0: so are all features.
    const dead = w.map((value, i) => (i >= 20 && i < 25 ? -1000 : value))
    for (const [at, received, previous] of [
      [dead, other, w],
      [w, dead, other],
      [w, other, dead],
      [dead, dead, dead],
    ] as const) {
      const { loss, gradient } = tf.tidy(() => evaluated(contrast(received, previous), at))
      expect([loss, ...gradient].every(Number.isFinite)).toBe(true)
    }
    // Its cosines to both are 0: the term is log 2 and moves nothing.
    const plain = tf.tidy(() => evaluated(wholeModel(model), dead))
    const both = tf.tidy(() => evaluated(contrast(other, w), dead))
    expect(both.loss).toBeCloseTo(plain.loss + 1.5 * Math.LN2, 5)
    both.gradient.forEach((value, i) => expect(value).toBeCloseTo(plain.gradient[i]!, 6))
  })

  it('does not overflow, however small the temperature', () => {
    const options = { mu: 1, temperature: 1e-4 }
    const { loss, gradient } = tf.tidy(() =>
      evaluated(contrast(drawn(2), drawn(3), options), drawn(1)),
    )
    expect([loss, ...gradient].every(Number.isFinite)).toBe(true)
  })

  it('can be differentiated twice', () => {
    tf.tidy(() => {
      const batch = batchOf(client.train, [0, 1, 2, 3])
      const params = toTensors(model, drawn(1))
      const { loss } = contrast(drawn(2), drawn(3)).on(batch, params)
      const errors = derivativeErrors((...moving) => loss(moving), params)
      expect(errors.first).toBeLessThan(1e-2)
      expect(errors.second).toBeLessThan(2e-2)
    })
  })
})
