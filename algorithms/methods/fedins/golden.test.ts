/** One step small enough for a pencil: M = 3, D = 2, k = 2, λ = 0.1, one site of two channels, two classes, η = 0.5. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { OptimizerConfig } from '#protocol/run-config.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { batchOf } from '#algorithms/training/batch.js'
import { trainObjective } from '#algorithms/training/train.js'
import { examplesFrom } from '#testing/examples.js'
import type { Backbone } from './forward.js'
import { poolObjective } from './objective.js'
import type { PoolShape } from './pool.js'
import { cosines, nearestKeys } from './routing.js'

const shape: PoolShape = {
  entries: 3,
  sites: [{ id: 'only', channels: 2, fold: { scale: 'kernel', shift: 'bias' } }],
  width: 2,
  classes: 2,
  hasKeys: true,
}
/** z = x: what is scaled and shifted is the input itself. */
const backbone: Backbone = {
  extractor: {
    layout: { name: 'nothing', params: [], parameterCount: 0 },
    width: 2,
    features: (_params, x, adapt) => adapt?.(0, x) ?? x,
  },
  params: [],
}
const pool = {
  scale: [1, 1, 2, 0.5, 9, 9],
  shift: [0, 0, 1, -1, 7, 7],
  keys: [1, 0, 0, 2, -1, 1],
  // W0 = [[1, 0], [0, 1]], W1 = [[1, 0], [0, −1]]; the third is never chosen.
  weight: [1, 0, 0, 1, 1, 0, 0, -1, 5, 5, 5, 5],
  bias: [0, 0, 0, 2, 3, 3],
}
const start = Float32Array.from(Object.values(pool).flat())
const examples = examplesFrom({
  rows: [[2, 4]],
  labels: [1],
  inputShape: [2],
  classes: ['a', 'b'],
})
const objective = poolObjective({
  ...{ shape, backbone, hyper: { topK: 2, keyWeight: 0.1 } },
  queries: Float32Array.of(3, 4),
  center: null,
  route: (queries, keys) => nearestKeys(queries, keys!, 2),
})
const tensors = (): Tensor[] => [
  tf.tensor(pool.scale, [3, 2]),
  tf.tensor(pool.shift, [3, 2]),
  tf.tensor(pool.keys, [3, 2]),
  tf.tensor(pool.weight, [3, 2, 2]),
  tf.tensor(pool.bias, [3, 2]),
]
const close = (got: ArrayLike<number>, expected: readonly number[], digits = 6): void => {
  expect(got).toHaveLength(expected.length)
  expected.forEach((value, i) => expect(got[i]).toBeCloseTo(value, digits))
}

/** p₀ − 0 = 0.924142 times (1 − λ)/k = 0.45. */
const G = 0.415864
const gradients = {
  scale: [0.831728, 0, 0.831728, 0, 0, 0],
  shift: [G, 0, G, 0, 0, 0],
  keys: [0, -0.08, -0.03, 0, 0, 0],
  weight: [
    1.455523, 1.03966, -1.455523, -1.03966, 1.455523, 1.03966, -1.455523, -1.03966, 0, 0, 0, 0,
  ],
  bias: [G, -G, G, -G, 0, 0],
}

describe.each(['cpu', 'wasm'] as const)('FedIns by hand on %s', (backend) => {
  beforeAll(() => useBackend(backend))

  it('golden example: choice, loss and every gradient', () => {
    tf.tidy(() => {
      const [query, keys] = [tf.tensor2d([[3, 4]]), tf.tensor(pool.keys, [3, 2])]
      close(cosines(query, keys).dataSync(), [0.6, 0.8, 0.141421])
      close(nearestKeys(query, keys, 2).dataSync(), [1, 1, 0])

      const { loss, tallies } = objective.on(batchOf(examples, [0]), tensors())
      const { value, grads } = tf.valueAndGrads((...moving: Tensor[]) => loss(moving))(tensors())
      // s = (1.5, 0.75), t = (0.5, −0.5), f = (3.5, 2.5), logits (3.5, 1): CE 2.578890, pull 1.4.
      close(value.dataSync(), [0.9 * 2.57889 + 0.1 * (1 - 1.4)], 5)
      Object.values(gradients).forEach((expected, i) => close(grads[i]!.dataSync(), expected, 5))
      close(tallies![0]!.dataSync(), [1, 1, 0])
      close(tallies![1]!.dataSync(), [1.4])
    })
  })

  it('golden example: one local step with a learning rate of 0.5', async () => {
    const optimizer: OptimizerConfig = {
      ...{ name: 'sgd', learningRate: 0.5, momentum: 0, weightDecay: 0 },
      ...{ schedule: { name: 'constant' }, gradientClip: null },
    }
    const { params, loss, tallies } = await trainObjective({
      ...{ objective, start, examples, round: 1, rounds: 1, slot: 0, streams: createStreams(1) },
      training: { localEpochs: 1, batchSize: 1, optimizer },
    })
    const step = Object.values(gradients).flat()
    close(
      params,
      [...start].map((value, i) => value - 0.5 * step[i]!),
      5,
    )
    close(params.subarray(12, 18), [1, 0.04, 0.015, 2, -1, 1])
    expect(loss).toBeCloseTo(2.281001, 5)
    close(tallies[0]!, [1, 1, 0])
  })
})
