import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks'
import type { OperationsSample } from '#protocol/server-views.js'
import type { Clock } from '#coordinator/clock.js'

export const SAMPLE_SECONDS = 5
/** An hour of them. */
const MOST_SAMPLES = 3600 / SAMPLE_SECONDS
const RESOLUTION_MS = 10

export type Measured = Omit<OperationsSample, 'at' | 'lagMs' | 'rssBytes' | 'heapBytes'>
export interface SamplesOptions {
  readonly clock: Clock
  readonly measure: () => Promise<Measured>
  /** Told after each sample. */
  readonly onSample?: () => void
}

/** How the coordinator did in the last hour, one sample after the other. */
export class Samples {
  readonly #options: SamplesOptions
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #samples: readonly OperationsSample[] = []
  #timer: { cancel(): void } | null = null
  #isStopped = false

  constructor(options: SamplesOptions) {
    this.#options = options
  }

  /** Oldest first. */
  get all(): readonly OperationsSample[] {
    return this.#samples
  }
  start(): void {
    this.#delay.enable()
    this.#wait()
  }
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#delay.disable()
  }

  /** How it does now. */
  async now(): Promise<OperationsSample> {
    const { clock, measure } = this.#options
    const { rss, heapUsed } = process.memoryUsage()
    return {
      at: clock.timestamp(),
      lagMs: this.#lagMs(),
      ...{ rssBytes: rss, heapBytes: heapUsed },
      ...(await measure()),
    }
  }

  #wait(): void {
    if (this.#isStopped) return
    this.#timer = this.#options.clock.after(SAMPLE_SECONDS * 1000, () => void this.#take())
  }
  async #take(): Promise<void> {
    try {
      const sample = await this.now()
      this.#delay.reset()
      this.#samples = [...this.#samples, sample].slice(-MOST_SAMPLES)
      if (!this.#isStopped) this.#options.onSample?.()
    } catch {
      // A disk that does not answer leaves a gap; readiness tells of it.
    } finally {
      this.#wait()
    }
  }

  /** The timer of the measurement is never early, and late by what is looked for. */
  #lagMs(): number {
    const late = this.#delay.percentile(99) / 1e6 - RESOLUTION_MS
    return Number.isFinite(late) ? Math.max(0, late) : 0
  }
}
