import { expect, it } from 'vitest'
import type { RunConfig } from '#protocol/run-config.js'
import type { Model } from '#algorithms/models/model.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor, type Tensor2D } from '#algorithms/tensor/tf.js'
import { routeBGradient } from '#testing/audit-oracle.js'
import {
  labTarget,
  noiseLike,
  normOf,
  relativeError,
  type LabSpec,
} from '#testing/audit-target-lab.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { distanceTo } from './distance.js'
import { lossGradients } from './local-update.js'
import { createProblem } from './problem.js'

type ModelChoice = RunConfig['model']
const smooth = { activation: 'softplus' }
const SMOOTH: readonly (readonly [string, ModelChoice])[] = [
  ['gap', { name: 'gap' }],
  ['flat', { name: 'flat' }],
  ['mlp', { name: 'mlp', hidden: [9], ...smooth }],
  ['logistic', { name: 'logistic' }],
  ['lenet', { name: 'lenet', filters: [3, 4], kernelSize: 3, hidden: [8, 7], ...smooth }],
  [
    'cnn',
    { name: 'cnn', filters: [3, 4], kernelSize: 3, hidden: 8, pooling: 'average', ...smooth },
  ],
  ['vit', { name: 'vit', patchSize: 4, width: 8, depth: 1, heads: 2 }],
]

/**
 * ‖∇L‖ against the central difference of L along its own slope: relative error. That direction is the one in which there is
 * most to measure.
 */
function slopeError(loss: (x: Tensor) => tf.Scalar, x: Tensor, step = 4e-3): number {
  const slope = tf.grad(loss)(x)
  const length = normOf(slope.dataSync())
  const direction = tf.div(slope, length)
  const valueAt = (by: number): number => loss(tf.add(x, tf.mul(by, direction))).dataSync()[0]!
  const measured = (valueAt(step) - valueAt(-step)) / (2 * step)
  return Math.abs(measured - length) / length
}

async function withProblem(
  spec: LabSpec,
  look: (scene: { loss: (x: Tensor) => tf.Scalar; x: Tensor }) => void,
): Promise<void> {
  const made = await labTarget(spec)
  const problem = createProblem(made.target)
  tf.tidy(() => look({ loss: (x) => problem.loss(x, made.y), x: noiseLike(made.x) }))
  problem.dispose()
  made.dispose()
}

describeOnBackends('The derivative of the matching loss', () => {
  it.each(SMOOTH)('A3: of %s is what finite differences measure', async (_, model) => {
    await withProblem({ model, count: 2 }, ({ loss, x }) => {
      expect(slopeError(loss, x)).toBeLessThan(3e-2)
    })
  })

  it.each([
    ['three steps', { localEpochs: 3 }],
    ['momentum', { localEpochs: 3, optimizer: { momentum: 0.9 } }],
    ['weight decay', { localEpochs: 2, optimizer: { weightDecay: 0.05 } }],
    ['clipped steps', { localEpochs: 2, optimizer: { gradientClip: 0.05 } }],
    ['a proximal term', { localEpochs: 3, method: { name: 'fedprox', mu: 0.5 } }],
    ['a support', { updates: [{ name: 'top-k', fraction: 0.3 }] }],
  ] as const)('A3: through %s is what finite differences measure', async (_, spec) => {
    await withProblem({ count: 2, model: { name: 'flat' }, ...spec }, ({ loss, x }) => {
      expect(slopeError(loss, x)).toBeLessThan(3e-2)
    })
  })

  it.each(SMOOTH)('A4: of %s is that of three ordinary gradients', async (_, choice) => {
    const { target, x, y, dispose } = await labTarget({ model: choice, count: 2 })
    const problem = createProblem(target)
    tf.tidy(() => {
      const { observed, params, settings } = target
      const point = noiseLike(x)
      for (const [distance, step, bound] of [
        ['cosine', 1e-3, 1e-3],
        ['relative', 2e-4, 5e-3],
      ] as const) {
        const exact = tf.grad((z: Tensor) => problem.loss(z, y, distance))(point)
        const oracle = routeBGradient({
          ...{ model: settings.model, params, observed, x: point, y, distance, step },
        })
        const error = relativeError(exact.dataSync(), oracle.dataSync())
        expect(error).toBeLessThan(bound)
      }
    })
    problem.dispose()
    dispose()
  })

  it('A3: of a net with relu is the same when its convolutions are sums of shifted products', async () => {
    const { target, x, y, dispose } = await labTarget({
      ...{ model: { name: 'flat', activation: 'relu' }, count: 2 },
    })
    tf.tidy(() => {
      const { params, observed, settings } = target
      const distance = distanceTo(observed)
      const slopes = [settings.model, shiftedFlat(settings.model)].map((model) =>
        tf
          .grad((z: Tensor) => distance.from(lossGradients(model, params, { x: z, y }), 'cosine'))(
            noiseLike(x),
          )
          .dataSync(),
      )
      expect(relativeError(slopes[1]!, slopes[0]!)).toBeLessThan(1e-5)
      distance.dispose()
    })
    dispose()
  })

  it('A3: is checked with power: a loss of TensorFlow.js that differentiates twice in part is found out', async () => {
    const { target, x, y, dispose } = await labTarget({ model: { name: 'flat' }, count: 2 })
    const errors = tf.tidy(() => {
      const { params, observed, settings } = target
      const distance = distanceTo(observed)
      const errorWith = (entropy: (logits: Tensor, labels: Tensor) => Tensor): number => {
        const gradients = (z: Tensor): Tensor[] =>
          tf.grads((...w: Tensor[]) => entropy(tf.tanh(settings.model.forward(w, z)), y))([
            ...params,
          ])
        return slopeError((z) => distance.from(gradients(z), 'cosine'), noiseLike(x))
      }
      const native = errorWith((logits, labels) => tf.losses.softmaxCrossEntropy(labels, logits))
      const all = { ours: errorWith(crossEntropy), native }
      distance.dispose()
      return [all.ours, all.native]
    })
    dispose()
    expect(errors[0]).toBeLessThan(3e-2)
    expect(errors[1]).toBeGreaterThan(3e-2)
  })
})

/** The same function of the same params, without a convolution: one product for each place of a kernel. */
function shiftedFlat(model: Model): Model {
  const convolved = (x: Tensor, kernel: Tensor, bias: Tensor): Tensor => {
    const [, height = 0, width = 0] = x.shape
    const [rows = 0, columns = 0, inputs = 0, outputs = 0] = kernel.shape
    const edge = (size: number): [number, number] => [(size - 1) >> 1, size >> 1]
    const padded = tf.pad(x, [[0, 0], edge(rows), edge(columns), [0, 0]])
    const products = Array.from({ length: rows * columns }, (_, tap) => {
      const [row, column] = [Math.floor(tap / columns), tap % columns]
      const window = tf.slice(padded, [0, row, column, 0], [-1, height, width, -1])
      const slice = tf.reshape(tf.slice(kernel, [row, column, 0, 0], [1, 1, inputs, outputs]), [
        inputs,
        outputs,
      ])
      return tf.matMul(tf.reshape(window, [-1, inputs]), slice)
    })
    const sum = products.reduce((all, product) => tf.add(all, product))
    return tf.relu(tf.add(tf.reshape(sum, [-1, height, width, outputs]), bias))
  }
  const pooled = (x: Tensor): Tensor => {
    const [, height = 0, width = 0, channels = 0] = x.shape
    return tf.mean(tf.reshape(x, [-1, height / 2, 2, width / 2, 2, channels]), [2, 4])
  }
  return {
    ...model,
    forward([k1, b1, k2, b2, kernel, bias], x) {
      const scaled = tf.div(tf.sub(x, 0.2), 0.35)
      const first = pooled(convolved(scaled, k1!, b1!))
      const second = pooled(convolved(first, k2!, b2!))
      const features = tf.reshape(second, [x.shape[0], -1])
      return tf.add(tf.matMul(features as Tensor2D, kernel as Tensor2D), bias!)
    },
  }
}
