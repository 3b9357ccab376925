/** The orderings that the method's description allows, over three seeds. What it forbids to claim is not asserted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory, tributary } from '../e2e/harness.js'

interface CellLine {
  readonly event: string
  readonly setting: string
  readonly variant: string
  readonly seed: number
  readonly value: number
}

describe('FedIns on mixed-domain glyphs, mean of seeds 0, 1, 2', () => {
  let cells: readonly CellLine[] = []
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  const mean = (variant: string, setting = 'reference'): number => {
    const values = cells
      .filter((cell) => cell.variant === variant && cell.setting === setting)
      .map(({ value }) => value)
    expect(values).toHaveLength(3)
    return values.reduce((sum, value) => sum + value, 0) / values.length
  }

  beforeAll(async () => {
    directory = await temporaryDirectory()
    const variants = 'fedins,linear-probe,federated-ssf,fixed-keys,random-routing,oracle-routing'
    const { lines } = await tributary(
      ['simulate', 'fedins-glyphs', '--seeds', '0,1,2', '--only', variants],
      { cwd: directory.path },
    )
    cells = lines.filter(({ event }) => event === 'simulate:cell') as unknown as CellLine[]
  }, 1_800_000)
  afterAll(() => directory.remove())

  it('one adapter is better than a linear probe, by more than 0.03', () => {
    expect(mean('federated-ssf')).toBeGreaterThan(mean('linear-probe') + 0.03)
  })
  it('the pool is better than one adapter, by more than 0.06', () => {
    expect(mean('fedins')).toBeGreaterThan(mean('federated-ssf') + 0.06)
  })
  it('the pool is better than random routing, by more than 0.10', () => {
    expect(mean('fedins')).toBeGreaterThan(mean('random-routing') + 0.1)
  })
  it('trained keys are better than keys as drawn, by more than 0.06', () => {
    expect(mean('fedins')).toBeGreaterThan(mean('fixed-keys') + 0.06)
  })
  it('knowing the domain is better still, by more than 0.03', () => {
    expect(mean('oracle-routing')).toBeGreaterThan(mean('fedins') + 0.03)
  })
  it('with one domain the pool has nothing to offer over one adapter', () => {
    expect(mean('fedins', 'one-domain')).toBeLessThanOrEqual(
      mean('federated-ssf', 'one-domain') + 0.02,
    )
  })
})
