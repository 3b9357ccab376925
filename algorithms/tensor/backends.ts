import type { Engine } from '#protocol/record.js'
import { activateCpu } from './backends/cpu.js'
import { activateTensorflow } from './backends/tensorflow.js'
import { activateWasm } from './backends/wasm.js'
import { activateWebgpu } from './backends/webgpu.js'

/** Ways to compute, fastest hardware first. `auto` is not one: it chooses among these (see choose-backend.ts). */
export const BACKEND_NAMES = ['cuda', 'webgpu', 'native', 'wasm', 'cpu'] as const
export type BackendName = (typeof BACKEND_NAMES)[number]
export const isBackendName = (text: string): text is BackendName =>
  (BACKEND_NAMES as readonly string[]).includes(text)

export interface BackendOptions {
  /** Threads of `native`; default: one per core. Fixed once loaded. `cpu` and `wasm` use one and ignore it. */
  readonly threads?: number
}

/**
 * Makes this backend the one that every tensor of the process lives on, and says what it is. Only its own package gets
 * loaded. Throws `backend/missing` when it is not here and `backend/broken` when it does not work; never takes another one.
 */
export async function useBackend(name: BackendName, options: BackendOptions = {}): Promise<Engine> {
  switch (name) {
    case 'cpu':
      return activateCpu()
    case 'wasm':
      return activateWasm()
    case 'webgpu':
      return activateWebgpu()
    case 'native':
    case 'cuda':
      return activateTensorflow(name, options.threads)
  }
}
