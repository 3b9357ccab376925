/** Child process of `probeWebgpu`: multiplies two matrices on webgpu. Prints one line of JSON, `WebgpuProbe`. */
import { tf } from '#algorithms/tensor/tf.js'
import { registerWebgpu } from '#algorithms/tensor/webgpu.js'
import { asFederationError } from '#protocol/errors.js'
import type { WebgpuProbe } from './webgpu-probe.js'

async function probe(): Promise<WebgpuProbe> {
  const adapter = await registerWebgpu()
  await tf.setBackend('webgpu')
  const product = await tf
    .matMul(
      [
        [1, 2],
        [3, 4],
      ],
      [
        [5, 6],
        [7, 8],
      ],
    )
    .data()
  const isRight = [19, 22, 43, 50].every((expected, at) => product[at] === expected)
  return { adapter, problem: isRight ? null : `It multiplies wrongly: ${product.join(', ')}` }
}

const result = await probe().catch((error: unknown): WebgpuProbe => ({
  adapter: null,
  problem: asFederationError(error).message,
}))
process.stdout.write(`${JSON.stringify(result)}\n`)
