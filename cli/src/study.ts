/** `simulate` of several methods, settings and seeds: a line a cell, then a table by setting. */
import { basename, isAbsolute, join } from 'node:path'
import type { BackendChoice } from '#algorithms/tensor/choose-backend.js'
import type { RunRecord } from '#protocol/record.js'
import { describeMachine } from '#simulations/benchmarks/machine.js'
import { loadStudy, type Cell, type Study } from '#simulations/studies/load-study.js'
import { createStarts } from '#simulations/start-from.js'
import { writeResults } from '#simulations/studies/results-page.js'
import { runStudy, type FinishedCell } from '#simulations/studies/run-study.js'
import type { Place } from '#simulations/studies/sibling-models.js'
import { REFERENCE } from '#simulations/studies/study-file.js'
import { tableText, valueText } from '#simulations/studies/table-text.js'
import { beforeOf, studyTables, valueOf, type StudyTable } from '#simulations/studies/table.js'
import { COMMAND } from './command-name.js'
import type { Session } from './command.js'
import { cellProgress, type RunEvent } from './progress.js'
import { pretrainHooks } from './pretrain-hooks.js'
import { sayRevealedByCells } from './revealed-text.js'
import { sayUpdatesOfCells } from './updates-text.js'
import { printRoundHead, sayEvent } from './watch.js'

export interface StudyCommandOptions {
  readonly workers: number
  readonly runsDir: string
  readonly seeds?: readonly number[]
  readonly set: readonly string[]
  readonly only?: readonly string[]
  readonly resume?: boolean
  readonly results?: string
  readonly verbose?: boolean
}
/** The command's own part of a session. */
export interface StudySession extends Session {
  readonly onBackend: (choice: BackendChoice) => void
}

export async function simulateStudy(
  session: StudySession,
  options: StudyCommandOptions,
  name: string,
): Promise<void> {
  const { out, signal } = session
  const study = await loadStudy(name, {
    overrides: options.set,
    startOf: createStarts(pretrainHooks(session)),
    ...(options.seeds === undefined ? {} : { seeds: options.seeds }),
    ...(options.only === undefined ? {} : { only: options.only }),
  })
  out.say(introductionOf(study, options))
  sayRevealedByCells(session, study.cells)
  sayUpdatesOfCells(session, study.cells)
  // Before the work, so that the load is that of others.
  const machine = options.results === undefined ? null : await describeMachine()
  const finished = await runStudy(study, {
    ...{ workers: options.workers, runsDirectory: options.runsDir, signal },
    ...(options.resume === undefined ? {} : { resume: options.resume }),
    ...(options.results === undefined ? {} : { results: options.results }),
    onBackend: session.onBackend,
    ...following(session, study, options),
  })
  const tables = studyTables(
    finished.map(({ result }) => result),
    study,
  )
  printTables(session, tables)
  const isComplete = finished.length === study.cells.length
  if (!isComplete) {
    out.say(
      `Interrupted: ${finished.length} of ${study.cells.length} cells are finished. The same command with --resume takes them and goes on`,
    )
  }
  if (machine !== null && options.results !== undefined && isComplete) {
    const results = finished.map(({ result }) => result)
    const command = commandOf(name, options, options.results)
    await writeResults(options.results, { study, results, machine, command })
    out.say(`Results, with pictures: ${join(options.results, 'README.md')}`)
  }
  finish(session, { study, finished, tables, isComplete })
}

/** What a person types to come to the same results; nothing that does not matter for them. */
function commandOf(
  name: string,
  { seeds, set, only }: StudyCommandOptions,
  results: string,
): string {
  const quoted = (text: string): string => (/^[\w./,=:-]+$/.test(text) ? text : `'${text}'`)
  return [
    'tributary simulate',
    placeOf(name),
    ...(seeds === undefined ? [] : [`--seeds ${seeds.join(',')}`]),
    ...(only === undefined ? [] : [`--only ${only.join(',')}`]),
    ...set.map((assignment) => `--set ${quoted(assignment)}`),
    `--results ${placeOf(results)}`,
  ].join(' ')
}
/** A place on this machine says nothing to readers elsewhere. */
const placeOf = (path: string): string => (isAbsolute(path) ? basename(path) : path)

function introductionOf(
  { name, base, seeds, cells }: Study,
  { workers, only }: StudyCommandOptions,
): string {
  const starts = cells.flatMap(({ startsFrom }) => startsFrom ?? [])
  const added = [...new Set(starts)].filter((start) => only?.includes(start) === false)
  const distinct = (of: (cell: Cell) => string) => [...new Set(cells.map(of))].join(', ')
  return [
    `${name}: ${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}, ${workers} workers`,
    `  variants ${distinct(({ variant }) => variant)} (the base is ${base})`,
    `  settings ${distinct(({ setting }) => setting)}`,
    `  seeds ${seeds.join(', ')}`,
    ...(added.length === 0 ? [] : [`  ${added.join(', ')} too: others start from its model`]),
  ].join('\n')
}

/** A line for each cell; with `--verbose`, its rounds before it, as of a single run. */
function following(session: Session, { cells }: Study, { verbose = false }: StudyCommandOptions) {
  const { out } = session
  const progress = cellProgress(out)
  const title = ({ setting, variant, seed }: Place, index: number): string =>
    `cell ${index + 1} of ${cells.length}: ${setting} / ${variant} / seed ${seed}`
  return {
    onCell: (cell: Cell, index: number): void => {
      if (!verbose) return progress.start(title(cell, index), roundsOf(cell))
      out.say(title(cell, index))
      return printRoundHead(session)
    },
    onEvent: (event: RunEvent): void => {
      if (event.type === 'round:closed')
        progress.closed((event.data['record'] as RunRecord['rounds'][number]).round)
      if (event.type === 'run:stopped' || event.type === 'run:failed') progress.clear()
      if (!verbose) return
      if (event.type === 'round:closed') out.event(event.type, event.data)
      sayEvent(session, event)
    },
    onFinished: (cell: FinishedCell, index: number): void => {
      progress.clear()
      out.say(`${title(cell.result, index)}: ${outcomeOf(cell)}`)
      out.event('simulate:cell', { cell: index + 1, cells: cells.length, ...cellLine(cell) })
    },
  }
}

/** A calibration without training takes a round too. */
const roundsOf = ({ config }: Cell): number => Math.max(config.rounds, 1)

const TAKEN: Readonly<Record<FinishedCell['source'], string>> = {
  run: '',
  record: ' (finished before: its record is taken)',
  results: ' (finished before: its result is taken)',
}
function outcomeOf({ result, source }: FinishedCell): string {
  const value = valueOf(result)
  const measured = value === undefined ? '–' : valueText(result.measure, value)
  return `${result.measure} ${measured}, ${result.seconds.toFixed(1)} s${TAKEN[source]}`
}

function cellLine({ result, source, run }: FinishedCell) {
  const { setting, variant, seed, measure, configHash, modelHash, ...rest } = result
  const { bytesUp, bytesDown, seconds } = rest
  return {
    ...{ setting, variant, seed, source, runId: run?.runId ?? null, configHash, modelHash },
    ...{ measure, value: valueOf(result) ?? null, before: beforeOf(result) ?? null },
    ...{ bytesUp, bytesDown, seconds },
  }
}

function printTables({ out }: Session, tables: readonly StudyTable[]): void {
  for (const table of tables) {
    out.say(`\n${table.setting}`)
    const { head, rows } = tableText(table)
    out.table(head, rows)
  }
}

interface Outcome {
  readonly study: Study
  readonly finished: readonly FinishedCell[]
  readonly tables: readonly StudyTable[]
  readonly isComplete: boolean
}
/** The last line has the keys of a single run: those of the base's last run in the reference setting. */
function finish({ out }: Session, { study, finished, tables, isComplete }: Outcome): void {
  const main = mainCell(study, finished)
  const runs = finished.flatMap(({ run, result }) =>
    run === null || result.setting !== REFERENCE ? [] : [run.runId],
  )
  if (runs.length > 0) out.say(`Look closer:  ${COMMAND} compare ${runs.join(' ')}`)
  out.finish('simulate', {
    runId: main?.run?.runId ?? null,
    seed: main?.result.seed ?? null,
    ...summaryOf(main),
    model: main?.run?.model ?? null,
    ...{ base: study.base, isComplete, cells: finished.map(cellLine), table: tables },
  })
}

function mainCell({ base }: Study, finished: readonly FinishedCell[]): FinishedCell | undefined {
  const ofBase = finished.filter(({ result }) => result.variant === base)
  const inReference = ofBase.findLast(({ result }) => result.setting === REFERENCE)
  return inReference ?? ofBase.at(-1) ?? finished.at(-1)
}

function summaryOf(cell: FinishedCell | undefined) {
  const metrics = cell?.result.metrics ?? {}
  const metric = (name: string) => metrics[name] ?? metrics[`federated/${name}`] ?? null
  return {
    accuracy: metric('accuracy'),
    loss: metric('loss'),
    rounds: cell?.result.rounds ?? 0,
    seconds: cell?.result.seconds ?? 0,
    bytesUp: cell?.result.bytesUp ?? 0,
    bytesDown: cell?.result.bytesDown ?? 0,
    modelHash: cell?.result.modelHash ?? null,
  }
}
