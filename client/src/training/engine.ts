import type { Engine } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { ClientData } from '#data/dataset.js'
import { useBackend } from '#algorithms/tensor/backends.js'

export interface EngineContext {
  readonly data: ClientData
  readonly stateDirectory: string
}

/** The backend that the run pins; for `auto` the fastest one here for this model. */
export async function engineFor({ compute }: RunConfig, _context: EngineContext): Promise<Engine> {
  const { backend, threads } = compute
  return useBackend(backend === 'auto' ? 'wasm' : backend, { threads })
}
