import { setSyncFailureHandler } from '#coordinator/durable-files.js'
import { FileBlobs } from '#coordinator/store/file-blobs.js'
import type { Compartment } from '#coordinator/vault/sealed-blobs.js'
import { serveCalls, SYNC_FAILED } from './child-calls.js'
import { createCompute } from './create-compute.js'
import type { Compute } from './compute.js'

setSyncFailureHandler(() => process.exit(SYNC_FAILED))
const compute = createCompute({ blobs: await FileBlobs.open(process.argv[2] ?? '.') })

/** Keys are here for as long as the call that needs them. */
async function without<T>(
  keys: readonly (Compartment | null | undefined)[],
  work: Promise<T>,
): Promise<T> {
  try {
    return await work
  } finally {
    for (const compartment of keys) compartment?.key.fill(0)
  }
}

const inspect: Compute['inspect'] = (config, plan, update) =>
  without([update.updates], compute.inspect(config, plan, update))
const close: Compute['close'] = (config, round) =>
  without([round.updates, round.personal], compute.close(config, round))

serveCalls({
  start: compute.start.bind(compute),
  next: compute.next.bind(compute),
  inspect,
  close,
  keyMap: compute.keyMap.bind(compute),
})
