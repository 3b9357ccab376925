/** Runs the cells of an audit in any number of processes; the numbers are the same for each. */
import { FederationError } from '#protocol/errors.js'
import type { CellResult } from '#algorithms/audit/run/cell-result.js'
import { cellsOf, type AuditCell } from '#algorithms/audit/run/cells.js'
import type { CellCheckpoints } from '#algorithms/audit/run/checkpoints.js'
import type { CellProgress } from '#algorithms/audit/run/watch.js'
import { startChild, type ChildCalls } from '#coordinator/compute/child-calls.js'
import { runnerHere, type CellRunner, type RunnerFacts, type RunnerSetup } from './cell-runner.js'
import { Estimate, type AuditProgress } from './estimate.js'

export interface RunCellsOptions {
  /** Processes; 0: this one. */
  readonly workers: number
  readonly checkpoints: CellCheckpoints
  /** Takes what was finished before instead of computing it again. */
  readonly resume: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: AuditProgress) => void
}

export interface FinishedCells extends RunnerFacts {
  readonly results: readonly CellResult[]
  /** Cells that an earlier attempt finished. */
  readonly resumed: number
}

/**
 * The results of all cells, in their order. Every finished cell is kept before the next begins. Throws `audit/interrupted`
 * when the signal says so, and what a cell throws; the cells before are kept.
 */
export async function runCells(
  setup: RunnerSetup,
  options: RunCellsOptions,
): Promise<FinishedCells> {
  const cells = cellsOf(setup.spec)
  const results = new Map<AuditCell, CellResult>()
  if (options.resume) {
    for (const cell of cells) {
      const kept = await options.checkpoints.get(cell.key)
      if (kept !== null) results.set(cell, kept)
    }
  }
  const resumed = results.size
  const runners = runnersFor(setup, Math.min(options.workers, cells.length - resumed))
  const end = new AbortController()
  try {
    const facts = await interruptible(runners[0]?.facts() ?? noRunner(), options.signal)
    await computeAll({ cells, results, runners, options, end })
    return {
      ...{ ...facts, resumed },
      results: cells.map((cell) => results.get(cell) ?? missing(cell)),
    }
  } finally {
    end.abort()
    await Promise.all(runners.map((runner) => runner.stop()))
  }
}

const noRunner = (): Promise<never> =>
  Promise.reject(new FederationError('internal/bug', 'There is no process to compute cells in'))
function missing({ row, batch }: AuditCell): never {
  throw new FederationError('internal/bug', `Batch ${batch} of row ${row} was not computed`)
}

const runnersFor = (setup: RunnerSetup, workers: number): readonly CellRunner[] =>
  workers <= 0
    ? [runnerHere(setup)]
    : Array.from({ length: workers }, () => new ForkedRunner(setup))

interface Work {
  readonly cells: readonly AuditCell[]
  readonly results: Map<AuditCell, CellResult>
  readonly runners: readonly CellRunner[]
  readonly options: RunCellsOptions
  /** Aborted where one cell failed: the others need not be finished. */
  readonly end: AbortController
}

/** Each process takes the next cell when it is done with one. */
async function computeAll({ cells, results, runners, options, end }: Work): Promise<void> {
  const waiting = cells.filter((cell) => !results.has(cell))
  const estimate = new Estimate(cells, results, runners.length)
  const tell = (): void => options.onProgress?.(estimate.progress())
  tell()
  const work = async (runner: CellRunner): Promise<void> => {
    for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) {
      const own = cell
      estimate.started(own, performance.now())
      const onProgress = (progress: CellProgress): void => {
        estimate.told(own, progress, performance.now())
        tell()
      }
      const result = await runner.cell(own, onProgress, end.signal)
      await options.checkpoints.put(result)
      results.set(own, result)
      estimate.finished(own, result.seconds)
      tell()
    }
  }
  const all = Promise.all(runners.map(work)).then(() => undefined)
  const stop = (): void => end.abort()
  options.signal?.addEventListener('abort', stop, { once: true })
  try {
    await interruptible(all, options.signal)
  } finally {
    options.signal?.removeEventListener('abort', stop)
    waiting.length = 0
  }
}

/** Rejects as soon as the signal says so; what is under way is ended by whoever started it. */
async function interruptible<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let stop = (): void => undefined
  const interrupted = new Promise<never>((_, reject) => {
    stop = () => reject(new FederationError('audit/interrupted', 'The audit was interrupted'))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, interrupted])
  } finally {
    signal.removeEventListener('abort', stop)
    work.catch(() => undefined)
  }
}

/** A process of its own. It is ended in the middle of a cell where nobody waits for it any more. */
class ForkedRunner implements CellRunner {
  readonly #setup: RunnerSetup
  readonly #child: ChildCalls
  #onProgress: (progress: CellProgress) => void = () => undefined

  constructor(setup: RunnerSetup) {
    this.#setup = setup
    this.#child = startChild({
      ...{ parentUrl: import.meta.url, path: './audit-worker-main.js' },
      onNote: (note) => this.#onProgress(note as CellProgress),
    })
  }

  facts(): Promise<RunnerFacts> {
    return this.#child.call('facts', this.#setup)
  }
  cell(cell: AuditCell, onProgress: (progress: CellProgress) => void): Promise<CellResult> {
    this.#onProgress = onProgress
    return this.#child.call('cell', this.#setup, cell)
  }
  stop(): Promise<void> {
    return this.#child.kill()
  }
}
