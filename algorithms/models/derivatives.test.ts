import { beforeAll, describe, expect, it } from 'vitest'
import { createStreams, type Stream } from '#protocol/random.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { Activation, Model } from './model.js'
import { fromTensors, toTensors } from './params.js'
import { MODELS } from './zoo.js'

/** Small instances of every model: all blocks are there, but finite differences stay above float32's noise. */
const SMALL: Record<string, object> = {
  logistic: {},
  mlp: { hidden: [7, 5] },
  cnn: { filters: [3, 4], kernelSize: 3, hidden: 6 },
  lenet: { filters: [2, 3], kernelSize: 3, hidden: [6, 5] },
  vit: { patchSize: 4, width: 6, depth: 2, heads: 2, mlpRatio: 2 },
  gap: { filters: [3, 4], input: { mean: 0, deviation: 1 } },
  flat: { filters: [2, 3] },
}
/** Those that can have a normalized head, too, as `name/normalized`. */
const NAMES = MODELS.flatMap(({ name, options }) =>
  options.safeParse({ head: 'normalized' }).success ? [name, `${name}/normalized`] : [name],
)
const CLASSES = ['a', 'b', 'c']
const INPUT = [8, 8, 2]
const BATCH = 4

function small(variant: string, activation: Activation): Model {
  const [name = '', head = 'linear'] = variant.split('/')
  const entry = MODELS.find((one) => one.name === name)!
  const options = { ...SMALL[name], ...(head === 'linear' ? {} : { head }) }
  return entry.build(
    { inputShape: INPUT, classes: CLASSES },
    entry.options.parse({ ...options, activation }),
  )
}

interface Case {
  readonly model: Model
  readonly params: Float32Array
  readonly x: Tensor
  readonly y: Tensor
  readonly stream: Stream
}
function caseOf(name: string, activation: Activation): Case {
  const model = small(name, activation)
  const stream = createStreams(11)('test', 0, 0)
  // Random biases too: at zero an error in their treatment could hide.
  const params = model.init(stream).map((value) => value + 0.05 * stream.normal())
  const x = tf.tensor(normals(stream, BATCH * 128), [BATCH, ...INPUT])
  const y = tf.oneHot(tf.tensor1d([0, 2, 1, 2], 'int32'), CLASSES.length, 1, 0, 'float32')
  return { model, params, x, y, stream }
}
const normals = (stream: Stream, count: number): Float32Array =>
  Float32Array.from({ length: count }, () => stream.normal())

const moved = (start: Float32Array, direction: Float32Array, step: number): Float32Array =>
  start.map((value, i) => value + step * direction[i]!)
const dot = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0)
const norm = (a: Float32Array): number => Math.sqrt(dot(a, a))
const difference = (a: Float32Array, b: Float32Array): number => norm(moved(a, b, -1)) / norm(b)

const lossOf = ({ model, y }: Case, params: readonly Tensor[], x: Tensor): tf.Scalar =>
  crossEntropy(model.forward(params, x), y) as tf.Scalar
const gradientsOf = (one: Case, params: readonly Tensor[], x: Tensor): Tensor[] =>
  tf.grads((...inner: Tensor[]) => lossOf(one, inner, x))([...params])

const lossAt = (one: Case, params: Float32Array): number =>
  tf.tidy(() => lossOf(one, toTensors(one.model, params), one.x).dataSync()[0]!)
const gradientAt = (one: Case, params: Float32Array, x = one.x): Float32Array =>
  tf.tidy(() => fromTensors(one.model, gradientsOf(one, toTensors(one.model, params), x)))

/** ⟨gradient at (params, x), direction⟩: its derivatives are the second derivatives contracted with the direction. */
const projected = (
  one: Case,
  direction: readonly Tensor[],
  params: readonly Tensor[],
  x: Tensor,
): tf.Scalar =>
  gradientsOf(one, params, x)
    .map((gradient, i) => tf.sum(tf.mul(gradient, direction[i]!)))
    .reduce((all, part) => tf.add(all, part)) as tf.Scalar

describe.each(['cpu', 'wasm'] as const)('on %s', (backend) => {
  beforeAll(() => useBackend(backend))

  describe.each(NAMES)('%s', (name) => {
    it('runs in parts as it runs whole, and ends in logits', () => {
      tf.tidy(() => {
        const { model, params, x } = caseOf(name, 'relu')
        const tensors = toTensors(model, params)
        const whole = model.forward(tensors, x)
        expect(whole.shape).toEqual([BATCH, CLASSES.length])
        for (let cut = 0; cut <= model.blocks.length; cut++) {
          const features = model.forward(tensors, x, { to: cut })
          const shape = cut === 0 ? INPUT : model.blocks[cut - 1]!.outputShape
          expect(features.shape).toEqual([BATCH, ...shape])
          expect(model.forward(tensors, features, { from: cut }).dataSync()).toEqual(
            whole.dataSync(),
          )
        }
      })
    })

    it.each(['relu', 'softplus'] as const)(
      'has the gradient of finite differences in every param (%s)',
      (activation) => {
        tf.tidy(() => {
          const one = caseOf(name, activation)
          const gradient = gradientAt(one, one.params)
          let offset = 0
          for (const { shape } of one.model.params) {
            const size = shape.reduce((all, sizeOf) => all * sizeOf, 1)
            // Along the gradient of this param alone the derivative is its norm, the largest number there is to measure.
            const direction = gradient.map((value, i) =>
              i >= offset && i < offset + size ? value : 0,
            )
            const length = norm(direction)
            const unit = direction.map((value) => value / length)
            const h = 5e-4
            const measured =
              (lossAt(one, moved(one.params, unit, h)) - lossAt(one, moved(one.params, unit, -h))) /
              (2 * h)
            expect(Math.abs(measured - length)).toBeLessThan(1e-2 * length + 1e-4)
            offset += size
          }
        })
      },
    )

    it('has the second derivatives of finite differences, by params and by inputs (softplus)', () => {
      tf.tidy(() => {
        const one = caseOf(name, 'softplus')
        const flat = normals(one.stream, one.model.parameterCount)
        const unit = flat.map((value) => value / norm(flat))
        const direction = toTensors(one.model, unit)
        const params = toTensors(one.model, one.params)
        const h = 5e-3

        const byParams = tf.grads((...p: Tensor[]) => projected(one, direction, p, one.x))(params)
        const ahead = gradientAt(one, moved(one.params, unit, h))
        const behind = gradientAt(one, moved(one.params, unit, -h))
        const expected = ahead.map((value, i) => (value - behind[i]!) / (2 * h))
        expect(difference(fromTensors(one.model, byParams), expected)).toBeLessThan(2e-2)

        const byInput = tf.grad((x: Tensor) => projected(one, direction, params, x))(one.x)
        const along = byInput.dataSync() as Float32Array
        const way = along.map((value) => value / norm(along))
        const xAt = (step: number): Tensor =>
          tf.tensor(moved(one.x.dataSync() as Float32Array, way, step), one.x.shape)
        const slope =
          dot(
            unit,
            moved(gradientAt(one, one.params, xAt(h)), gradientAt(one, one.params, xAt(-h)), -1),
          ) /
          (2 * h)
        expect(Math.abs(slope - norm(along)) / norm(along)).toBeLessThan(2e-2)
      })
    })
  })
})
