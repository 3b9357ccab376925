import { beforeEach, describe, expect, it } from 'vitest'
import { newRunId, sha256, type RunId } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { Head } from '#coordinator/store/store.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { stageOf } from './stage.js'

const HASH = sha256('x')
const HEAD: Head = {
  ...{ epoch: 1, round: 3, attempt: 2, state: 'PLANNED', stateHash: HASH, modelHash: HASH },
  ...{ recordHash: null, openingHash: null, personalHash: null, reason: null, failures: 0 },
  auditHead: null,
}

describe('the stage of a run', () => {
  let store: MemoryStore
  let runId: RunId
  const begin = async (head: Head, config: object = {}): Promise<void> => {
    runId = newRunId()
    const engine = { backend: 'fake', version: '1', threads: 1 }
    const rest = { name: 'a', kind: 'deployed', createdAt: '', engine, configHash: HASH } as const
    await store.createRun({ ...rest, runId, config: config as never }, head)
  }
  const gate = async (decision: object | null): Promise<Pick<Head, 'gateHash'>> => ({
    gateHash: await store.blobs.put(Buffer.from(canonicalJson({ cells: {}, decision }))),
  })
  beforeEach(() => {
    store = new MemoryStore()
  })

  it.each([
    ['PLANNED', 'planned'],
    ['COLLECTING', 'collecting'],
    ['FROZEN', 'frozen'],
    ['DONE', 'done'],
    ['STOPPED', 'stopped'],
    ['FAILED', 'failed'],
  ] as const)('is read off its head: %s is %s', async (state, stage) => {
    await begin({ ...HEAD, state })
    expect(await stageOf(store, runId)).toEqual({ stage, round: 3, attempt: 2 })
  })
  it('is auditing until there is a decision, where the run asks for an audit', async () => {
    const audit = { audit: {} }
    await begin(HEAD, audit)
    expect(await stageOf(store, runId)).toMatchObject({ stage: 'auditing' })
    await begin({ ...HEAD, ...(await gate(null)) }, audit)
    expect(await stageOf(store, runId)).toMatchObject({ stage: 'auditing' })
    await begin({ ...HEAD, ...(await gate({})) }, audit)
    expect(await stageOf(store, runId)).toMatchObject({ stage: 'planned' })
    await begin({ ...HEAD, state: 'STOPPED' }, audit)
    expect(await stageOf(store, runId)).toMatchObject({ stage: 'stopped' })
  })
  it('is none of a run that is not there', async () => {
    expect(await stageOf(store, newRunId())).toBeNull()
  })
})
