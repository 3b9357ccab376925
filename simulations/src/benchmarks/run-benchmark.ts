import type { RoundRecord } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import { sourcesOfConfig } from '#simulations/client-data.js'
import { ClientPool } from '#simulations/client-pool.js'
import { loadExperiment } from '#simulations/experiments.js'
import type { WorkerReport } from '#simulations/process-use.js'
import { simulate } from '#simulations/simulate.js'
import type { Benchmark } from './benchmark.js'
import { measurementOf, type Measurement } from './measurement.js'

export interface BenchmarkOptions {
  /** Worker processes, which train; each backend gets new ones. At least 1. */
  readonly workers: number
  readonly runsDirectory: string
  readonly signal?: AbortSignal
  /** Overrides of the experiment, `key.path=value`. */
  readonly overrides: readonly string[]
  readonly onBackend?: (config: RunConfig) => void
  readonly onRound?: (backend: string, round: RoundRecord) => void
}
export interface BenchmarkRun {
  /** By backend; they differ in that alone. */
  readonly configs: readonly RunConfig[]
  /** In the same order; fewer when it was interrupted. */
  readonly measurements: readonly Measurement[]
}

/**
 * Runs the experiment on one backend after the other, with the same seed. Throws `backend/missing` for one that is not
 * here before any of them is measured.
 */
export async function runBenchmark(
  benchmark: Benchmark,
  options: BenchmarkOptions,
): Promise<BenchmarkRun> {
  const configs = await Promise.all(
    benchmark.backends.map((backend) =>
      loadExperiment(benchmark.experiment, [...options.overrides, `compute.backend=${backend}`]),
    ),
  )
  for (const config of configs) await assertComputes(config)
  const measurements: Measurement[] = []
  for (const config of configs) {
    const measurement = await measure(config, options)
    if (options.signal?.aborted === true) break
    measurements.push(measurement)
  }
  return { configs, measurements }
}

/** Starts a worker and lets it go. */
async function assertComputes(config: RunConfig): Promise<void> {
  const pool = await ClientPool.start({ config, sources: sourcesOfConfig(config) }, 1)
  await pool.stop()
}

async function measure(config: RunConfig, options: BenchmarkOptions): Promise<Measurement> {
  const reports: WorkerReport[] = []
  options.onBackend?.(config)
  const { record } = await simulate(config, {
    workers: options.workers,
    runsDirectory: options.runsDirectory,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onRound: (round) => options.onRound?.(config.compute.backend, round),
    onWorker: (report) => reports.push(report),
  })
  return measurementOf(record, reports)
}
