import { describe, expect, it } from 'vitest'
import { openShare, rowsOfShare } from './share.js'

describe('a share of data', () => {
  it('has no row in common with its neighbours, and with them has them all', () => {
    const cuts = [0, 0.1, 0.5, 0.77, 1]
    const parts = cuts.slice(1).map((to, i) => [...rowsOfShare(103, [cuts[i]!, to])])
    expect(parts.map(({ length }) => length)).toEqual([10, 41, 28, 24])
    expect(parts.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 103 }, (_, i) => i))
  })

  it('is the same every time, and is no run of neighbours', () => {
    const rows = rowsOfShare(1000, [0, 0.5])
    expect(rowsOfShare(1000, [0, 0.5])).toEqual(rows)
    expect(rows.filter((row) => row < 500).length).toBeLessThan(300)
  })

  it('brings the features and labels of its rows', async () => {
    const source = { name: 'synthetic', path: 'blobs:count=20:features=3:classes=4' }
    const whole = await openShare({ ...source, share: [0, 1] })
    const part = await openShare({ ...source, share: [0.5, 1] })
    expect(part.count).toBe(10)
    expect(part.labels).toEqual(whole.labels.slice(10))
    expect(part.features).toEqual(whole.features.slice(30))
  })
})
