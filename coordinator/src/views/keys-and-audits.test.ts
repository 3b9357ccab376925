import { beforeEach, describe, expect, it } from 'vitest'
import { parseAnswer } from '#protocol/http-api.js'
import { canonicalJson } from '#protocol/json.js'
import { unwrap } from '#protocol/result.js'
import { settingsOf } from '#protocol/audit-settings.js'
import { madeUpAudit, QUIET } from '#testing/made-up-audit.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { storeRun, viewsPartsOf } from '#testing/stored-run.js'
import type { GateRecord } from '#coordinator/audit-gate/gate-record.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { Views } from './views.js'

describe('keys of a pool', () => {
  const MAP = {
    width: 8,
    shown: [0.6, 0.3],
    points: [
      { x: 1, y: 0 },
      { x: -1, y: 0.5 },
    ],
  } as const
  const run = madeUpRun({
    rounds: [
      {},
      { metrics: { 'routing/usage/0': 0.25, 'routing/usage/1': 0.75 } },
      { metrics: { accuracy: 1 }, part: 'evaluation' },
    ],
  })
  let store: MemoryStore
  beforeEach(async () => {
    store = new MemoryStore()
    await storeRun(store, run)
  })

  it('are where they lie, each with how often it was chosen in the latest training round', async () => {
    const views = new Views({ ...viewsPartsOf(store), compute: { keyMap: async () => MAP } })
    const keys = unwrap(parseAnswer('GET /api/runs/:id/keys', await views.keys(run.runId)))
    expect(keys).toEqual({
      ...{ round: 2, width: 8, shown: [0.6, 0.3] },
      keys: [
        { x: 1, y: 0, usage: 0.25 },
        { x: -1, y: 0.5, usage: 0.75 },
      ],
    })
  })
  it('are refused of a run whose model has none', async () => {
    const views = new Views(viewsPartsOf(store))
    await expect(views.keys(run.runId)).rejects.toMatchObject({ code: 'run/no-keys' })
  })
})

describe('the list of audits', () => {
  const AUDIT = { audit: { threshold: 'elevated' } }
  let store: MemoryStore
  let views: Views
  beforeEach(() => {
    store = new MemoryStore()
    views = new Views(viewsPartsOf(store))
  })
  const lines = async () =>
    unwrap(parseAnswer('GET /api/audits', { audits: await views.audits() })).audits

  it('has the runs that ask for an audit or have a report, and no others', async () => {
    await storeRun(store, madeUpRun({ name: 'without' }))
    await storeRun(store, madeUpRun({ name: 'waits', config: AUDIT }))
    expect(await lines()).toMatchObject([
      { name: 'waits', state: 'under-way', threshold: 'elevated', verdict: null, report: null },
    ])
  })
  it('says what a report came to, what of the run has changed since, and until when it has pictures', async () => {
    const run = madeUpRun({ name: 'audited' })
    const made = await madeUpAudit({}, [QUIET])
    const settings = { ...settingsOf(run.config), startFrom: 'ab'.repeat(32) }
    const pictures = { retainUntil: '2027-01-01', byRow: [] }
    const signed = { ...made, report: { ...made.report, settings, pictures } }
    const reportHash = await store.blobs.put(Buffer.from(canonicalJson(signed)))
    const gate: GateRecord = {
      cells: {},
      decision: {
        ...{ reportHash, reportBytes: 1, publicKey: 'key', verdict: 'elevated', because: 'Row 1' },
        ...{ effort: {}, isSound: true, obstacles: [], source: 'attached', override: null },
        at: '2026-03-01T08:40:00.000Z',
      },
    }
    const gateHash = await store.blobs.put(Buffer.from(canonicalJson(gate)))
    await storeRun(store, run, { gateHash })
    expect(await lines()).toMatchObject([
      {
        ...{ name: 'audited', state: 'passed', threshold: null, verdict: 'elevated' },
        ...{ source: 'attached', because: 'Row 1' },
        report: { staleKeys: ['startFrom'], picturesUntil: '2027-01-01' },
      },
    ])
    expect((await views.lines())[0]?.audit).toEqual({ state: 'passed', verdict: 'elevated' })
  })
})
