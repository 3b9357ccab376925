import { expect, it } from 'vitest'
import {
  avgPool,
  conv2d,
  crossEntropy,
  depthwiseConv2d,
  dense,
  gelu,
  groupNorm,
  layerNorm,
  logSoftmax,
  maxPool,
  softplus,
  unitVectors,
} from '#algorithms/tensor/ops.js'
import { normalTensor } from '#algorithms/tensor/random-tensor.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { describeOnBackends } from '#testing/on-backends.js'

const draw = (seed: number, ...shape: number[]): Tensor =>
  normalTensor(createStreams(seed)('test/ops', 0, 0), shape)
const close = (got: Tensor, expected: ArrayLike<number>, digits = 5) => {
  const values = got.dataSync()
  expect(values.length).toBe(expected.length)
  values.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, digits))
}

interface Plain {
  readonly stride: number
  readonly pad: number
  readonly depthwise?: boolean
}
const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

/** A convolution by its definition, in float64. */
function plainConvolution(x: Tensor, k: Tensor, { stride, pad, depthwise }: Plain): number[] {
  const [batch, height, width, channels] = x.shape as [number, number, number, number]
  const [kh, kw, , last] = k.shape as [number, number, number, number]
  const [xs, ks] = [x.dataSync(), k.dataSync()]
  const pixel = (b: number, y: number, z: number, c: number): number =>
    y < 0 || z < 0 || y >= height || z >= width
      ? 0
      : xs[((b * height + y) * width + z) * channels + c]!
  const weight = (i: number, j: number, c: number, o: number): number => {
    if (!depthwise) return ks[((i * kw + j) * channels + c) * last + o]!
    return Math.floor(o / last) === c ? ks[((i * kw + j) * channels + c) * last + (o % last)]! : 0
  }
  const element = (b: number, r: number, s: number, o: number): number =>
    range(kh * kw * channels).reduce((total, tap) => {
      const [i, j, c] = [
        Math.floor(tap / channels / kw),
        Math.floor(tap / channels) % kw,
        tap % channels,
      ]
      return total + pixel(b, r * stride + i - pad, s * stride + j - pad, c) * weight(i, j, c, o)
    }, 0)
  const rows = range(Math.floor((height + 2 * pad - kh) / stride) + 1)
  const columns = range(Math.floor((width + 2 * pad - kw) / stride) + 1)
  const outputs = range(depthwise ? channels * last : last)
  return range(batch).flatMap((b) =>
    rows.flatMap((r) => columns.flatMap((s) => outputs.map((o) => element(b, r, s, o)))),
  )
}

/** The convolution as k·k shifted slices and one matMul: an independent formulation with other kernels and other rules. */
function im2col(x: Tensor, k: Tensor): Tensor {
  const [batch, height, width] = x.shape as [number, number, number, number]
  const [kh, kw, channels, out] = k.shape as [number, number, number, number]
  const [rows, columns] = [height - kh + 1, width - kw + 1]
  const shifts = Array.from({ length: kh * kw }, (_, tap) =>
    tf.slice(x, [0, Math.floor(tap / kw), tap % kw, 0], [batch, rows, columns, channels]),
  )
  const patches = tf.reshape(tf.concat(shifts, 3), [-1, kh * kw * channels])
  return tf.reshape(tf.matMul(patches, tf.reshape(k, [-1, out])), [batch, rows, columns, out])
}

describeOnBackends('Safe ops', () => {
  it.each([
    [1, 0],
    [1, 1],
    [2, 0],
    [2, 1],
    [3, 2],
  ])('conv2d with stride %i and padding %i is the sum over taps', (stride, pad) => {
    const [x, k] = [draw(1, 2, 7, 6, 3), draw(2, 3, 3, 3, 4)]
    close(conv2d(x, k, { stride, padding: [pad, pad] }), plainConvolution(x, k, { stride, pad }))
  })

  it('conv2d with same padding keeps height and width', () => {
    const [x, k] = [draw(1, 2, 5, 6, 2), draw(2, 3, 3, 2, 4)]
    close(conv2d(x, k, { padding: 'same' }), plainConvolution(x, k, { stride: 1, pad: 1 }))
  })

  it('depthwiseConv2d keeps channels apart', () => {
    const [x, k] = [draw(1, 2, 5, 6, 3), draw(2, 3, 3, 3, 2)]
    close(depthwiseConv2d(x, k), plainConvolution(x, k, { stride: 1, pad: 0, depthwise: true }))
  })

  it('agrees in value and in both orders of derivative with im2col, through relu', () => {
    const [x, k, l] = [draw(3, 2, 8, 7, 2), draw(4, 3, 3, 2, 3), draw(5, 2, 2, 3, 2)]
    const gradients = (convolve: (x: Tensor, k: Tensor) => Tensor): Tensor[] => {
      const net = (a: Tensor, b: Tensor, c: Tensor) =>
        tf.mean(tf.square(convolve(tf.relu(convolve(a, b)), c)))
      const first = tf.grads(net)
      const matching = (...xs: Tensor[]) => tf.addN(first(xs).map((g) => tf.mean(tf.square(g))))
      return [net(x, k, l), ...first([x, k, l]), ...tf.grads(matching)([x, k, l])]
    }
    const [ours, plain] = [gradients((a, b) => conv2d(a, b)), gradients(im2col)]
    ours.forEach((gradient, i) => {
      const scale = tf.max(tf.abs(plain[i]!)).dataSync()[0]!
      const error = tf.max(tf.abs(tf.sub(gradient, plain[i]!))).dataSync()[0]!
      expect(error / scale).toBeLessThan(1e-5)
    })
  })

  it('pools side by side and drops the odd last row and column', () => {
    const x = tf.tensor([1, 5, 9, 2, 3, 9, 4, -1, 9, -2, 0, 9, 9, 9, 9], [1, 5, 3, 1])
    close(maxPool(x, 2), [5, 4])
    close(avgPool(x, 2), [11 / 4, -0.75 + 1])
  })

  it('gives the gradient of max pooling to the first of equal maxima', () => {
    const x = tf.tensor([2, 2, 1, 2], [1, 2, 2, 1])
    close(tf.grad((t: Tensor) => maxPool(t, 2))(x), [1, 0, 0, 0])
  })

  it('dense adds the bias to each row', () => {
    const kernel = tf.tensor([1, 0, 2, -1, 3, 1], [2, 3])
    // [1, 2] · [[1, 0, 2], [-1, 3, 1]] = [-1, 6, 4]
    close(dense(tf.tensor([[1, 2]]), kernel, tf.tensor1d([0.5, 0, -1])), [-0.5, 6, 3])
  })

  it('crossEntropy is the mean of −log p of the labels', () => {
    const logits = tf.tensor([
      [0, Math.log(3)],
      [Math.log(4), 0],
    ])
    // p = [1/4, 3/4] and [4/5, 1/5]
    const expected = -(Math.log(3 / 4) + Math.log(1 / 5)) / 2
    close(
      crossEntropy(
        logits,
        tf.tensor([
          [0, 1],
          [0, 1],
        ]),
      ),
      [expected],
    )
  })

  it('crossEntropy and logSoftmax stand logits of any size', () => {
    const logits = tf.tensor([
      [1000, 0],
      [-1000, 0],
    ])
    close(
      crossEntropy(
        logits,
        tf.tensor([
          [0, 1],
          [1, 0],
        ]),
      ),
      [1000],
      2,
    )
    close(logSoftmax(logits), [0, -1000, -1000, 0], 2)
  })

  it('gelu and softplus have their textbook values', () => {
    // x Φ(x): Φ(1) = 0.841345, Φ(-2) = 0.022750
    close(gelu(tf.tensor1d([1, -2, 0])), [0.841345, -0.0455, 0], 4)
    close(softplus(tf.tensor1d([0, 30, -30])), [Math.LN2, 30, 0])
  })

  it('layerNorm standardises rows, groupNorm groups of channels of one image', () => {
    const one = { scale: tf.scalar(1), shift: tf.scalar(0), epsilon: 0 }
    const third = Math.sqrt(1.5)
    close(
      layerNorm(
        tf.tensor([
          [1, 2, 3],
          [10, 20, 30],
        ]),
        one,
      ),
      [-third, 0, third, -third, 0, third],
    )
    // Two groups of two channels over two pixels: {1, 3, 5, 7} has mean 4 and variance 5, {0, 2, 0, 2} mean 1 and variance 1.
    const pixels = tf.tensor([1, 3, 0, 2, 5, 7, 0, 2], [1, 1, 2, 4])
    const r = Math.sqrt(5)
    close(groupNorm(pixels, 2, one), [-3 / r, -1 / r, -1, 1, 1 / r, 3 / r, -1, 1], 4)
    expect(() => groupNorm(pixels, 3, one)).toThrow(/do not divide/)
  })

  it('unitVectors divides rows or columns by their lengths, and leaves zeros as they are', () => {
    const x = tf.tensor2d([3, 4, 0, 0, 5, -12], [3, 2])
    close(unitVectors(x), [0.6, 0.8, 0, 0, 5 / 13, -12 / 13])
    const [a, b] = [Math.hypot(3, 5), Math.hypot(4, 12)]
    close(unitVectors(x, 0), [3 / a, 4 / b, 0, 0, 5 / a, -12 / b])
  })

  it('unitVectors has no slope at zeros, at first and second order', () => {
    const x = tf.tensor2d([3, 4, 0, 0], [2, 2])
    // Of the first component of 3, 4: (1 − 0.36) / 5 and −0.48 / 5.
    const first = tf.grad((t: Tensor) => tf.sum(tf.slice(unitVectors(t), [0, 0], [-1, 1])))
    close(first(x), [0.128, -0.096, 0, 0])
    const second = tf.grad((t: Tensor) => tf.sum(tf.square(first(t))))
    expect([...second(x).dataSync()].slice(2).map(Math.abs)).toEqual([0, 0])
  })

  it('leaves no tensor behind', () => {
    const [x, k] = [draw(1, 2, 6, 6, 2), draw(2, 3, 3, 2, 4)]
    const y = tf.tensor([
      [0, 1, 0, 0],
      [1, 0, 0, 0],
    ])
    const loss = (kernel: Tensor) => {
      const h = maxPool(tf.relu(conv2d(x, kernel, { padding: 'same' })), 3)
      return crossEntropy(tf.mean(h, [1, 2]), y)
    }
    const before = tf.memory()
    for (let i = 0; i < 3; i++) tf.tidy(() => tf.grad(loss)(k).dataSync())
    expect(tf.memory().numTensors).toBe(before.numTensors)
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers)
  })
})
