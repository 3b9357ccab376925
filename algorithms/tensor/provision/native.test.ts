import { describe, expect, it } from 'vitest'
import { tf } from '#algorithms/tensor/tf.js'
import { requireWithOurCore, resolveNative, selfCheck } from './index.js'

const directory = resolveNative()
const isRequired = process.env.TRIBUTARY_REQUIRE_NATIVE === '1'

const why = directory === null ? ': not installed (node scripts/ensure-native.mjs)' : ''
describe.skipIf(directory === null && !isRequired)(`the native backend${why}`, () => {
  it('computes right in a process of its own', async () => {
    const check = await selfCheck(directory ?? 'not installed')
    expect(check).toMatchObject({ tensorflow: '2.16.2', computesOnGpu: false })
  })

  it('shares our engine, kernels and gradients', async () => {
    const ourRelu = tf.getGradient(tf.Relu)
    const native = requireWithOurCore(directory ?? 'not installed') as typeof tf
    expect(native.engine()).toBe(tf.engine())
    expect(native.Tensor).toBe(tf.Tensor)
    expect(tf.getGradient(tf.Relu)).toBe(ourRelu)
    expect(ourRelu).toBeDefined()
    expect(await tf.setBackend('tensorflow')).toBe(true)
    // 1·5 + 2·7 = 19, 1·6 + 2·8 = 22.
    const product = tf.matMul(
      tf.tensor2d([[1, 2]]),
      tf.tensor2d([
        [5, 6],
        [7, 8],
      ]),
    )
    expect(product).toBeInstanceOf(native.Tensor)
    expect([...product.dataSync()]).toEqual([19, 22])
    expect(tf.getBackend()).toBe('tensorflow')
  })

  it('has the chained methods that its kernels call', () => {
    expect(
      [...tf.exp(tf.tensor1d([0, 1], 'int32')).dataSync()].map((value) => value.toFixed(4)),
    ).toEqual(['1.0000', '2.7183'])
    expect([...tf.argMax(tf.tensor1d([0, 1, 0], 'bool')).dataSync()]).toEqual([1])
    expect([...tf.prelu(tf.tensor1d([-2, 3]), tf.tensor1d([0.25, 0.25])).dataSync()]).toEqual([
      -0.5, 3,
    ])
  })
})
