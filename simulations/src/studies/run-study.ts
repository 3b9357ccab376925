import { FederationError } from '#protocol/errors.js'
import type { RunRecord } from '#protocol/record.js'
import { configHash } from '#protocol/run-config.js'
import { VERSION } from '#protocol/version.js'
import { pinBackend } from '#simulations/pin-backend.js'
import { simulate, type SimulateOptions } from '#simulations/simulate.js'
import type { SimulatedRun } from '#simulations/run-files.js'
import { cellResultOf, measureOf, type CellResult } from './cell-result.js'
import { findFinishedRuns, isOfThisEngine, type FinishedRuns } from './finished-runs.js'
import type { Cell, Study } from './load-study.js'
import { readCellResult, writeCellResult } from './results-directory.js'

/** Where a cell's result came from: it was run, or an earlier run's record or result was taken. */
export type CellSource = 'run' | 'record' | 'results'
export interface FinishedCell {
  readonly result: CellResult
  readonly source: CellSource
  /** The run and the path of its model; null where only its result is left. */
  readonly run: { readonly runId: string; readonly model: string } | null
}
export interface RunStudyOptions extends SimulateOptions {
  /** Takes what was finished before, from the runs directory and from `results`, instead of running it again. */
  readonly resume?: boolean
  /** Keeps every finished cell in this directory. */
  readonly results?: string
  /** Told before a cell is looked up or run; `index` counts from 0. */
  readonly onCell?: (cell: Cell, index: number) => void
  readonly onFinished?: (finished: FinishedCell, index: number) => void
  /** Runs one cell; for tests. */
  readonly simulate?: typeof simulate
}

/**
 * Runs the cells one after another. Ends early, with those that are finished, when `signal` aborts. Throws what a cell's run
 * throws, with the cell in front of the message; the cells before it are kept.
 */
export async function runStudy(
  study: Study,
  options: RunStudyOptions,
): Promise<readonly FinishedCell[]> {
  const cells = await pinAll(study.cells, options)
  const hashes = new Set(cells.map(({ config }) => configHash(config)))
  const { runsDirectory, resume = false } = options
  const earlier = resume ? await findFinishedRuns(runsDirectory, hashes) : new Map<never, never>()
  const finished: FinishedCell[] = []
  for (const [index, cell] of cells.entries()) {
    if (options.signal?.aborted === true) break
    options.onCell?.(cell, index)
    const done =
      (await earlierOf(study, cell, { earlier, options })) ?? (await runCell(study, cell, options))
    if (done === null) break
    if (options.results !== undefined && done.source !== 'results')
      await writeCellResult(options.results, done.result)
    finished.push(done)
    options.onFinished?.(done, index)
  }
  return finished
}

/** Configurations as they will be recorded. */
async function pinAll(cells: readonly Cell[], options: RunStudyOptions): Promise<readonly Cell[]> {
  const pinned: Cell[] = []
  for (const cell of cells)
    pinned.push({ ...cell, config: await pinBackend(cell.config, options.onBackend) })
  return pinned
}

interface Earlier {
  readonly earlier: FinishedRuns
  readonly options: RunStudyOptions
}
async function earlierOf(
  study: Study,
  cell: Cell,
  { earlier, options }: Earlier,
): Promise<FinishedCell | null> {
  const { results, resume } = options
  if (resume !== true) return null
  const run = earlier.get(configHash(cell.config))
  const result = results === undefined ? null : await readCellResult(results, cell)
  if (result !== null && isOf(result, study, cell)) {
    const isSame = run?.record.modelHash === result.modelHash
    return { result, source: 'results', run: run !== undefined && isSame ? placeOf(run) : null }
  }
  if (run === undefined || !(await isOfThisEngine(run.record))) return null
  return finishedBy(study, cell, { run, source: 'record' })
}

const isOf = (result: CellResult, study: Study, cell: Cell): boolean =>
  result.configHash === configHash(cell.config) &&
  result.version === VERSION &&
  result.measure === measureOf(study, result.metrics)

async function runCell(
  study: Study,
  cell: Cell,
  options: RunStudyOptions,
): Promise<FinishedCell | null> {
  const { simulate: run = simulate } = options
  try {
    const ended = await run(cell.config, options)
    return isWhole(ended.record) ? finishedBy(study, cell, { run: ended, source: 'run' }) : null
  } catch (cause) {
    if (!(cause instanceof FederationError)) throw cause
    const place = `${cell.setting} / ${cell.variant} / seed ${cell.seed}`
    throw new FederationError(cause.code, `${place}: ${cause.message}`, { cause })
  }
}
const isWhole = ({ state }: RunRecord): boolean => state === 'finished'

const finishedBy = (
  study: Study,
  cell: Cell,
  { run, source }: { readonly run: SimulatedRun; readonly source: CellSource },
): FinishedCell => ({
  result: cellResultOf(study, cell, run.record),
  source,
  run: placeOf(run),
})
const placeOf = ({ record, model }: SimulatedRun): FinishedCell['run'] => ({
  runId: record.runId,
  model,
})
