import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { ccvrMarkdown, formulaBytes } from './ccvr-report.js'
import { clientOf, runOf, type CcvrSetting } from './ccvr-setting.js'
import { measureClients, measureClose, measureMerge } from './ccvr.js'
import { CCVR_SETTING, measureCcvr } from './run-ccvr.js'

const small: CcvrSetting = {
  ...{ classes: 4, features: 6, clients: 3, examples: 50 },
  overrides: ['calibration.epochs=1', 'calibration.samplesPerClass=20'],
}

describe('the setting of the benchmark', () => {
  it('is of 100 classes by 512 features, whose statistics have 105 MB', () => {
    // 100 · (8 · (1 + 512 + 512 · 513 / 2) + 4)
    expect(formulaBytes(CCVR_SETTING)).toBe(105_473_200)
  })

  it('gives every client every class, and each its own examples, the same every time', () => {
    const run = runOf(small)
    const [first, second] = [0, 1].map((slot) => clientOf(run, small, slot).train.source)
    expect(
      [0, 1, 2, 3].map((label) => first?.labels.filter((one) => one === label).length),
    ).toEqual([13, 13, 12, 12])
    expect(first?.features).not.toEqual(second?.features)
    expect(clientOf(run, small, 0).train.source.features).toEqual(first?.features)
    expect(runOf(small).config).toEqual(run.config)
  })

  it('takes overrides of the configuration', () => {
    expect(runOf(small).config.calibration).toMatchObject({ epochs: 1, covMode: 'full' })
  })
})

describe('the steps of a calibration', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-ccvr-test-'))
  })
  afterEach(() => vi.unstubAllEnvs())
  afterAll(() => rm(directory, { recursive: true }))

  it('send what the formula says, leave no tensor, and make a page', async () => {
    const step = { setting: small, directory }
    const { round, ...clients } = await measureClients(step)
    expect(clients.declaredBytes).toBe(formulaBytes(small))
    for (const bytes of clients.updateBytes) {
      expect(bytes).toBeGreaterThan(formulaBytes(small))
      expect(bytes - formulaBytes(small)).toBeLessThan(400)
    }
    expect(round.accepted.map(({ slot }) => slot)).toEqual([0, 1, 2])
    const merge = await measureMerge(step, round)
    const close = await measureClose(step, round)
    expect(close.metrics['calibration/examples']).toBe(150)
    for (const use of [...clients.uses, merge.use, close.use])
      expect(use.tensorsAfter).toBe(use.tensorsBefore)

    const machine = { version: '1.2.3', commit: null, node: 'v20', load: 0, cpu: 'one', cores: 2 }
    const page = ccvrMarkdown({ setting: small, measurement: { clients, merge, close }, machine })
    // 4 · (8 · (1 + 6 + 21) + 4)
    expect(page).toContain('d = 6 | 912 |')
    expect(page).toContain('--classes 4 --features 6 --clients 3 --set calibration.epochs=1')
    expect(page).not.toContain('busy')
  })

  it('refuse an update that cannot be true, as the coordinator does', async () => {
    const step = { setting: small, directory }
    const { round } = await measureClients(step)
    const few = round.accepted.map((update) => ({ ...update, weight: 1 }))
    await expect(measureClose(step, { ...round, accepted: few })).rejects.toThrow(
      expect.objectContaining({ code: 'update/malformed' }) as Error,
    )
  })

  it('leave nothing behind, also when they are interrupted', async () => {
    const temporary = await mkdtemp(join(directory, 'temporary-'))
    vi.stubEnv('TMPDIR', temporary)
    const interrupt = new AbortController()
    const steps: string[] = []
    const measuring = measureCcvr(small, {
      signal: interrupt.signal,
      onStep: (step) => {
        steps.push(step)
        if (step === 'merge') interrupt.abort()
      },
    })
    await expect(measuring).rejects.toThrow('interrupted')
    expect(steps).toEqual(['clients', 'merge'])
    const left = await readdir(temporary)
    expect(left.filter((name) => name.startsWith('tributary-'))).toEqual([])
  })
})
