import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { ClientPool } from './client-pool.js'
import { sourcesOfConfig } from './client-data.js'
import { measured, type WorkerReport } from './process-use.js'
import { simulate } from './simulate.js'

const configOn = (backend: string) =>
  unwrap(
    parseRunConfig(
      {
        task: { inputShape: [4], classes: ['0', '1'] },
        model: { name: 'logistic' },
        method: { name: 'fedavg' },
        data: { name: 'synthetic', path: 'blobs:count=60:classes=2:features=4', clients: 4 },
        compute: { backend, threads: 1 },
        rounds: 2,
      },
      configCatalogue(),
    ),
  )

describe('what work takes of its process', () => {
  it('counts the tensors that the work leaves behind', async () => {
    await useBackend('cpu')
    const { value, use } = await measured(async () => tf.tensor1d([1, 2, 3]))
    expect(use.tensorsAfter - use.tensorsBefore).toBe(1)
    value.dispose()
    expect(use.pid).toBe(process.pid)
    for (const taken of [use.seconds, use.cpuSeconds]) expect(taken).toBeGreaterThanOrEqual(0)
    // A Node process with the tensor library loaded: tens of megabytes, not kilobytes or terabytes.
    expect(use.peakRssBytes).toBeGreaterThan(20e6)
    expect(use.peakRssBytes).toBeLessThan(100e9)
  })
})

describe('the workers of a simulation', () => {
  it('report each of their shares, and keep no tensor', async () => {
    const runsDirectory = await mkdtemp(join(tmpdir(), 'tributary-use-'))
    const reports: WorkerReport[] = []
    try {
      await simulate(configOn('wasm'), {
        workers: 2,
        runsDirectory,
        onWorker: (report) => reports.push(report),
      })
    } finally {
      await rm(runsDirectory, { recursive: true, force: true })
    }
    expect(reports.map(({ round }) => round)).toEqual([1, 1, 2, 2])
    expect(new Set(reports.map(({ pid }) => pid)).size).toBe(2)
    expect(reports.every(({ pid }) => pid !== process.pid)).toBe(true)
    for (const report of reports) expect(report.tensorsAfter).toBe(report.tensorsBefore)
  })

  it('answer with the reason when their backend is not there', async () => {
    vi.stubEnv('TRIBUTARY_NATIVE_DIR', join(tmpdir(), 'nothing-is-here'))
    const config = configOn('cuda')
    const started = ClientPool.start({ config, sources: sourcesOfConfig(config) }, 1)
    await expect(started).rejects.toMatchObject({ code: 'backend/missing' })
    vi.unstubAllEnvs()
  })
})
