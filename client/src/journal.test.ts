import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import { journalOf, readJournal } from './journal.js'
import { openNodeState, type JournalEntry, type NodeState } from './state/node-state.js'

const line = (change: Partial<JournalEntry> = {}): JournalEntry => ({
  ...{ at: 'now', runId: 'run-000000000000', round: 1, attempt: 1, name: 'first' },
  ...{ method: 'moon', part: 'method', bytes: {}, fate: 'sent' },
  ...change,
})
const OTHER = { runId: 'run-000000000001', name: 'second' }

describe('the journal of a node', () => {
  it('joins what left with its fate, and sums by class, for each run and all', () => {
    const { runs, bytes } = journalOf([
      line({ bytes: { 'model-delta': 100, metrics: 8 } }),
      line({ fate: 'accepted' }),
      line({ ...OTHER, bytes: { 'per-example': 5 } }),
      line({ round: 2, bytes: { 'model-delta': 100, metrics: 9 } }),
      line({ round: 2, fate: 'refused' }),
    ])
    expect(runs.map(({ name, tasks }) => [name, tasks.map(({ fate }) => fate)])).toEqual([
      ['first', ['accepted', 'refused']],
      ['second', ['open']],
    ])
    expect(runs.map((run) => run.bytes)).toEqual([
      { 'model-delta': 200, metrics: 17 },
      { 'per-example': 5 },
    ])
    expect(bytes).toEqual({ 'model-delta': 200, metrics: 17, 'per-example': 5 })
  })

  it('counts a task once that a node performed again because it had died before it could send', () => {
    const twice = line({ bytes: { metrics: 8 } })
    const { runs } = journalOf([
      twice,
      twice,
      line({ fate: 'accepted' }),
      line({ fate: 'accepted' }),
    ])
    expect(runs[0]?.tasks).toMatchObject([{ bytes: { metrics: 8 }, fate: 'accepted' }])
    expect(runs[0]?.bytes).toEqual({ metrics: 8 })
  })

  it('counts every attempt of a round', () => {
    const { bytes } = journalOf([
      line({ bytes: { metrics: 8 } }),
      line({ fate: 'abandoned' }),
      line({ attempt: 2, bytes: { metrics: 8 } }),
    ])
    expect(bytes).toEqual({ metrics: 16 })
  })

  it('tells what was refused, beside what left for the same round', () => {
    const { runs, bytes } = journalOf([
      line({ fate: 'policy', reason: 'Not with these data' }),
      line({ bytes: { metrics: 8 } }),
    ])
    expect(runs[0]?.tasks).toMatchObject([
      { fate: 'policy', bytes: {}, reason: 'Not with these data' },
      { fate: 'open', bytes: { metrics: 8 }, reason: null },
    ])
    expect(bytes).toEqual({ metrics: 8 })
  })
})

describe('the journal in a state directory', () => {
  let directory: string
  let state: NodeState
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-journal-'))
    state = await openNodeState(directory)
  })
  afterEach(async () => {
    await state.release()
    await rm(directory, { recursive: true, force: true })
  })

  it('is read while the node runs, with the lines of earlier versions', async () => {
    const credentials = { url: 'http://127.0.0.1:1', nodeId: 'node-000000000000', name: 'a' }
    await expect(readJournal(directory)).rejects.toMatchObject({ code: 'data/not-found' })
    await state.saveCredentials({ ...credentials, secret: 's' })
    const runId = 'run-000000000000' as RunId
    const old = { at: 'then', runId, round: 1, bytes: { metrics: 8 }, fate: 'sent' }
    await writeFile(join(directory, 'journal.jsonl'), `${JSON.stringify(old)}\n`)
    await state.journal(line({ round: 2, bytes: { metrics: 1 } }))
    expect(await readJournal(directory)).toMatchObject({
      runs: [{ runId, name: runId, tasks: [{ round: 1, attempt: 1 }, { round: 2 }] }],
      bytes: { metrics: 9 },
    })
  })
})
