import { describe, expect, it } from 'vitest'
import { cellsOf } from '#algorithms/audit/run/cells.js'
import { madeResults, tinyAudit } from '#testing/tiny-audit.js'
import { Estimate } from './estimate.js'

const spec = tinyAudit({ rows: [{ batchSize: 1 }, { batchSize: 1, labels: 'given' }] })
const cells = cellsOf(spec)
const [a, b, c, d] = cells as [
  (typeof cells)[0],
  (typeof cells)[0],
  (typeof cells)[0],
  (typeof cells)[0],
]
const half = { method: 'ig', done: 5, total: 10 }

describe('the time that an audit takes', () => {
  it('is not known before anything was done', () => {
    const estimate = new Estimate(cells, new Map(), 1)
    estimate.started(a, 0)
    expect(estimate.progress()).toMatchObject({ cells: 0, of: 4, share: 0, secondsLeft: null })
  })

  it('follows from the share of the first cell', () => {
    const estimate = new Estimate(cells, new Map(), 1)
    estimate.started(a, 1000)
    estimate.told(a, half, 3000)
    // Half in 2 s: 4 s each, and three and a half are left.
    expect(estimate.progress()).toMatchObject({ share: 0.125, secondsLeft: 14 })
    expect(estimate.progress().now).toEqual([{ row: 0, batch: 0, method: 'ig' }])
  })

  it('goes by cells of the same row, and is shared among processes', () => {
    const estimate = new Estimate(cells, new Map(), 2)
    estimate.started(a, 0)
    estimate.finished(a, 10)
    estimate.started(c, 0)
    estimate.finished(c, 30)
    // b takes 10 as a does, d takes 30 as c does: 40 by two processes.
    expect(estimate.progress()).toMatchObject({ cells: 2, share: 0.5, secondsLeft: 20 })
    estimate.started(b, 0)
    estimate.told(b, half, 5000)
    expect(estimate.progress()).toMatchObject({ share: 0.625, secondsLeft: 17.5 })
    estimate.started(d, 0)
    estimate.finished(b, 10)
    estimate.finished(d, 30)
    expect(estimate.progress()).toMatchObject({ cells: 4, share: 1, secondsLeft: 0, now: [] })
  })

  it('knows cells that were finished before', () => {
    const results = madeResults(spec)
    const finished = new Map([[a, results[0]!]])
    expect(new Estimate(cells, finished, 1).progress()).toMatchObject({ cells: 1, secondsLeft: 6 })
  })
})
