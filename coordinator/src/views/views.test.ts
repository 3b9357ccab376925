import { beforeEach, describe, expect, it, vi } from 'vitest'
import { parseAnswer, type HttpCall } from '#protocol/http-api.js'
import { unwrap } from '#protocol/result.js'
import type { Diagnostics } from '#protocol/diagnostics.js'
import { made, madeUpRun } from '#testing/made-up-runs.js'
import { closeRound, viewsPartsOf, storeRun } from '#testing/stored-run.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { Views } from './views.js'

const TOLD: Diagnostics = { headNorms: [1, 2] }
/** Three clients, of which the last is silent in even rounds. */
const RUN = madeUpRun({
  rounds: Array.from({ length: 30 }, (_, i) => ({
    metrics: i % 2 === 0 ? { accuracy: i / 100, loss: 1 - i / 100 } : { loss: 1 - i / 100 },
    clients: i === 0 ? [] : [{ loss: i }, { loss: i, steps: 2 }, i % 2 === 0 ? null : { loss: i }],
    ...{ bytesUp: 10, bytesDown: 1 },
    ...(i === 7 ? { diagnostics: TOLD } : {}),
  })),
  members: [[3, 4], [5, 6], null],
  config: { rounds: 30 },
})
const { runId } = RUN

/** What is answered, as a page reads it. */
const read = <Call extends HttpCall>(call: Call, answer: unknown) =>
  unwrap(parseAnswer(call, JSON.parse(JSON.stringify(answer))))

describe('views of runs', () => {
  let store: MemoryStore
  let views: Views
  beforeEach(async () => {
    store = new MemoryStore()
    views = new Views(viewsPartsOf(store))
    await storeRun(store, RUN)
  })

  it('have a line for each run: how far it is and how well it does', async () => {
    await storeRun(store, madeUpRun({ name: 'second', rounds: [{}] }), { state: 'PLANNED' })
    const { runs } = read('GET /api/runs', { runs: await views.lines() })
    expect(runs).toMatchObject([
      {
        ...{ runId, name: 'study', method: 'fedavg', state: 'finished', round: 29, members: 3 },
        ...{ accuracy: 0.28, audit: { state: 'none', verdict: null } },
      },
      { name: 'second', state: 'running', round: 0, members: 0, accuracy: null, accuracies: [] },
    ])
    expect(runs[0]?.accuracies).toEqual(Array.from({ length: 15 }, (_, i) => i / 50))
  })
  it('take a course of many rounds together for the list', async () => {
    const rounds = Array.from({ length: 300 }, (_, i) => ({ metrics: { accuracy: i } }))
    const long = madeUpRun({ name: 'long', rounds })
    await storeRun(store, long)
    const line = (await views.lines()).find(({ name }) => name === 'long')
    expect(line?.accuracies).toHaveLength(40)
    expect(line?.accuracies.at(-1)).toBe(299)
  })
  it('read no blob for a list that was told before, and one for a round that has closed since', async () => {
    await views.lines()
    const reads = vi.spyOn(store.blobs, 'get')
    const rosters = vi.spyOn(store, 'roster')
    await views.lines()
    expect(reads).not.toHaveBeenCalled()
    expect(rosters).not.toHaveBeenCalled()
    await closeRound(store, made(runId, 30, { metrics: { accuracy: 1 } }))
    expect((await views.lines())[0]).toMatchObject({ round: 30, accuracy: 1 })
    expect(reads).toHaveBeenCalledTimes(1)
    // One that calibrates or scores what was trained is none of those that train.
    await closeRound(store, made(runId, 31, { metrics: { accuracy: 1 } }))
    expect((await views.lines())[0]?.round).toBe(30)
  })
  it('begin a page about a run, and say from which event it goes on', async () => {
    const view = read('GET /api/runs/:id/view', await views.view(runId))
    expect(view).toMatchObject({
      line: { runId, round: 29 },
      stage: { stage: 'done', round: 30 },
      latest: { round: 29, outcome: 'closed', counts: { asked: 3, accepted: 3, failed: 0 } },
      ...{ metrics: ['accuracy', 'loss'], memberMetrics: ['loss', 'steps'], diagnosed: [7] },
      hidden: [],
    })
    expect(view.lastSeq).toBe(await store.lastSeq(runId))
    expect(view.roster.map(({ card }) => card?.counts?.perClass)).toEqual([
      [3, 4],
      [5, 6],
      undefined,
    ])
  })
  it('begin a page that misses nothing of what happens meanwhile', async () => {
    const lastSeq = store.lastSeq.bind(store)
    vi.spyOn(store, 'lastSeq').mockImplementationOnce(async (id) => {
      await closeRound(store, made(runId, 30, { metrics: { accuracy: 1 } }))
      return lastSeq(id)
    })
    const view = await views.view(runId)
    const told = await store.events(runId, 0, view.lastSeq)
    expect(told.at(-1)).toMatchObject({ type: 'round:closed', data: { record: { round: 30 } } })
    expect([view.line.round, view.line.accuracy, view.stage.round]).toEqual([30, 1, 31])
  })
  it('draw metrics against rounds, time and bytes, and leave out what was not measured', async () => {
    const names = ['accuracy', 'nothing', 'loss']
    const { curves } = read('GET /api/runs/:id/curves', {
      curves: await views.curves(runId, { names, points: 2000 }),
    })
    expect(curves.map(({ name }) => name)).toEqual(['accuracy', 'loss'])
    const [accuracy] = curves
    expect(accuracy?.rounds).toEqual(Array.from({ length: 15 }, (_, i) => 2 * i))
    expect(accuracy?.bytes.slice(0, 3)).toEqual([11, 33, 55])
    expect(accuracy?.seconds[0]).toBe(1)
    expect(accuracy?.values.at(-1)).toBe(0.28)
    const [thin] = await views.curves(runId, { names: ['loss'], points: 5 })
    expect([thin?.rounds.length, thin?.values.length, thin?.bytes.length]).toEqual([5, 5, 5])
  })
  it('draw a metric of each member, in slot order', async () => {
    const curves = read(
      'GET /api/runs/:id/member-curves',
      await views.memberCurves(runId, { name: 'loss', points: 500 }),
    )
    expect(curves.members.map(({ slot, rounds }) => [slot, rounds.length])).toEqual([
      [0, 29],
      [1, 29],
      [2, 15],
    ])
    expect(curves.members[2]?.values.slice(0, 2)).toEqual([1, 3])
    expect((await views.memberCurves(runId, { name: 'none', points: 9 })).members).toEqual([])
  })
  it('show a closed round, and refuse one that has not closed', async () => {
    const round = read('GET /api/runs/:id/rounds/:round', await views.round(runId, 7))
    expect(round).toMatchObject({ round: 7, diagnostics: TOLD })
    await expect(views.round(runId, 30)).rejects.toMatchObject({ code: 'http/not-found' })
  })
  it('know no run that is not there', async () => {
    const nobody = 'run-000000000000' as typeof runId
    for (const look of [
      views.record(nobody),
      views.view(nobody),
      views.timeline(nobody, { before: null, rounds: 1 }),
      views.memberCurves(nobody, { name: 'loss', points: 3 }),
      views.eyesOn(nobody),
    ])
      await expect(look).rejects.toMatchObject({ code: 'run/not-found' })
  })
})
