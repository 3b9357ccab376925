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
import { modelOf, readyCell, startingFrom, withStart, type ReadyCell } from './sibling-models.js'

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
 * Runs the cells one after another. A cell that starts from the model of another gets the one that this made; where it was
 * finished before and its model is gone, it is run again if some cell still needs the model. Ends early, with those that are
 * finished, when `signal` aborts. Throws what a cell's run throws, with the cell in front of the message; the cells before it
 * are kept.
 */
export async function runStudy(
  study: Study,
  options: RunStudyOptions,
): Promise<readonly FinishedCell[]> {
  const cells = await pinAll(study.cells, options)
  const configs = cells.map(({ config }) => config)
  const { runsDirectory, resume = false } = options
  const earlier = resume ? await findFinishedRuns(runsDirectory, configs) : new Map<never, never>()
  const context = { study: { ...study, cells }, options, earlier }
  const finished: FinishedCell[] = []
  for (const [index, cell] of cells.entries()) {
    if (options.signal?.aborted === true) break
    options.onCell?.(cell, index)
    const ready = readyCell(cell, finished)
    const done = (await usableEarlier(context, ready.cell)) ?? (await runCell(context, ready))
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

interface Context {
  readonly study: Study
  readonly options: RunStudyOptions
  readonly earlier: FinishedRuns
}
/** Null for a cell that is to be run: nothing of it is there, or not the model that another cell is to start from. */
async function usableEarlier(context: Context, cell: Cell): Promise<FinishedCell | null> {
  const found = await earlierOf(context, cell)
  return found === null || (await isModelLacking(context, found)) ? null : found
}

async function earlierOf(
  { study, earlier, options: { results, resume } }: Context,
  cell: Cell,
): Promise<FinishedCell | null> {
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

/** Whether its model is gone and a cell that starts from it, or one that starts from that, is still to be run. */
async function isModelLacking(context: Context, found: FinishedCell): Promise<boolean> {
  const { modelHash } = found.result
  const next = startingFrom(context.study.cells, found.result)
  if (next.length === 0 || (modelHash !== null && (await modelOf(found)) !== null)) return false
  if (modelHash === null) return true
  for (const cell of next)
    if ((await usableEarlier(context, withStart(cell, modelHash))) === null) return true
  return false
}

const isOf = (result: CellResult, study: Study, cell: Cell): boolean =>
  result.configHash === configHash(cell.config) &&
  result.version === VERSION &&
  result.measure === measureOf(study, result.metrics)

async function runCell(
  { study, options }: Context,
  { cell, start }: ReadyCell,
): Promise<FinishedCell | null> {
  const { simulate: run = simulate } = options
  try {
    const bytes = start === null ? null : await modelOf(start)
    const given = bytes === null ? {} : { start: bytes }
    const ended = await run(cell.config, { ...options, ...given })
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
