import type { Engine } from '#protocol/record.js'
import { TFJS, activate } from './activate.js'

/** Any GPU that Dawn (the `webgpu` package) drives. Experimental. */
export async function activateWebgpu(): Promise<Engine> {
  const { registerWebgpu } = await import('#algorithms/tensor/webgpu.js')
  await registerWebgpu()
  await activate('webgpu', 'webgpu')
  return { backend: 'webgpu', version: TFJS, threads: 1 }
}
