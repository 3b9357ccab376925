/**
 * What our reading of FedD2S is measured to do and allowed to claim (fedd2s specification §16.4): paired differences over
 * three seeds, spreads over eight, and the setting where federated averaging is better. Ranks of options are not asserted.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '#protocol/json.js'
import { parseRunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { mergeOverrides } from '#simulations/studies/merge.js'
import { temporaryDirectory, tributary } from '../e2e/harness.js'

interface CellLine {
  readonly event: string
  readonly variant: string
  readonly seed: number
  readonly value: number
  readonly runId: string
}
interface Served {
  readonly variant: string
  readonly seed: number
  readonly accuracy: number
  readonly deviation: number
}
type Directory = Awaited<ReturnType<typeof temporaryDirectory>>

const EXPERIMENT = new URL('../../simulations/experiments/fedd2s-label-skew.json', import.meta.url)
const TRIPLE = [0, 1, 2]
const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7]

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** The shipped experiment in one of its settings alone. */
async function inSetting(directory: Directory, setting: string | null): Promise<string> {
  const { settings, ...base } = JSON.parse(await readFile(EXPERIMENT, 'utf8')) as JsonObject
  const overrides = setting === null ? {} : (settings as JsonObject)[setting]
  const path = join(directory.path, `${setting ?? 'reference'}.json`)
  await writeFile(path, JSON.stringify(mergeOverrides(base, overrides as JsonObject)))
  return path
}

async function servedBy(
  directory: Directory,
  { path, seeds, only }: { path: string; seeds: readonly number[]; only: string },
): Promise<readonly Served[]> {
  const { lines } = await tributary(['simulate', path, '--seeds', seeds.join(), '--only', only], {
    cwd: directory.path,
  })
  const cells = lines.filter(({ event }) => event === 'simulate:cell') as unknown as CellLine[]
  expect(cells).toHaveLength(seeds.length * only.split(',').length)
  return Promise.all(
    cells.map(async ({ variant, seed, value, runId }) => {
      const file = join(directory.path, '.tributary', 'runs', runId, 'record.json')
      const { rounds } = unwrap(parseRunRecord(await readFile(file, 'utf8')))
      const deviation = rounds.at(-1)?.metrics['clients/deviation'] ?? Number.NaN
      return { variant, seed, accuracy: value, deviation }
    }),
  )
}

/** Mean over seeds of what one variant has more than another. */
const difference = (
  served: readonly Served[],
  [one, other]: readonly [string, string],
  { seeds, of }: { seeds: readonly number[]; of: 'accuracy' | 'deviation' },
): number => {
  const at = (variant: string, seed: number): number =>
    served.find((cell) => cell.variant === variant && cell.seed === seed)?.[of] ?? Number.NaN
  return mean(seeds.map((seed) => at(one, seed) - at(other, seed)))
}

describe('our reading of FedD2S under strong label skew', () => {
  let directory: Directory
  let served: readonly Served[] = []
  beforeAll(async () => {
    directory = await temporaryDirectory()
    const path = await inSetting(directory, null)
    const only = 'fedd2s,local-only,fedavg,fixed-deep,reversed'
    served = await servedBy(directory, { path, seeds: EIGHT, only })
  }, 1_800_000)
  afterAll(() => directory.remove())

  it.each([
    ['fedd2s', 'local-only', 0],
    ['local-only', 'fedavg', 0.02],
    ['fedd2s', 'fedavg', 0.03],
    ['fedd2s', 'fixed-deep', 0.003],
    ['fedd2s', 'reversed', 0.003],
  ])(
    '%s serves clients better than %s, by more than %d over seeds 0, 1, 2',
    (one, other, least) => {
      const gained = difference(served, [one, other], { seeds: TRIPLE, of: 'accuracy' })
      expect(gained).toBeGreaterThan(least)
    },
  )

  it.each([
    ['fedd2s', 'local-only'],
    ['local-only', 'fedavg'],
  ])('%s serves them more evenly than %s, over eight seeds', (one, other) => {
    const spread = difference(served, [one, other], { seeds: EIGHT, of: 'deviation' })
    expect(spread).toBeLessThan(0)
  })
})

describe('our reading of FedD2S under mild label skew', () => {
  let directory: Directory
  let served: readonly Served[] = []
  beforeAll(async () => {
    directory = await temporaryDirectory()
    const path = await inSetting(directory, 'alpha-1')
    const only = 'fedd2s,fedavg,fedavg-finetune'
    served = await servedBy(directory, { path, seeds: TRIPLE, only })
  }, 1_800_000)
  afterAll(() => directory.remove())

  it.each(['fedavg', 'fedavg-finetune'])('serves clients worse than %s', (other) => {
    const lost = difference(served, [other, 'fedd2s'], { seeds: TRIPLE, of: 'accuracy' })
    expect(lost).toBeGreaterThan(0.05)
  })
})
