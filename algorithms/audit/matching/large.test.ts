import { expect, it } from 'vitest'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import {
  labTarget,
  noiseLike,
  normOf,
  relativeError,
  type LabSpec,
} from '#testing/audit-target-lab.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { createProblem } from './problem.js'

interface Found {
  readonly truth: number
  readonly random: number
  readonly slope: Float32Array
  readonly tensors: number
}
async function find(spec: LabSpec): Promise<Found> {
  const { target, x, y, dispose } = await labTarget(spec)
  const problem = createProblem(target)
  const before = tf.memory().numTensors
  const found = tf.tidy(() => {
    const loss = (z: Tensor) => problem.loss(z, y)
    const { value, grad } = tf.valueAndGrad(loss)(noiseLike(x))
    return {
      truth: loss(x).dataSync()[0]!,
      random: value.dataSync()[0]!,
      slope: grad.dataSync() as Float32Array,
    }
  })
  const tensors = tf.memory().numTensors - before
  problem.dispose()
  dispose()
  return { ...found, tensors }
}

// What the first backend found: the others must find the same.
const first = new Map<string, Float32Array>()

describeOnBackends('The matching loss', () => {
  it.each<[string, LabSpec]>([
    ['eight unrolled steps', { count: 2, localEpochs: 8, model: { name: 'gap' } }],
    [
      'max pooling, relu and three unrolled steps',
      {
        ...{ count: 2, localEpochs: 3 },
        model: { name: 'cnn', filters: [3, 4], kernelSize: 3, hidden: 8 },
      },
    ],
  ])('A17: of %s is 0 at the truth, and the same on every backend', async (name, spec) => {
    const { truth, random, slope, tensors } = await find(spec)
    expect(truth).toBeLessThan(1e-6)
    expect(truth).toBeLessThan(1e-3 * random)
    expect(normOf(slope)).toBeGreaterThan(0)
    expect(tensors).toBe(0)
    const expected = first.get(name) ?? slope
    first.set(name, expected)
    expect(relativeError(slope, expected)).toBeLessThan(1e-3)
  })
})
