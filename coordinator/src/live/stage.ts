import type { RunId } from '#protocol/ids.js'
import type { Stage } from '#protocol/run-views.js'
import type { GateRecord } from '#coordinator/audit-gate/gate-record.js'
import { readJson } from '#coordinator/store/reachable.js'
import type { Head, RunRow, Store } from '#coordinator/store/store.js'

const STAGES: Readonly<Record<Head['state'], Stage['stage']>> = {
  PLANNED: 'planned',
  COLLECTING: 'collecting',
  FROZEN: 'frozen',
  DONE: 'done',
  STOPPED: 'stopped',
  FAILED: 'failed',
}

/** Where a run is now; null: there is no such run. */
export async function stageOf(
  store: Pick<Store, 'run' | 'head' | 'blobs'>,
  runId: RunId,
): Promise<Stage | null> {
  const [run, head] = [await store.run(runId), await store.head(runId)]
  return run === null || head === null ? null : stageAt(store, run, head)
}

/** Where a run with this head is. Its round is the next to close; of a run that is done, one more than it has. */
export async function stageAt(
  { blobs }: Pick<Store, 'blobs'>,
  { config }: Pick<RunRow, 'config'>,
  head: Head,
): Promise<Stage> {
  const { state, round, attempt, gateHash } = head
  const isGated = state === 'PLANNED' && config.audit !== undefined
  const isAuditing =
    isGated &&
    (gateHash === undefined || (await readJson<GateRecord>(blobs, gateHash)).decision === null)
  return { stage: isAuditing ? 'auditing' : STAGES[state], round, attempt }
}
