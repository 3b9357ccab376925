import { describe, expect, it } from 'vitest'
import { tinyAudit, tinyRun } from '#testing/tiny-audit.js'
import { measureUtility } from './utility.js'

const DATA = { name: 'synthetic', path: 'stroke-digits:side=8:classes=3:count=60:test=30' }
const run = tinyRun({
  data: { ...DATA, clients: 2, testFraction: 0 },
  evaluation: { central: DATA, earlyStop: { metric: 'loss', patience: 1 } },
  training: { batchSize: 8, optimizer: { learningRate: 0.5 } },
})
const LOUD = [{ name: 'gaussian-noise', stddev: 0.3 }]
const rows = [{ batchSize: 1 }, { batchSize: 2, updates: [] }, { batchSize: 1, updates: LOUD }]

describe('what transforms cost in accuracy', () => {
  it('is measured once for each list of transforms', async () => {
    const told: string[] = []
    const spec = tinyAudit({ rows, utilityRounds: 3 }, run)
    const found = await measureUtility(spec, {
      workers: 0,
      onRun: (index, of) => told.push(`${index} of ${of}`),
    })
    expect(told).toEqual(['0 of 2', '1 of 2'])
    const [plain, same, loud] = spec.rows.map(({ id }) => found.accuracy.get(id)!)
    expect(same).toBe(plain)
    expect(loud).not.toBe(plain)
  })

  it('is told in words where training does not survive them', async () => {
    const deafening = [{ name: 'gaussian-noise', stddev: 3 }]
    const spec = tinyAudit({ rows: [{ updates: deafening }], utilityRounds: 3 }, run)
    const { accuracy, remarks } = await measureUtility(spec, { workers: 0 })
    expect(accuracy.size).toBe(0)
    expect(remarks).toEqual([expect.stringMatching(/no end \(Gaussian noise.*3 on every/)])
  })

  it('is not measured where nobody asks', async () => {
    const { accuracy } = await measureUtility(tinyAudit({ rows }, run), { workers: 0 })
    expect(accuracy.size).toBe(0)
  })

  it('cannot be measured of a run without data or without a score', async () => {
    for (const without of [tinyRun(), tinyRun({ data: { ...DATA, clients: 2 } })]) {
      await expect(
        measureUtility(tinyAudit({ utilityRounds: 1 }, without), { workers: 0 }),
      ).rejects.toMatchObject({ code: 'config/impossible' })
    }
  })

  it('is given up when it is interrupted', async () => {
    const abort = new AbortController()
    const measured = measureUtility(tinyAudit({ rows, utilityRounds: 200 }, run), {
      ...{ workers: 0, signal: abort.signal },
      onRun: () => abort.abort(),
    })
    await expect(measured).rejects.toMatchObject({ code: 'audit/interrupted' })
  })
})
