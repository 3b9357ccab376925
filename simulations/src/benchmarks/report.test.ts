import { describe, expect, it } from 'vitest'
import { loadExperiment } from '#simulations/experiments.js'
import { BENCHMARKS } from './benchmark.js'
import { compareWith } from './compare.js'
import type { Measurement } from './measurement.js'
import { reportMarkdown, type Report } from './report.js'

const measured = (backend: string, seconds: number): Measurement => ({
  ...{ runId: 'run-1', modelHash: null, accuracyBefore: 0.1, peakRssBytes: [300e6, 200e6] },
  engine: { backend, version: 'tfjs 4.22.0', threads: 1 },
  rounds: [
    {
      ...{ round: 1, accuracy: 0.875, seconds, trainingSeconds: seconds, trainingCpuSeconds: 1 },
      ...{ tensorsBefore: 3, tensorsAfter: 3 },
    },
  ],
})
async function report(faults: readonly string[]): Promise<Report> {
  const [benchmark] = BENCHMARKS
  const measurements = [measured('wasm', 8), measured('native', 2)]
  const [wasm, native] = measurements
  return {
    ...{ benchmark, measurements, faults, workers: 2, overrides: ['rounds=1'] },
    config: await loadExperiment(benchmark.experiment, ['rounds=1']),
    machine: {
      ...{ version: '0.1.0', commit: 'abc123+', cpu: 'A processor', cores: 2 },
      ...{ node: 'v20.20.2', load: 0.5 },
    },
    comparisons: [compareWith(wasm!, native!)],
  }
}

describe('the page of a benchmark', () => {
  it('puts ratios first, and says what they were taken from', async () => {
    const page = reportMarkdown(await report([]))
    const lines = page.split('\n')
    // 2 of 8 seconds; the rest is equal.
    expect(lines).toContain(
      '| native / wasm | 0.25 | 0.25 | 1.00 | 1.00 | 0.00 percentage points |',
    )
    expect(lines).toContain('| native | 2.00 | 2.00 | 1.00 | 500 MB | tfjs 4.22.0, 1 thread |')
    expect(lines).toContain('| wasm | 1 | 87.50 % | 8.00 | 3 → 3 |')
    expect(lines).toContain('| clients | 100, 10 a round, iid:seed=7 |')
    expect(lines).toContain('| tributary | 0.1.0, commit abc123+ |')
    expect(page.indexOf('native / wasm')).toBeLessThan(page.indexOf('| wasm |'))
    expect(page).toContain('the stated tolerance; no round left a tensor behind')
  })

  it('says what failed, and then claims nothing', async () => {
    const page = reportMarkdown(await report(['wasm keeps 5 tensors']))
    expect(page).toContain('**Failed:** wasm keeps 5 tensors.')
    expect(page).not.toContain('no round left a tensor behind')
  })

  it('warns of times taken on a busy machine', async () => {
    const quiet = await report([])
    expect(reportMarkdown(quiet)).not.toContain('busy')
    const busy = { ...quiet, machine: { ...quiet.machine, load: 6.9 } }
    expect(reportMarkdown(busy)).toContain('busy with other work (load 6.9 on 2 cores)')
  })
})
