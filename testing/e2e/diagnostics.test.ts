import { stripVTControlCharacters } from 'node:util'
import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import { BIN, endAll, temporaryDirectory, tributary, type Finished } from './harness.js'

const DIGITS = 'bitmap-digits:count=300:test=200'
const EXPERIMENT = {
  name: 'digits',
  model: { name: 'mlp', hidden: [16] },
  data: {
    name: 'synthetic',
    path: DIGITS,
    partition: 'dirichlet:0.1:min=10',
    clients: 3,
    testFraction: 0,
  },
  evaluation: { central: { name: 'synthetic', path: DIGITS }, diagnostics: { probe: 100 } },
  compute: { backend: 'wasm' },
  calibration: { name: 'ccvr', samplesPerClass: 50 },
  rounds: 2,
}

describe('a simulated run with a calibration and diagnostics', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let run: Finished
  beforeAll(async () => {
    directory = await temporaryDirectory()
    await writeFile(join(directory.path, 'digits.json'), JSON.stringify(EXPERIMENT))
    run = await here('simulate', 'digits.json', '--workers', '0')
  })
  afterEach(endAll)
  afterAll(() => directory.remove())
  const here = (...args: readonly string[]) => tributary(args, { cwd: directory.path })
  const id = (): string => String(run.result['runId'])
  /** What people read. */
  const words = (...args: readonly string[]): string =>
    stripVTControlCharacters(
      spawnSync(process.execPath, [BIN, ...args], { cwd: directory.path, encoding: 'utf8' }).stderr,
    )

  it('ends with the accuracy before and after', async () => {
    expect(run.errorText).toBe('')
    const { record } = (await here('runs', 'show', id(), '--local')).result as unknown as {
      record: RunRecord
    }
    const [before, after] = [2, 3].map((round) => record.rounds[round]?.metrics['accuracy'])
    expect(run.result['calibration']).toMatchObject({
      ...{ round: 3, before, after, gain: after! - before!, answered: 3, asked: 3, without: [] },
    })
  })
  it('is shown with its calibration, and on request with its diagnostics', async () => {
    const text = words('runs', 'show', id(), '--local', '--diagnostics')
    expect(text).toMatch(/Calibration by ccvr in round 3, of the model of round 2/)
    expect(text).toMatch(/answered +3 of 3/)
    expect(text).toMatch(/examples +300\n/)
    expect(text).toMatch(/class +examples +clients +recall before, round 2/)
    expect(text).toMatch(/head +10 +0\.\d{3}/)
    expect(text).toMatch(/follow labels/)
    expect(text).toMatch(/Head off the class means/)
    expect(words('runs', 'show', id(), '--local')).not.toContain('follow labels')
    const { result } = await here('runs', 'show', id(), '--local', '--diagnostics')
    expect(result).toMatchObject({
      event: 'runs:show:finished',
      calibration: { round: 3 },
      diagnostics: {
        similarity: { firstRound: 1, lastRound: 2, probe: 100 },
        heads: [{ round: 1 }, { round: 2 }, { round: 3, isCalibrated: true, local: null }],
      },
    })
  })
  it('is compared with both in the table and on the page', async () => {
    expect(words('compare', id())).toMatch(/before calibration +gain/)
    const { result } = await here('compare', id(), '--out', 'report.html')
    const [row] = result['rows'] as readonly { calibration: { runs: number } | null }[]
    expect(row?.calibration).toMatchObject({ runs: 1 })
    const page = await readFile(join(directory.path, 'report.html'), 'utf8')
    for (const title of ['Calibration', 'Similarity of local models', 'Norms of heads'])
      expect(page).toContain(`>${title}</h2>`)
  })
})
