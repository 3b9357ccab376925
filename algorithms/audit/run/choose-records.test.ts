import { describe, expect, it } from 'vitest'
import type { Dataset } from '#data/dataset.js'
import { tinyAudit } from '#testing/tiny-audit.js'
import { auditedCount } from './cells.js'
import { chooseRecords } from './choose-records.js'

const CLASSES = 3
const pool = (count: number): Dataset => ({
  ...{ name: 'made', inputShape: [1, 1, 1], classes: ['a', 'b', 'c'], count },
  features: new Float32Array(count),
  labels: Int32Array.from({ length: count }, (_, i) => i % CLASSES),
})
const ROWS = { rows: [{ batchSize: 1 }, { batchSize: 4, localSteps: 2 }] }
const spec = tinyAudit(ROWS)

describe('records of an audit', () => {
  const data = pool(60)
  const chosen = chooseRecords(data, spec)

  it('are as many as the row with the largest batches takes', () => {
    expect(auditedCount(spec)).toBe(4)
    expect(chosen).toHaveLength(4)
  })

  it('each have another of their class for the placebo, and no record has two parts', () => {
    for (const { row, placebo } of chosen) expect(data.labels[placebo]).toBe(data.labels[row])
    const parts = chosen.flatMap(({ row, placebo }) => [row, placebo])
    expect(new Set(parts).size).toBe(8)
    const others = chosen.flatMap(({ candidates: { anyClass, sameClass } }) => [
      ...anyClass,
      ...sameClass,
    ])
    expect(others.filter((row) => parts.includes(row))).toEqual([])
  })

  it('are told from as many as were asked for, of any class and of their own', () => {
    for (const { row, candidates } of chosen) {
      expect([candidates.anyClass.length, candidates.sameClass.length]).toEqual([5, 5])
      expect([...candidates.sameClass].every((one) => data.labels[one] === data.labels[row])).toBe(
        true,
      )
    }
  })

  it('are the same for every row and every time, and others for another seed', () => {
    expect(chooseRecords(data, spec)).toEqual(chosen)
    expect(chooseRecords(data, { ...spec, rows: spec.rows.slice(1) })).toEqual(chosen)
    expect(chooseRecords(data, { ...spec, seed: 1 })).not.toEqual(chosen)
  })

  it('are refused where a row takes more than there are, with what makes it so many', () => {
    const wide = tinyAudit({ rows: [{ batchSize: 1, clients: 64 }] })
    expect(() => chooseRecords(data, wide)).toThrow(
      /has 60 records, and the audit takes 64 and as many others .* batchSize × clients/,
    )
  })

  it('are refused where a pool has too few of a class', () => {
    for (const count of [4, 9]) {
      expect(() => chooseRecords(pool(count), spec)).toThrow(
        expect.objectContaining({ code: 'config/impossible' }) as Error,
      )
    }
  })
})
