import { appendFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { float32Of, makeBundle } from '#protocol/bundle.js'
import type { FederationError } from '#protocol/errors.js'
import { sha256, type RunId } from '#protocol/ids.js'
import type { RunConfig } from '#protocol/run-config.js'
import { readNodeStatus } from '../status.js'
import { openNodeState, type NodeState, type OpenTask } from './node-state.js'

const RUN = 'run-000000000000' as RunId
const memory = (value: number) =>
  makeBundle([{ name: 'm', shape: [1], dtype: 'float32', data: Float32Array.of(value) }])
const LINE = { at: 'now', runId: RUN, attempt: 1, name: 'a run', method: 'moon', part: 'method' }
const TASK: OpenTask = {
  ...{
    runId: RUN,
    round: 1,
    attempt: 1,
    slot: 0,
    lease: '1'.repeat(32),
    part: 'method',
    weight: 3,
    metrics: {},
  },
  config: {} as RunConfig,
  engine: { backend: 'cpu', version: '1', threads: 1 },
  privacy: { 'model-delta': 4 },
  updateSha256: sha256('update'),
  hasPending: true,
}
let directory: string
let state: NodeState
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-state-'))
  state = await openNodeState(directory)
})
afterEach(async () => {
  await state.release()
  await rm(directory, { recursive: true, force: true })
})
const reopen = async (): Promise<void> => {
  await state.release()
  state = await openNodeState(directory)
}

describe('the state directory of a node', () => {
  it('is locked by one node at a time', async () => {
    await expect(openNodeState(directory)).rejects.toMatchObject({ code: 'store/locked' })
    await state.release()
    state = await openNodeState(directory)
  })

  it('keeps the credential readable by its owner alone', async () => {
    const credentials = {
      url: 'http://127.0.0.1:1',
      nodeId: 'node-000000000000',
      name: 'a',
      secret: 's',
    }
    await state.saveCredentials(credentials)
    expect(await state.credentials()).toEqual(credentials)
    expect((await stat(join(directory, 'credentials.json'))).mode & 0o077).toBe(0)
  })

  it('keeps an open task with its update and pending memory over a restart', async () => {
    await state.saveOpenTask(TASK, Uint8Array.of(1, 2, 3), memory(5))
    await reopen()
    expect(await state.openTasks()).toEqual([TASK])
    expect([...((await state.outgoing(RUN)) ?? [])]).toEqual([1, 2, 3])
    const pending = await state.pending(RUN)
    expect(pending === null ? [] : [...float32Of(pending, 'm')]).toEqual([5])
  })

  it('settles once: the memory changes, the open task is gone, and doing it again changes nothing', async () => {
    await state.saveOpenTask(TASK, Uint8Array.of(1), memory(5))
    for (let times = 0; times < 2; times += 1) await state.settle(RUN, memory(5))
    await reopen()
    const kept = await state.memory(RUN)
    expect(kept === null ? [] : [...float32Of(kept, 'm')]).toEqual([5])
    expect(await state.openTask(RUN)).toBeNull()
    expect(await readdir(join(directory, 'open'))).toEqual([])
  })

  it('does not serve an asset whose bytes changed', async () => {
    const bytes = Uint8Array.of(1, 2, 3)
    const hash = sha256(bytes)
    await state.saveAsset(hash, bytes)
    expect(await state.asset(hash)).not.toBeNull()
    await writeFile(join(directory, 'assets', hash), Uint8Array.of(1, 2, 4))
    expect(await state.asset(hash)).toBeNull()
  })

  it('loses no more of the journal than the line that a kill has cut short', async () => {
    const entry = { ...LINE, bytes: { metrics: 8 }, fate: 'sent' as const }
    await state.journal({ ...entry, round: 1 })
    await appendFile(join(directory, 'journal.jsonl'), '{"at":"no')
    await state.journal({ ...entry, round: 2 })
    expect((await state.entries()).map(({ round }) => round)).toEqual([1, 2])
  })

  it('forgets the past of another identity, not of the same', async () => {
    const credentials = {
      url: 'http://127.0.0.1:1',
      nodeId: 'node-000000000000',
      name: 'a',
      secret: 's',
    }
    await state.saveCredentials(credentials)
    await state.settle(RUN, memory(1))
    await state.saveCredentials({ ...credentials, name: 'b' })
    expect(await state.memories()).toEqual([RUN])
    await state.saveOpenTask(TASK, Uint8Array.of(1), memory(5))
    await state.saveCredentials({ ...credentials, nodeId: 'node-000000000001' })
    expect(await state.memories()).toEqual([])
    expect(await state.openTasks()).toEqual([])
  })

  it('says what the disk refuses, without paths', async () => {
    await writeFile(join(directory, 'memory'), 'a file where a folder should be')
    await expect(state.settle(RUN, memory(1))).rejects.toMatchObject({
      code: 'store/io',
      message: 'The state directory cannot be written (EEXIST)',
    })
    await expect(openNodeState(join(directory, 'memory', 'a'))).rejects.toMatchObject({
      code: 'store/io',
    })
  })

  it('may be given back twice', async () => {
    await state.release()
    await state.release()
    state = await openNodeState(directory)
  })

  it('tells when it was taken away', async () => {
    await state.release()
    const lost = new Promise<FederationError>((resolve) => {
      void openNodeState(directory, resolve).then(async (opened) => {
        state = opened
        await rm(directory, { recursive: true })
        await rm(`${directory}.lock`, { recursive: true })
      })
    })
    expect((await lost).code).toBe('store/locked')
  })

  it('tells its status from the journal', async () => {
    await state.saveCredentials({
      url: 'http://127.0.0.1:1',
      nodeId: 'node-000000000000',
      name: 'a',
      secret: 's',
    })
    await state.settle(RUN, memory(1))
    for (const round of [1, 2]) {
      await state.journal({
        ...{ ...LINE, round },
        bytes: { 'model-delta': 100, metrics: 8 },
        fate: 'sent',
      })
    }
    expect(await readNodeStatus(directory)).toMatchObject({
      nodeId: 'node-000000000000',
      memories: [RUN],
      updatesSent: 2,
      bytesSent: { 'model-delta': 200, metrics: 16 },
    })
    await expect(readNodeStatus(join(directory, 'nothing'))).rejects.toMatchObject({
      code: 'data/not-found',
    })
  })
})
