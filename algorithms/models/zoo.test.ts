import { beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { Model } from '#algorithms/models/model.js'
import { describeModel } from './describe.js'
import { toTensors } from './params.js'
import { MODELS } from './zoo.js'

const digits = Array.from({ length: 10 }, (_, i) => String(i))

function build(name: string, inputShape: readonly number[], options: object = {}): Model {
  const entry = MODELS.find((one) => one.name === name)!
  return entry.build({ inputShape, classes: digits }, entry.options.parse(options))
}

describe('the zoo', () => {
  it('has the parameter counts of the papers on 28x28x1 images of 10 classes', () => {
    // logistic: 784·10 + 10.
    expect(build('logistic', [28, 28, 1]).parameterCount).toBe(7_850)
    // mlp: 784·200 + 200 + 200·200 + 200 + 200·10 + 10.
    expect(build('mlp', [28, 28, 1]).parameterCount).toBe(199_210)
    // cnn: 25·32 + 32, 25·32·64 + 64, 7·7·64·512 + 512, 512·10 + 10.
    expect(build('cnn', [28, 28, 1]).parameterCount).toBe(1_663_370)
    // lenet: 25·6 + 6, 25·6·16 + 16, 400·120 + 120, 120·84 + 84, 84·10 + 10.
    expect(build('lenet', [28, 28, 1]).parameterCount).toBe(61_706)
    // gap, on any image: 9·6 + 6, 9·6·12 + 12, 12·10 + 10. flat: 7·7·12·10 + 10 for its head.
    expect(build('gap', [28, 28, 1]).parameterCount).toBe(60 + 660 + 130)
    expect(build('gap', [16, 16, 1]).parameterCount).toBe(850)
    expect(build('flat', [28, 28, 1]).parameterCount).toBe(60 + 660 + 5_890)
    expect(build('flat', [16, 16, 1]).parameterCount).toBe(2_650)
  })

  it('takes colour images, and LeNet its original 32x32 without padding', () => {
    expect(build('cnn', [32, 32, 3]).parameterCount).toBe(2_432 + 51_264 + 2_097_664 + 5_130)
    expect(build('lenet', [32, 32, 1], { padding: 'valid' }).parameterCount).toBe(61_706)
  })

  it('names params block by block', () => {
    expect(build('mlp', [28, 28, 1], { hidden: [5] }).params).toEqual([
      { name: 'dense1/kernel', shape: [784, 5], dtype: 'float32' },
      { name: 'dense1/bias', shape: [5], dtype: 'float32' },
      { name: 'head/kernel', shape: [5, 10], dtype: 'float32' },
      { name: 'head/bias', shape: [10], dtype: 'float32' },
    ])
  })

  it('describes the blocks of lenet from the image to the logits', () => {
    expect(describeModel(build('lenet', [28, 28, 1]))).toEqual([
      { block: 'conv1', outputShape: [28, 28, 6], params: 156 },
      { block: 'pool1', outputShape: [14, 14, 6], params: 0 },
      { block: 'conv2', outputShape: [10, 10, 16], params: 2_416 },
      { block: 'pool2', outputShape: [5, 5, 16], params: 0 },
      { block: 'flatten', outputShape: [400], params: 0 },
      { block: 'dense1', outputShape: [120], params: 48_120 },
      { block: 'dense2', outputShape: [84], params: 10_164 },
      { block: 'head', outputShape: [10], params: 850 },
    ])
  })

  it.each(['logistic', 'mlp', 'cnn', 'lenet', 'gap', 'flat'])(
    '%s can have a normalized head',
    (name) => {
      const [linear, normalized] = [
        build(name, [28, 28, 1]),
        build(name, [28, 28, 1], { head: 'normalized' }),
      ]
      expect(normalized.params).toEqual(linear.params.slice(0, -1))
      expect(linear.params.at(-1)?.name).toBe('head/bias')
      expect(build(name, [28, 28, 1], { head: 'linear' }).params).toEqual(linear.params)
      // All but the bias is drawn alike.
      const [one, other] = [linear, normalized].map((model) =>
        model.init(createStreams(3)('init', 0, 0)),
      )
      expect(bytesOf(other!).equals(bytesOf(one!.subarray(0, other!.length)))).toBe(true)
    },
  )

  it('without the option keeps the configurations of before', () => {
    for (const { options } of MODELS) expect(options.parse({})).not.toHaveProperty('head')
  })

  it('refuses inputs that cannot enter, and says which block and shape', () => {
    expect(() => build('cnn', [784])).toThrow(
      'Block conv1 needs images [height, width, channels], got inputs of shape [784]',
    )
    expect(() => build('lenet', [8, 8, 1])).toThrow(
      'Block conv2 needs images of at least 5x5, got inputs of shape [4, 4, 6]',
    )
    expect(() => build('cnn', [3, 3, 1])).toThrow(
      'Block pool2 needs images of at least 2x2, got inputs of shape [1, 1, 64]',
    )
    expect(() => build('cnn', [784])).toThrow(
      expect.objectContaining({ code: 'model/does-not-fit' }),
    )
  })

  it.each(MODELS.map((entry) => entry.name))(
    '%s refuses unknown options and has a softplus twin of the same params',
    (name) => {
      expect(() => build(name, [28, 28, 1], { colour: 'red' })).toThrow()
      const twin = build(name, [32, 32, 1], { activation: 'softplus' })
      expect(twin.params).toEqual(build(name, [32, 32, 1]).params)
    },
  )
})

describe('a normalized head', () => {
  const model = MODELS.find(({ name }) => name === 'logistic')!.build(
    { inputShape: [2], classes: ['a', 'b', 'c'] },
    { activation: 'relu', head: 'normalized' },
  )
  const logits = (...kernel: number[]): number[] =>
    tf.tidy(() => [
      ...model.forward([tf.tensor2d(kernel, [2, 3])], tf.tensor2d([[5, 10]])).dataSync(),
    ])
  beforeAll(async () => void (await useBackend('cpu')))

  it('has the logits z · φ / ‖φ‖, whatever the length of φ', () => {
    // Columns (3, 4), (0, 2) and (−1, 0).
    const expected = [11, 10, -5]
    logits(3, 0, -1, 4, 2, 0).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5))
    expect(logits(6, 0, -0.5, 8, 1, 0)).toEqual(logits(3, 0, -1, 4, 2, 0))
  })

  it('stands a column of zeros: the class has logit 0, and nothing moves the column', () => {
    expect(logits(3, 0, -1, 4, 0, 0)).toEqual(
      [11, 0, -5].map((v) => expect.closeTo(v, 5) as number),
    )
    const loss = (kernel: Tensor) =>
      crossEntropy(model.forward([kernel], tf.tensor2d([[5, 10]])), tf.tensor2d([[0, 1, 0]]))
    const slope = tf.tidy(() => [
      ...tf
        .grad(loss)(tf.tensor2d([3, 0, -1, 4, 0, 0], [2, 3]))
        .dataSync(),
    ])
    expect(slope.every(Number.isFinite)).toBe(true)
    expect([slope[1], slope[4]].map((value) => Math.abs(value!))).toEqual([0, 0])
    expect(Math.abs(slope[0]!)).toBeGreaterThan(0)
  })
})

describe('gap and flat', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('see inputs scaled, and are the same in all else', () => {
    for (const name of ['gap', 'flat']) {
      const [scaled, plain] = [
        build(name, [8, 8, 1], { input: { mean: 3, deviation: 2 } }),
        build(name, [8, 8, 1], { input: { mean: 0, deviation: 1 } }),
      ]
      tf.tidy(() => {
        const params = toTensors(plain, plain.init(createStreams(3)('init', 0, 0)))
        const x = tf.fill([1, 8, 8, 1], 4)
        const [seen, half] = [
          scaled.forward(params, x),
          plain.forward(params, tf.fill(x.shape, 0.5)),
        ]
        expect(seen.dataSync()).toEqual(half.dataSync())
      })
    }
  })
})

describe('initial params', () => {
  const streams = createStreams(3)
  const cnn = build('cnn', [28, 28, 1])
  const flat = cnn.init(streams('init', 0, 0))

  it('depend on the stream and nothing else', () => {
    expect(bytesOf(cnn.init(streams('init', 0, 0))).equals(bytesOf(flat))).toBe(true)
    expect(bytesOf(cnn.init(createStreams(4)('init', 0, 0))).equals(bytesOf(flat))).toBe(false)
  })

  it('are drawn param by param: a model that starts alike starts with the same numbers', () => {
    const shorter = build('cnn', [28, 28, 1], { hidden: 7 }).init(streams('init', 0, 0))
    const same = 832 + 51_264
    expect(bytesOf(shorter.subarray(0, same)).equals(bytesOf(flat.subarray(0, same)))).toBe(true)
  })

  it('are these numbers for seed 3', () => {
    // sqrt(2 / 25) times the first three normals of stream (3, init, 0, 0), computed apart from this code. A change here
    // changes the result of every run.
    expect([...flat.subarray(0, 3)]).toEqual([
      0.7238823771476746, -0.19873160123825073, 0.5690749883651733,
    ])
  })

  it('have zero biases', () => {
    // conv1: kernel 800, bias 32.
    expect(flat.subarray(800, 832).every((value) => value === 0)).toBe(true)
    expect(flat.subarray(cnn.parameterCount - 10).every((value) => value === 0)).toBe(true)
  })

  it('are normal with variance 2 / fanIn before a relu', () => {
    // conv2 kernel [5, 5, 32, 64]: fanIn 800, variance 0.0025, 51,200 values: the estimate is good to 2 % (3 sigma).
    const kernel = flat.subarray(832, 832 + 51_200)
    expect(moment(kernel, 1)).toBeCloseTo(0, 2)
    expect(moment(kernel, 2) / 0.0025).toBeGreaterThan(0.98)
    expect(moment(kernel, 2) / 0.0025).toBeLessThan(1.02)
    // A normal distribution has E x⁴ = 3 variance².
    expect(moment(kernel, 4) / 0.0025 ** 2).toBeCloseTo(3, 0)
  })

  it('are uniform within sqrt(6 / (fanIn + fanOut)) in the head', () => {
    // head kernel [512, 10]: bound = sqrt(6 / 522) = 0.107211, variance bound² / 3.
    const kernel = flat.subarray(cnn.parameterCount - 5_130, cnn.parameterCount - 10)
    const bound = Math.sqrt(6 / 522)
    expect(Math.max(...kernel)).toBeLessThanOrEqual(bound)
    expect(Math.max(...kernel)).toBeGreaterThan(0.99 * bound)
    expect(Math.min(...kernel)).toBeLessThan(-0.99 * bound)
    expect(moment(kernel, 2) / (bound ** 2 / 3)).toBeCloseTo(1, 1)
  })
})

const moment = (values: Float32Array, power: number): number =>
  values.reduce((sum, value) => sum + value ** power, 0) / values.length

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)
