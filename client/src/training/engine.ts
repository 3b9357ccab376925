import { join } from 'node:path'
import type { Engine } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { chooseBackend, type BackendChoice } from '#algorithms/tensor/choose-backend.js'

export interface EngineContext {
  readonly stateDirectory: string
  readonly onChoice: (choice: BackendChoice) => void
}

/** The backend that the run pins; for `auto` the one that is fastest here for this model, measured once and remembered. */
export async function engineFor(config: RunConfig, context: EngineContext): Promise<Engine> {
  const { backend, threads } = config.compute
  if (backend !== 'auto') return useBackend(backend, { threads })
  const { task, model, training } = config
  const choice = await chooseBackend({
    trial: { task, model, training, threads },
    memoryFile: join(context.stateDirectory, 'backends.json'),
  })
  context.onChoice(choice)
  return useBackend(choice.chosen, { threads })
}
