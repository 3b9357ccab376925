import { describe, expect, it } from 'vitest'
import { madeUpAudit, OPEN, QUIET, weaker, type MadeUpRow } from '#testing/made-up-audit.js'
import { comparisonOf, peaksOf, rowLabel, setupsOf, type Setup } from '#protocol/audit-setups.js'

const setups = async (...rows: readonly MadeUpRow[]): Promise<readonly Setup[]> =>
  setupsOf((await madeUpAudit({}, rows)).report)
const CLIP = { updates: [{ name: 'clip', norm: 1 }], defence: 'clip to norm 1' }
const TOP_K = { updates: [{ name: 'top-k', fraction: 0.1 }], defence: 'the largest 10 % only' }

describe('setups', () => {
  it('put together what only the attacker knows or does differently, and are as bad as the worst', async () => {
    const found = await setups(
      { ...QUIET, labels: 'inferred' },
      { methods: OPEN, labels: 'given' },
      { ...QUIET, approximation: 'one-gradient' },
      { ...QUIET, ...CLIP },
    )
    expect(found.map(({ label, rows, verdict }) => [label, rows.length, verdict])).toEqual([
      ['no transforms', 3, 'high'],
      ['clip to norm 1', 1, 'not-demonstrated'],
    ])
    expect(found[0]?.worst.labels).toBe('given')
  })
  it('are told apart by what differs between them', async () => {
    const rows = [QUIET, { ...QUIET, batchSize: 4 }, { ...QUIET, localSteps: 8, clients: 3 }]
    expect((await setups(...rows)).map(({ label }) => label)).toEqual([
      'no transforms, 1 record, 1 local step',
      'no transforms, 4 records, 1 local step',
      'no transforms, 1 record, 8 local steps, mean of 3 clients',
    ])
  })
  it('name rows by what the attacker knows, too', async () => {
    const { rows } = (
      await madeUpAudit({}, [QUIET, { ...QUIET, labels: 'given', approximation: 'one-gradient' }])
    ).report
    expect(rows.map((row) => rowLabel(row, rows))).toEqual([
      'no transforms, labels inferred',
      'no transforms, labels given, taken for one gradient',
    ])
  })
  it('know those of the run', async () => {
    const found = await setups(QUIET, { ...QUIET, ...CLIP }, { ...QUIET, clients: 2 })
    expect(found.map(({ isConfigured }) => isConfigured)).toEqual([true, false, false])
  })
})

describe('the comparison', () => {
  it('starts from the setup of the run, with what is lower, the lowest first', async () => {
    const found = await setups(
      { methods: weaker(0, 5) },
      { methods: weaker(6.5, 0), ...CLIP },
      { ...QUIET, ...TOP_K },
      { methods: OPEN, clients: 2 },
    )
    const { base, lower, others } = comparisonOf(found)!
    expect(base.label).toBe('no transforms')
    expect(lower.map(({ defence, verdict }) => [defence, verdict])).toEqual([
      ['the largest 10 % only', 'not-demonstrated'],
      ['clip to norm 1', 'elevated'],
    ])
    expect(others.map(({ label }) => label)).toEqual(['no transforms, mean of 2 clients'])
  })
  it('starts from the worst where none is of the run', async () => {
    const found = await setups({ ...QUIET, ...CLIP }, { methods: OPEN, ...TOP_K })
    expect(comparisonOf(found)?.base.defence).toBe('the largest 10 % only')
  })
  it('needs two', async () => {
    expect(comparisonOf(await setups(QUIET))).toBeNull()
  })
})

it('finds what is best in gain, for one record, and in recognition, also at a stage', async () => {
  const methods = [
    { name: 'gifd', psnr: [15, 15, 15, 15, 15, 15], hits: 1, stages: [3, -2, 0] },
    { name: 'ig', psnr: [25, 8, 8, 8, 8, 8], hits: 0 },
    { name: 'gias', psnr: [9, 9, 9, 9, 9, 9], hits: 4 },
  ]
  const { rows } = (await madeUpAudit({}, [{ methods }])).report
  const { closest, largest, surest } = peaksOf(rows[0]!)!
  expect([closest.name, closest.stopped]).toEqual(['gifd', 'stopped after stage 1'])
  // The class mean has 11.8 dB for the first record.
  expect([largest.name, largest.gain.max]).toEqual(['ig', expect.closeTo(13.2)])
  expect([surest.name, surest.sameClass.hits]).toEqual(['gias', 4])
})
