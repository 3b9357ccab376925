import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Machine } from '#simulations/benchmarks/machine.js'
import type { CellResult } from './cell-result.js'
import { resultsMarkdown, writeResults, type StudyResults } from './results-page.js'
import { studyTables } from './table.js'

const root = await mkdtemp(join(tmpdir(), 'tributary-results-'))
afterAll(() => rm(root, { recursive: true, force: true }))

const cell = (setting: string, variant: string, accuracies: readonly number[]): CellResult[] =>
  accuracies.map((accuracy, seed) => ({
    ...{ format: 1, study: 'digits', setting, variant, seed, version: '0.1.0' },
    ...{ configHash: 'c'.repeat(64) as never, modelHash: 'd'.repeat(64) as never },
    engine: { backend: 'wasm', version: 'tfjs 4.22.0', threads: 1 },
    ...{ measure: 'accuracy', metrics: { accuracy }, curve: { '0': 0.1, '1': accuracy } },
    ...{ rounds: 1, bytesUp: 1000, bytesDown: 2000, seconds: 2 },
  }))
const machine: Machine = {
  ...{ version: '0.1.0', commit: '0123456789ab', cpu: 'A processor', cores: 2 },
  ...{ node: 'v20.20.2', load: 0.5 },
}
const page = (change: Partial<StudyResults> = {}): StudyResults => ({
  study: {
    ...{ name: 'digits', base: 'fedins', baseline: null, measure: null, seeds: [0, 1] },
    variants: [
      { name: 'fedins', overrides: {} },
      { name: 'probe', overrides: { method: { adapt: 'none' } } },
    ],
    settings: [
      { name: 'reference', overrides: {} },
      { name: 'alike', overrides: { data: { shift: 'split:none|invert' } } },
    ],
  },
  results: [
    ...cell('reference', 'fedins', [0.75, 0.85]),
    ...cell('reference', 'probe', [0.5, 0.7]),
    ...cell('alike', 'fedins', [0.5, 0.5]),
    ...cell('alike', 'probe', [0.625, 0.625]),
  ],
  machine,
  command: 'tributary simulate digits --seeds 0,1 --results digits',
  ...change,
})
const markdownOf = (results: StudyResults): string =>
  resultsMarkdown(results, studyTables(results.results, results.study))

describe('the page of a study', () => {
  const lines = markdownOf(page()).split('\n')

  it('has a table and a picture of every setting, with the gain of the base', () => {
    // 0.8 with spread 0.1/√2, 0.6 with 0.2/√2; differences 0.25 and 0.15, with 0.1/√2.
    expect(lines).toContain('| fedins | 80.00 % ± 7.07 % | 2 | 1.00 kB | 2.00 kB | 2.0 | – |')
    expect(lines).toContain(
      '| probe | 60.00 % ± 14.14 % | 2 | 1.00 kB | 2.00 kB | 2.0 | +20.00 ± 7.07 points |',
    )
    // Where the base loses, it says so.
    expect(lines).toContain(
      '| probe | 62.50 % ± 0.00 % | 2 | 1.00 kB | 2.00 kB | 2.0 | -12.50 ± 0.00 points |',
    )
    for (const setting of ['reference', 'alike']) {
      expect(lines).toContain(`## ${setting}`)
      expect(lines).toContain(`![accuracy by round](curves-${setting}.svg)`)
    }
  })

  it('says what was compared, from what, where and by which command', () => {
    expect(lines.join('\n')).toContain('`tributary simulate digits --seeds 0,1 --results digits`')
    expect(lines).toContain('| probe | `{"method":{"adapt":"none"}}` |')
    expect(lines).toContain('| alike | `{"data":{"shift":"split:none\\|invert"}}` |')
    expect(lines).toContain('| reference | nothing |')
    expect(lines).toContain('| seeds | 0, 1 |')
    expect(lines).toContain('| tributary | 0.1.0, commit 0123456789ab |')
    expect(lines).toContain('| backend | wasm tfjs 4.22.0, 1 thread |')
    expect(lines).toContain('| alike | probe | 1 | 62.50 % | `cccccccccccc` | `dddddddddddd` |')
  })

  it('claims no commit that the sources are not at', () => {
    const commit = (value: string | null): string =>
      markdownOf(page({ machine: { ...machine, commit: value } }))
    expect(commit('0123456789ab+')).toContain('commit 0123456789ab, modified |')
    expect(commit(null)).toContain('commit unknown |')
  })

  it('is written with its pictures, the same bytes for the same results', async () => {
    const [one, two] = [join(root, 'one'), join(root, 'two')]
    await writeResults(one, page())
    await writeResults(two, page())
    const names = (await readdir(one)).sort()
    expect(names).toEqual(['README.md', 'accuracy.svg', 'curves-alike.svg', 'curves-reference.svg'])
    for (const name of names) {
      const text = await readFile(join(one, name), 'utf8')
      expect(await readFile(join(two, name), 'utf8')).toBe(text)
      if (name.endsWith('.svg')) expect(text).toMatch(/^<svg [\s\S]*probe[\s\S]*<\/svg>\s*$/)
    }
  })

  it('over a baseline says so, draws the gains, and explains calibrations and starts', async () => {
    const { study } = page()
    const calibrated = cell('reference', 'ccvr', [0.75, 0.875]).map((one) => ({
      ...one,
      startsFrom: 'fedavg',
      calibration: { rounds: [1], before: { accuracy: 0.5 } },
    }))
    const of = page({
      study: { ...study, base: 'fedavg', baseline: 'fedavg' },
      results: [...cell('reference', 'fedavg', [0.5, 0.5]), ...calibrated],
    })
    const text = markdownOf(of)
    expect(text).toContain(
      'The gain is accuracy of the variant less that of fedavg, seed by seed: above 0, the variant is higher.',
    )
    expect(text).toContain('*before* is accuracy of the model that it corrected')
    expect(text).toContain('counts bytes and seconds of its own rounds alone')
    expect(text).toContain('![gain over fedavg](gain.svg)')
    const directory = join(root, 'calibrated')
    await writeResults(directory, of)
    expect((await readdir(directory)).sort()).toEqual([
      ...['README.md', 'accuracy.svg', 'curves-reference.svg', 'gain.svg'],
    ])
    const picture = await readFile(join(directory, 'gain.svg'), 'utf8')
    expect(picture).toContain('ccvr')
    expect(picture).toContain('gain over fedavg')
    // The line of ccvr begins where that of fedavg ends, in round 1: the axis goes to round 2.
    const curves = await readFile(join(directory, 'curves-reference.svg'), 'utf8')
    expect(curves).toMatch(/>2<\/text>/)
    expect(lines.join()).not.toMatch(/gain\.svg|before|own rounds/)
  })

  it('shows a measure that is no share by markers, and a variant that was never measured not at all', async () => {
    const results = [...cell('reference', 'fedins', [2.5]), ...cell('reference', 'probe', [1.5])]
    const [base, probe] = results.map((one) => ({ ...one, measure: 'loss' }))
    const measured = { ...base!, metrics: { loss: 2.5 } }
    const directory = join(root, 'loss')
    await writeResults(
      directory,
      page({ results: [measured, { ...probe!, metrics: {}, curve: {} }] }),
    )
    const text = await readFile(join(directory, 'README.md'), 'utf8')
    expect(text).toContain('| fedins | 2.5000 ± – | 1 |')
    expect(text).toContain('| probe | – | 1 |')
  })
})
