import { describe, expect, it } from 'vitest'
import { AUDIT_BUDGETS, auditGate } from '#protocol/audit-config.js'
import { DEFAULT_THRESHOLDS } from '#protocol/audit-thresholds.js'
import { BUDGETS } from '#algorithms/audit/run/budgets.js'
import { clopperPearson } from '#algorithms/audit/metrics/binomial.js'
import { madeUpRow, QUIET } from '#testing/made-up-audit.js'
import { canReachHigh, limitsOfReach } from './reach.js'

describe('what recognition could show at all', () => {
  it('follows from the interval that verdicts go by', async () => {
    for (const records of [1, 2, 4, 20])
      for (const candidates of [2, 5, 20, 100]) {
        const [low] = await clopperPearson({ hits: records, of: records })
        const isHigh = low > DEFAULT_THRESHOLDS.highIdentification / candidates
        expect(canReachHigh(records, candidates)).toBe(isHigh)
      }
  })

  it('is a high risk for the fewest records that a gate takes, with every budget', () => {
    expect(() => auditGate.parse({ count: 1 })).toThrow()
    for (const budget of AUDIT_BUDGETS) {
      const { count } = auditGate.parse({ budget, count: 2 })
      expect(canReachHigh(Math.min(count, BUDGETS[budget].batches), 48)).toBe(true)
    }
  })

  it('is told where it is not', async () => {
    const row = await madeUpRow(QUIET)
    expect(limitsOfReach({ rows: [row] })).toEqual([])
    expect(limitsOfReach({ rows: [{ ...row, records: 1 }] })).toEqual([
      expect.stringContaining('1 records, each told from 99 others'),
    ])
  })
})
