/**
 * Child process of `selfCheck`: loads the tfjs-node package in argv[2] and lets it compute, because a wrong libtensorflow
 * can end the process. Prints one line of JSON, `SelfCheck`, as its last.
 */
import { tf } from '#algorithms/tensor/tf.js'
import { asFederationError } from '#protocol/errors.js'
import { requireWithOurCore } from './one-core.js'
import type { SelfCheck } from './self-check.js'

interface TensorflowBackend {
  readonly binding: { readonly TF_Version: string }
  readonly isUsingGpuDevice: boolean
}

const wave = (shape: number[], phase: number): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) =>
      Math.sin(i * 0.7 + phase),
    ),
    shape,
  )
const numbers = (tensor: tf.Tensor): Float32Array => tensor.dataSync<'float32'>()
const first = (tensor: tf.Tensor): number => numbers(tf.sum(tensor))[0] ?? NaN

/** Largest difference between a matrix product and its definition. */
function matMulError(): number {
  const [rows, inner, columns] = [5, 7, 3]
  const [a, b] = [wave([rows, inner], 0), wave([inner, columns], 1)]
  const [x, y] = [numbers(a), numbers(b)]
  const expected = (at: number): number => {
    const [row, column] = [Math.floor(at / columns), at % columns]
    const terms = Array.from(
      { length: inner },
      (_, k) => x[row * inner + k]! * y[k * columns + column]!,
    )
    return terms.reduce((sum, term) => sum + term, 0)
  }
  const differences = [...numbers(tf.matMul(a, b))].map((value, at) =>
    Math.abs(value - expected(at)),
  )
  return Math.max(...differences)
}

/** A convolution is linear in its filter, so its filter gradient times a direction must be its value in that direction. */
function convolutionError(): number {
  const [x, direction] = [wave([2, 8, 8, 3], 0), wave([3, 3, 3, 4], 2)]
  const value = tf.conv2d(x as tf.Tensor4D, direction as tf.Tensor4D, 1, 'same')
  const gradient = tf.engine().runKernel<tf.Tensor>(
    'Conv2DBackpropFilter',
    { x, dy: tf.onesLike(value) },
    {
      strides: [1, 1],
      pad: 'same',
      dataFormat: 'NHWC',
      filterShape: [3, 3, 3, 4],
    },
  )
  return Math.abs(first(tf.mul(gradient, direction)) - first(value))
}

async function main(directory: string): Promise<SelfCheck> {
  requireWithOurCore(directory)
  await tf.setBackend('tensorflow')
  const backend = tf.backend() as unknown as TensorflowBackend
  return {
    tensorflow: backend.binding.TF_Version,
    computesOnGpu: backend.isUsingGpuDevice,
    matMulError: matMulError(),
    convolutionError: convolutionError(),
  }
}

try {
  process.stdout.write(`${JSON.stringify(await main(process.argv[2] ?? ''))}\n`)
} catch (error) {
  process.stderr.write(`${asFederationError(error).message}\n`)
  process.exitCode = 1
}
