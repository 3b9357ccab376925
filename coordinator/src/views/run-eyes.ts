import { FederationError } from '#protocol/errors.js'
import type { RunId } from '#protocol/ids.js'
import type { Store } from '#coordinator/store/store.js'
import { eyesOn, type Eyes } from './privacy.js'

/** How people see what is told of the run. Throws `run/not-found`. */
export async function eyesOnRun(store: Pick<Store, 'run'>, runId: RunId): Promise<Eyes> {
  const run = await store.run(runId)
  if (run === null) throw noSuchRun(runId)
  return eyesOn(run.config)
}

export const noSuchRun = (runId: RunId): FederationError =>
  new FederationError('run/not-found', `There is no run ${runId}`)
