/** The assertions that CCVR's description allows (specification §14.4), over three seeds. Ranks of options are not asserted. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRunRecord, type RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { temporaryDirectory, tributary } from '../e2e/harness.js'

interface CellLine {
  readonly event: string
  readonly setting: string
  readonly variant: string
  readonly seed: number
  readonly value: number
  readonly runId: string
}
interface Finished extends CellLine {
  readonly record: RunRecord
}

const SEEDS = [0, 1, 2]
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** The lowest recall of any class that the run measured last. */
function worstClass({ rounds }: RunRecord): number {
  const metrics = rounds.findLast((round) => 'accuracy' in round.metrics)?.metrics ?? {}
  return Math.min(
    ...Object.entries(metrics).flatMap(([name, value]) => (/^recall\//.test(name) ? [value] : [])),
  )
}

/** Mean CKA by layer after the first training round. */
const layersOf = ({ rounds }: RunRecord): Readonly<Record<string, number>> =>
  Object.fromEntries(
    rounds
      .find(({ diagnostics }) => diagnostics?.local !== undefined)!
      .diagnostics!.local!.layers.map(({ name, cka }) => [name, cka ?? Number.NaN]),
  )

describe('CCVR on synthetic digits, seeds 0, 1, 2', () => {
  let cells: readonly Finished[] = []
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  const cell = (setting: string, variant: string, seed: number): Finished =>
    cells.find(
      (one) => one.setting === setting && one.variant === variant && one.seed === seed,
    ) as Finished
  const gains = (setting: string, variant = 'ccvr'): readonly number[] =>
    SEEDS.map((seed) => cell(setting, variant, seed).value - cell(setting, 'fedavg', seed).value)

  beforeAll(async () => {
    directory = await temporaryDirectory()
    const { lines } = await tributary(
      ['simulate', 'ccvr-synthetic', '--seeds', SEEDS.join(), '--only', 'fedavg,ccvr,oracle'],
      { cwd: directory.path },
    )
    const told = lines.filter(({ event }) => event === 'simulate:cell') as unknown as CellLine[]
    cells = await Promise.all(
      told.map(async (line) => {
        const path = join(directory.path, '.tributary', 'runs', line.runId, 'record.json')
        return { ...line, record: unwrap(parseRunRecord(await readFile(path, 'utf8'))) }
      }),
    )
    expect(cells).toHaveLength(4 * 3 * SEEDS.length)
  }, 1_800_000)
  afterAll(() => directory.remove())

  it('i: under the strongest skew every seed gains', () => {
    for (const gain of gains('reference')) expect(gain).toBeGreaterThan(0)
  })
  it('ii: … by 3 points or more on average', () => {
    expect(mean(gains('reference'))).toBeGreaterThanOrEqual(0.03)
  })
  it('iii: virtual features are about as good as real ones', () => {
    const apart = SEEDS.map(
      (seed) => cell('reference', 'oracle', seed).value - cell('reference', 'ccvr', seed).value,
    )
    expect(Math.abs(mean(apart))).toBeLessThanOrEqual(0.03)
  })
  it('iv: the stronger the skew, the larger the gain', () => {
    expect(mean(gains('reference'))).toBeGreaterThan(mean(gains('alpha-0.5')))
  })
  it('v: where data are alike it changes little', () => {
    expect(Math.abs(mean(gains('iid')))).toBeLessThanOrEqual(0.02)
  })
  it('vi: the class that is recognised worst is recognised better', () => {
    const worst = (variant: string) =>
      mean(SEEDS.map((seed) => worstClass(cell('reference', variant, seed).record)))
    expect(worst('ccvr')).toBeGreaterThan(worst('fedavg'))
  })
  it('vii: skew makes local models unlike, the deeper the layer the more', () => {
    const layers = (setting: string) =>
      SEEDS.map((seed) => Object.values(layersOf(cell(setting, 'fedavg', seed).record)))
    const at = (setting: string, layer: number) => mean(layers(setting).map((row) => row[layer]!))
    expect(at('reference', 2)).toBeLessThan(at('iid', 2) - 0.1)
    expect(at('reference', 0)).toBeGreaterThan(at('reference', 1))
    expect(at('reference', 1)).toBeGreaterThan(at('reference', 2))
  })
})
