import type { AuditControl, AuditMethodResult, AuditRow } from '#protocol/audit-report.js'
import { FederationError } from '#protocol/errors.js'
import { createStreams } from '#protocol/random.js'
import {
  labelOverlap,
  labelRecoveryOf,
  type LabelPair,
} from '#algorithms/audit/metrics/label-recovery.js'
import { baselineOf } from '#algorithms/audit/metrics/results.js'
import { mean, median } from '#algorithms/audit/metrics/spread.js'
import type { CellMethod, CellResult } from './cell-result.js'
import { controlOf, resultOf, stoppedOf, type SummaryContext } from './score-summary.js'
import type { AuditSpec, RowSpec } from './spec.js'

/** A row without its verdict. */
export type UnjudgedRow = Omit<AuditRow, 'verdict' | 'because'>

export interface RowParts {
  /** Of all its cells, at least one, in the order of the batches. */
  readonly cells: readonly CellResult[]
  readonly utility: number | null
  /** Its transforms in words. */
  readonly defence: string
}

/** One row of a report, from the results of all its cells. */
export async function rowResult(
  { seed }: Pick<AuditSpec, 'seed'>,
  row: RowSpec,
  { cells, utility, defence }: RowParts,
): Promise<UnjudgedRow> {
  const [first] = cells
  if (first === undefined)
    throw new FederationError('internal/bug', `The row ${row.id} has no results`)
  return {
    ...row,
    updates: row.updates.map((transform) => ({ ...transform })),
    ...{ defence, utility },
    records: sum(cells.map(({ labels }) => labels.truth.length)),
    parameters: first.parameters,
    informationRatio: mean(cells.map((cell) => cell.informationRatio)),
    signalToNoise: meanOrNull(cells.map((cell) => cell.signalToNoise)),
    floor: meanOrNull(cells.map(({ floor = null }) => floor)),
    labelRecovery: labelsTold(cells.map(({ labels }) => labels)),
    methods: await methodResults(cells, seed),
    controls: await controlResults(cells),
  }
}

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0)

type CellLabels = CellResult['labels']

const pairOf = (inferred: readonly number[], { truth }: CellLabels): LabelPair => ({
  inferred: Int32Array.from(inferred),
  truth: Int32Array.from(truth),
})

/** `cells`: at least one. */
function labelsTold(cells: readonly CellLabels[]): AuditRow['labelRecovery'] {
  const others = cells.flatMap((labels) =>
    labels.others.map(({ rule, inferred }) => ({ rule, pair: pairOf(inferred, labels) })),
  )
  return {
    ...labelRecoveryOf(
      cells.map((labels) => pairOf(labels.inferred, labels)),
      Float64Array.from(cells[0]?.shares ?? []),
    ),
    rules: [...new Set(cells.map(({ rule }) => rule))],
    certain: mean(cells.map(({ isCertain }) => Number(isCertain))),
    others: [...new Set(others.map(({ rule }) => rule))].map((rule) => ({
      rule,
      rate: mean(others.flatMap((one) => (one.rule === rule ? labelOverlap(one.pair) : []))),
    })),
  }
}

/** Null where there is none at all. */
function meanOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : mean(known)
}

/** A method on one batch. */
interface Tried {
  readonly cell: CellResult
  readonly method: CellMethod
}

async function methodResults(
  cells: readonly CellResult[],
  seed: number,
): Promise<AuditMethodResult[]> {
  const tried = cells.flatMap((cell) => cell.methods.map((method): Tried => ({ cell, method })))
  const results: AuditMethodResult[] = []
  for (const name of new Set(tried.map(({ method }) => method.name))) {
    results.push(
      await methodResult(
        tried.filter(({ method }) => method.name === name),
        seed,
      ),
    )
  }
  return results
}

async function methodResult(tried: readonly Tried[], seed: number): Promise<AuditMethodResult> {
  const methods = tried.map(({ method }) => method)
  const succeeded = tried.filter(({ method }) => method.chosen !== null)
  const residuals = methods.flatMap(({ residual }) => (residual === null ? [] : [residual]))
  return {
    name: methods[0]?.name ?? '',
    ...(await reachedBy(succeeded, seed)),
    matchLoss: meanOrNull(methods.map(({ matchLoss }) => matchLoss)),
    curve: meanCurve(succeeded.map(({ method }) => method.curve)),
    residual: residuals.length === 0 ? null : Math.min(...residuals),
    iterations: sum(methods.map(({ iterations }) => iterations)),
    gradientEvaluations: sum(methods.map(({ gradientEvaluations }) => gradientEvaluations)),
    seconds: sum(methods.map(({ seconds }) => seconds)),
    note: noteOf(tried, succeeded.length),
  }
}

type Reached = Pick<
  AuditMethodResult,
  'chosen' | 'stageChosen' | 'stageOracle' | 'stages' | 'atFloor' | 'oraclePsnr'
>
const NOTHING_REACHED: Reached = {
  ...{ chosen: null, stageChosen: null, stageOracle: null },
  ...{ stages: [], atFloor: null, oraclePsnr: null },
}

/** `tried`: batches for which the method has an answer. */
async function reachedBy(tried: readonly Tried[], seed: number): Promise<Reached> {
  const [first] = tried
  if (first === undefined) return NOTHING_REACHED
  const context: SummaryContext = {
    baseline: baselineOfCells(tried.map(({ cell }) => cell)),
    candidates: first.cell.candidates,
    stream: createStreams(seed)('audit-bootstrap', 0, 0),
  }
  const best = bestStages(tried)
  return {
    chosen: await resultOf(
      tried.flatMap(({ method }) => method.chosen ?? []),
      context,
    ),
    stageChosen: mostOften(tried.flatMap(({ method }) => method.stageChosen ?? [])),
    stageOracle: mostOften(best.map(({ stage }) => stage)),
    stages: await stageResults(tried, context),
    atFloor: await stoppedAt(tried, ({ atFloor }) => atFloor, context),
    oraclePsnr: best.length === 0 ? null : median(best.map(({ psnr }) => psnr)),
  }
}

function noteOf(tried: readonly Tried[], succeeded: number): string | null {
  const isPartial = succeeded > 0 && succeeded < tried.length
  const notes = new Set([
    ...(isPartial ? [`Over ${succeeded} of ${tried.length} batches`] : []),
    ...tried.flatMap(({ method: { note } }) => note ?? []),
  ])
  return notes.size === 0 ? null : [...notes].join('. ').slice(0, LONGEST_NOTE)
}
const LONGEST_NOTE = 2000

/** The smallest of the most frequent ones; null where there are none. */
function mostOften(values: readonly number[]): number | null {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const [most] = [...counts].sort(([a, m], [b, n]) => n - m || a - b)
  return most?.[0] ?? null
}

/** Of every record, the stage with the best picture in truth: what an attacker cannot know. */
const bestStages = (
  tried: readonly Tried[],
): readonly { readonly stage: number; readonly psnr: number }[] =>
  tried.flatMap(({ method: { stages } }) =>
    (stages[0]?.scores ?? []).map((_, record) =>
      stages
        .map(({ stage, scores }) => ({ stage, psnr: scores[record]?.psnr ?? -Infinity }))
        .reduce((best, one) => (one.psnr > best.psnr ? one : best)),
    ),
  )

/** Each stage as if the attacker had stopped there. */
async function stageResults(
  tried: readonly Tried[],
  context: SummaryContext,
): Promise<AuditMethodResult['stages']> {
  const numbers = new Set(tried.flatMap(({ method }) => method.stages.map(({ stage }) => stage)))
  const results: AuditMethodResult['stages'] = []
  for (const stage of [...numbers].sort((a, b) => a - b)) {
    const at = ({ stages }: CellMethod) => stages.find((one) => one.stage === stage) ?? null
    const found = await stoppedAt(tried, at, context)
    if (found !== null) results.push({ stage, ...found })
  }
  return results
}

/** Over the batches that got there, as of methods over those for which they have an answer; null: none did. */
async function stoppedAt(
  tried: readonly Tried[],
  stopOf: (method: CellMethod) => CellMethod['atFloor'],
  context: SummaryContext,
): Promise<AuditMethodResult['atFloor']> {
  const reached = tried.flatMap(({ cell, method }) => {
    const stop = stopOf(method)
    return stop === null ? [] : [{ cell, stop }]
  })
  if (reached.length === 0) return null
  return stoppedOf(
    reached.flatMap(({ stop }) => stop.scores),
    mean(reached.map(({ stop }) => stop.matchLoss)),
    { ...context, baseline: baselineOfCells(reached.map(({ cell }) => cell)) },
  )
}

/** Mean over batches at the iterations that all of them reached. */
function meanCurve(curves: readonly CellMethod['curve'][]): AuditMethodResult['curve'] {
  const points = new Map<number, number[]>()
  for (const [iteration, loss] of curves.flat())
    points.set(iteration, [...(points.get(iteration) ?? []), loss])
  return [...points]
    .filter(([, losses]) => losses.length === curves.length)
    .sort(([a], [b]) => a - b)
    .map(([iteration, losses]) => [iteration, mean(losses)])
}

interface ControlScores {
  readonly name: AuditControl['name']
  readonly method: string | null
  readonly scores: CellResult['controls'][number]['scores']
}

/** Each control with the scores of all batches. */
function controlScores(cells: readonly CellResult[]): readonly ControlScores[] {
  const controls = new Map<string, ControlScores>()
  for (const { name, method, scores } of cells.flatMap((cell) => cell.controls)) {
    const key = `${name} ${method ?? ''}`
    const before = controls.get(key)?.scores ?? []
    controls.set(key, { name, method, scores: [...before, ...scores] })
  }
  return [...controls.values()]
}

const baselineOfCells = (cells: readonly CellResult[]): readonly number[] =>
  baselineOf(
    controlScores(cells).map(({ name, scores }) => ({
      name,
      psnr: scores.map(({ psnr }) => psnr),
    })),
  )

async function controlResults(cells: readonly CellResult[]): Promise<AuditControl[]> {
  const [first] = cells
  if (first === undefined) return []
  return Promise.all(
    controlScores(cells).map(({ scores, ...control }) =>
      controlOf(control, scores, first.candidates),
    ),
  )
}
