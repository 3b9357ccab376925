import type { Hash } from '#protocol/ids.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import type { AcceptedUpdate, RoundRecord, RunRecord } from '#protocol/record.js'
import type { RunManager } from '#coordinator/run.js'
import { runRecordOf } from '#coordinator/run-record.js'
import type { Head, Store } from '#coordinator/store/store.js'
import type { ViewsOptions } from '#coordinator/views/views.js'

/** What a run would have left in the store of a coordinator, by its record: rounds, members, and events as they happen. */
export async function storeRun(
  store: Store,
  record: RunRecord,
  change: Partial<Head> = {},
): Promise<void> {
  const { runId, name, kind, createdAt, engine, config, configHash, roster, rounds } = record
  const head = await headOf(store, record)
  await store.createRun({ runId, name, kind, createdAt, engine, config, configHash }, head)
  for (const { slot: _, ...member } of roster) await store.enlist(runId, member)
  await store.appendEvent(runId, 'run:started', { name, engine: { ...engine } })
  for (const round of rounds) await tellRound(store, round)
  await store.advance(runId, head, { ...head, ...change })
}

/** The same run after one more round. */
export async function closeRound(store: Store, record: RoundRecord): Promise<void> {
  const head = await store.head(record.runId)
  if (head === null) return
  const round = { ...record, previous: head.recordHash }
  const recordHash = await store.blobs.put(Buffer.from(canonicalJson(round)))
  await store.advance(record.runId, head, { ...head, round: record.round + 1, recordHash })
  await tellRound(store, round)
}

/** What views of the store work with; models have no keys. */
export const viewsPartsOf = (store: Store): ViewsOptions => ({
  ...{ store, runs: recordsOf(store) },
  compute: { keyMap: async () => null },
})

/** Of a manager of runs what views ask it for; no run waits. */
const recordsOf = (store: Store): Pick<RunManager, 'record' | 'waitingFor'> => ({
  record: (runId) => runRecordOf(store, runId, null),
  waitingFor: () => null,
})

async function headOf(store: Store, { rounds, state, reason }: RunRecord): Promise<Head> {
  let previous: Hash | null = null
  for (const round of rounds)
    previous = await store.blobs.put(Buffer.from(canonicalJson({ ...round, previous })))
  const stateHash = await store.blobs.put(Buffer.from('state'))
  return {
    ...{ epoch: 1, round: rounds.length, attempt: 1, stateHash, modelHash: stateHash, reason },
    state: state === 'finished' ? 'DONE' : state === 'stopped' ? 'STOPPED' : 'PLANNED',
    ...{ recordHash: previous, openingHash: null, personalHash: null },
    ...{ failures: 0, auditHead: null },
  }
}

async function tellRound(store: Store, record: RoundRecord): Promise<void> {
  const { runId, round, attempt, purpose, part, cohort, accepted } = record
  const tell = (type: string, data: JsonObject): Promise<unknown> =>
    store.appendEvent(runId, type, data)
  const at = { round, attempt }
  if (round > 0)
    await tell('round:opened', { ...at, purpose, part, cohort: [...cohort], deadlineSeconds: 60 })
  for (const { slot, weight } of accepted as readonly AcceptedUpdate[])
    await tell('update:accepted', { ...at, slot, weight })
  for (const slot of cohort.filter((one) => !accepted.some((update) => update.slot === one)))
    await tell('task:failed', { ...at, slot, code: 'task/failed', message: `client-${slot} fell` })
  await tell('round:closed', { record: record as unknown as JsonObject })
}
