import { MODELS } from '#algorithms/models/zoo.js'
import { trainLocally } from '#algorithms/training/train.js'
import {
  avgPool,
  conv2d,
  crossEntropy,
  dense,
  depthwiseConv2d,
  gelu,
  groupNorm,
  layerNorm,
  maxPool,
  softmax,
  softplus,
} from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { createStreams } from '#protocol/random.js'
import { examplesFrom } from '#testing/examples.js'

/** One computation whose numbers must not depend on the backend. */
export interface Case {
  readonly kind: 'values' | 'gradients' | 'second derivative' | 'training step'
  readonly name: string
  readonly run: () => Promise<Float32Array>
}

/** Values in [-1, 1] without ties, the same on every backend. */
function wave(shape: readonly number[], phase = 0): Tensor {
  const length = shape.reduce((product, size) => product * size, 1)
  return tf.tensor(
    Float32Array.from({ length }, (_, i) => Math.sin(i * i * 0.37 + i * 0.11 + phase)),
    [...shape],
  )
}

async function flat(tensors: readonly Tensor[]): Promise<Float32Array> {
  const parts = await Promise.all(tensors.map((tensor) => tensor.data()))
  return Float32Array.from(parts.flatMap((part) => [...part]))
}

const IMAGE = [2, 6, 6, 4]
const ROWS = [6, 5]
const oneHot = (): Tensor => tf.oneHot(tf.tensor1d([0, 4, 2, 2, 1, 3], 'int32'), 5)

type Compute = (inputs: readonly Tensor[]) => Tensor
interface Subject {
  readonly name: string
  readonly inputs: readonly (readonly number[])[]
  readonly compute: Compute
}
const subject = (name: string, inputs: Subject['inputs'], compute: Compute): Subject => ({
  name,
  inputs,
  compute,
})

/** What models and losses are made of. Each is checked for its values and for the gradient with respect to every input. */
const SUBJECTS: readonly Subject[] = [
  subject(
    'matrix product',
    [
      [6, 7],
      [7, 5],
    ],
    ([a, b]) => tf.matMul(a!, b!),
  ),
  subject(
    'matrix product, transposed',
    [
      [7, 6],
      [5, 7],
    ],
    ([a, b]) => tf.matMul(a!, b!, true, true),
  ),
  subject('dense layer', [[6, 7], [7, 5], [5]], ([x, w, b]) => dense(x!, w!, b)),
  subject('convolution, same', [IMAGE, [3, 3, 4, 3]], ([x, w]) =>
    conv2d(x!, w!, { padding: 'same' }),
  ),
  subject('convolution, valid, stride 2', [IMAGE, [3, 3, 4, 3]], ([x, w]) =>
    conv2d(x!, w!, { padding: 'valid', stride: 2 }),
  ),
  subject('depthwise convolution', [IMAGE, [3, 3, 4, 1]], ([x, w]) =>
    depthwiseConv2d(x!, w!, { padding: 'same' }),
  ),
  subject('max pooling', [IMAGE], ([x]) => maxPool(x!, 2)),
  subject('average pooling', [IMAGE], ([x]) => avgPool(x!, 2)),
  subject('relu', [ROWS], ([x]) => tf.relu(x!)),
  subject('softplus', [ROWS], ([x]) => softplus(x!)),
  subject('gelu', [ROWS], ([x]) => gelu(x!)),
  subject('sigmoid and tanh', [ROWS], ([x]) => tf.mul(tf.sigmoid(x!), tf.tanh(x!))),
  subject('softmax', [ROWS], ([x]) => softmax(x!)),
  subject('cross-entropy', [ROWS], ([x]) => crossEntropy(x!, oneHot())),
  subject('layer norm', [ROWS, [5], [5]], ([x, scale, shift]) =>
    layerNorm(x!, { scale: scale!, shift: shift! }),
  ),
  subject('group norm', [IMAGE, [4], [4]], ([x, scale, shift]) =>
    groupNorm(x!, 2, { scale: scale!, shift: shift! }),
  ),
  subject('broadcasts and reductions', [ROWS, [5]], ([x, row]) =>
    tf.div(tf.sum(tf.add(x!, row!), 1), 3),
  ),
  subject('concat, slice, transpose', [ROWS, ROWS], ([a, b]) =>
    tf.transpose(tf.slice(tf.concat([a!, b!], 1), [1, 2], [4, 6])),
  ),
]

/** More tensors at once than a shader can bind buffers. */
const MANY: readonly Subject[] = [
  subject(
    'sum of twenty',
    Array.from({ length: 20 }, () => ROWS),
    (inputs) => tf.addN([...inputs]),
  ),
  subject(
    'concat of twenty',
    Array.from({ length: 20 }, () => ROWS),
    (inputs) => tf.concat([...inputs], 1),
  ),
]

const valueCase = ({ name, inputs, compute }: Subject): Case => ({
  kind: 'values',
  name,
  run: () => flat([compute(inputs.map((shape, i) => wave(shape, i)))]),
})
/** The gradient of the output's product with a fixed tensor, so that every entry counts with another weight. */
const gradientCase = ({ name, inputs, compute }: Subject): Case => ({
  kind: 'gradients',
  name,
  run: () => {
    const weighted = (...tensors: Tensor[]): tf.Scalar => {
      const value = compute(tensors)
      return tf.sum(tf.mul(value, wave(value.shape, 9)))
    }
    return flat(tf.grads(weighted)(inputs.map((shape, i) => wave(shape, i))))
  },
})

/** Gradient of the squared norm of a gradient: what an audit differentiates. */
const secondDerivative: Case = {
  kind: 'second derivative',
  name: 'squared gradient of a convolution and a dense layer',
  run: () => {
    const loss = (x: Tensor, w: Tensor): tf.Scalar => {
      const hidden = softplus(conv2d(x, w, { padding: 'same' }))
      const logits = dense(tf.reshape(hidden, [2, -1]), wave([2 * 36, 5], 3))
      return crossEntropy(logits, tf.slice(oneHot(), 0, 2)) as tf.Scalar
    }
    const w = wave([3, 3, 4, 2], 1)
    const norm = (x: Tensor): tf.Scalar => tf.sum(tf.square(tf.grad((v) => loss(x, v))(w)))
    return flat([tf.grad(norm)(wave(IMAGE))])
  },
}

/** One step with momentum, decay and clipping on a model of the zoo; the result is all its params. */
function trainingCase(modelName: string): Case {
  const inputShape = [12, 12, 1]
  const classes = ['a', 'b', 'c']
  return {
    kind: 'training step',
    name: modelName,
    run: async () => {
      const entry = MODELS.find(({ name }) => name === modelName)!
      const model = entry.build({ inputShape, classes }, entry.options.parse({}))
      const streams = createStreams(3)
      const rows = await Promise.all(
        [0, 1, 2, 3].map(async (phase) => [...(await flat([wave(inputShape, phase)]))]),
      )
      const { params } = await trainLocally({
        model,
        start: model.init(streams('init', 0, 0)),
        examples: examplesFrom({ rows, labels: [0, 1, 2, 1], inputShape, classes }),
        training: {
          localEpochs: 1,
          batchSize: 4,
          optimizer: {
            name: 'sgd',
            learningRate: 0.1,
            momentum: 0.9,
            weightDecay: 0.01,
            schedule: { name: 'constant' },
            gradientClip: 1,
          },
        },
        streams,
        round: 1,
        rounds: 1,
        slot: 0,
      })
      return params
    },
  }
}

export const CASES: readonly Case[] = [
  ...[...SUBJECTS, ...MANY].map(valueCase),
  ...SUBJECTS.map(gradientCase),
  secondDerivative,
  ...['mlp', 'lenet'].map(trainingCase),
]
