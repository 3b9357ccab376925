import type { Engine } from '#protocol/record.js'
import { tf } from '#algorithms/tensor/tf.js'
import { TFJS, activate } from './activate.js'

/** Plain JavaScript: slow, everywhere, the oracle in tests. */
export async function activateCpu(): Promise<Engine> {
  await import('@tensorflow/tfjs-backend-cpu')
  await activate('cpu', 'cpu')
  // It would print an advertisement for tfjs-node at its first tensor.
  ;(tf.backend() as unknown as { firstUse: boolean }).firstUse = false
  return { backend: 'cpu', version: TFJS, threads: 1 }
}
