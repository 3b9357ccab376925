import { describe, expect, it } from 'vitest'
import { madeUpAudit, OPEN, QUIET, weaker, type MadeUpRow } from '#testing/made-up-audit.js'
import { comparisonOf, rowLabel, setupsOf, strongest, type Setup } from './setups.js'

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

it('takes the stage at which an attacker would have had most', async () => {
  const [gifd] = OPEN.filter(({ name }) => name === 'gifd')
  const { rows } = (await madeUpAudit({}, [{ methods: [{ ...gifd!, stages: [3, -2, 0] }] }])).report
  expect(strongest(rows[0]!)?.stopped).toBe('stopped after stage 1')
})
