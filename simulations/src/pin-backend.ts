import { join } from 'node:path'
import type { RunConfig } from '#protocol/run-config.js'
import { chooseBackend, type BackendChoice } from '#algorithms/tensor/choose-backend.js'
import { cacheDirectory } from './cache-directory.js'

type Pinnable = Pick<RunConfig, 'compute' | 'task' | 'model' | 'training'>

/** `auto` becomes the backend that is fastest here for this model; the record names it, so a replay uses the same. */
export async function pinBackend<Config extends Pinnable>(
  config: Config,
  onChoice?: (choice: BackendChoice) => void,
): Promise<Config> {
  const { compute, task, model, training } = config
  if (compute.backend !== 'auto') return config
  const { threads } = compute
  const memoryFile = join(cacheDirectory(), 'backends.json')
  const choice = await chooseBackend({ trial: { task, model, training, threads }, memoryFile })
  onChoice?.(choice)
  return { ...config, compute: { backend: choice.chosen, threads } }
}
