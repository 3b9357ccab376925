import { REPORT_FORMAT, type AuditReport, type AuditRow } from '#protocol/audit-report.js'
import { settingsHash, settingsOf } from '#protocol/audit-settings.js'
import { FederationError } from '#protocol/errors.js'
import type { Engine } from '#protocol/record.js'
import { VERSION } from '#protocol/version.js'
import { updateTransformsOf } from '#algorithms/from-config.js'
import { isInformative } from '#algorithms/audit/generator/layered-generator.js'
import { obstaclesOf } from '#algorithms/audit/soundness.js'
import { verdictOfReport, verdictOfRow } from '#algorithms/audit/verdict.js'
import { describeTransforms, protectionOf } from '#algorithms/update-transforms/apply.js'
import type { CellPicture, CellResult } from './cell-result.js'
import { isAsBudget } from './budgets.js'
import { auditedCount, auditHash, cellsOf } from './cells.js'
import { limitations, recognitionLimits, sourceWords, threatModel } from './report-words.js'
import { rowResult } from './row-result.js'
import { rowConfig, type AuditSpec, type RowSpec } from './spec.js'
import type { WorldFacts } from './world.js'

/** What only who ran the cells knows. */
export interface ReportMeta {
  readonly facts: WorldFacts
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** What computed the cells. */
  readonly engine: Engine
  /** In words: processor, cores, memory. */
  readonly hardware: string
  /** Of all cells, one after another, also of those that an earlier attempt finished. */
  readonly seconds: number
  /** Accuracy of a simulated run with the row's transforms, by the id of the row; rows that are missing were not measured. */
  readonly utility: ReadonlyMap<string, number>
  /** What else limits or explains the numbers. Sentences. */
  readonly remarks?: readonly string[]
  /** Until when pictures may be kept, YYYY-MM-DD; null: the report has none. */
  readonly retainUntil: string | null
}

/** The report of an audit, from the results of all its cells in any order. Pure, and needs no tensors. Throws `internal/bug` when one is missing. */
export async function reportOf(
  spec: AuditSpec,
  results: readonly CellResult[],
  meta: ReportMeta,
): Promise<AuditReport> {
  const ordered = inOrder(spec, results)
  const { facts } = meta
  const rows: AuditRow[] = []
  for (const [index, row] of spec.rows.entries()) {
    const cells = ordered.filter((cell) => cell.row === index)
    rows.push(await judgedRow(spec, row, { cells, meta }))
  }
  const settings = settingsOf(spec.run)
  const { thresholds } = spec
  return {
    format: REPORT_FORMAT,
    ...{ name: spec.name, createdAt: meta.createdAt, version: VERSION },
    ...{ settings, settingsHash: settingsHash(settings), auditHash: auditHash(spec) },
    modelHash: facts.modelHash,
    records: {
      description: sourceWords(spec.records.data),
      basis: spec.records.basis,
      count: auditedCount(spec),
      candidates: ordered[0]?.candidates.anyClass ?? spec.records.candidates,
    },
    auxiliary: sourceWords(spec.auxiliary),
    generator: generatorOf(facts),
    effort: effortOf(spec),
    ...{
      budget: spec.budgetName,
      seed: spec.seed,
      runSeed: spec.run.seed,
      engine: { ...meta.engine },
    },
    ...{ hardware: meta.hardware, seconds: meta.seconds },
    threatModel: threatModel(spec, facts.generator),
    ...{ thresholds, rows },
    verdict: verdictOfReport({ rows, settings, thresholds }).level,
    isSound: (await obstaclesOf({ rows, settings, thresholds })).length === 0,
    limitations: [
      ...new Set([
        ...limitations(spec, facts.generator),
        ...(await recognitionLimits(rows, thresholds)),
        ...ordered.flatMap(({ remarks }) => remarks),
        ...(meta.remarks ?? []),
      ]),
    ],
    pictures: picturesOf(spec, ordered, meta.retainUntil),
  }
}

export const effortOf = ({
  methods,
  budget: { stageIterations: iterations, restarts },
  budgetName,
}: Pick<AuditSpec, 'methods' | 'budget' | 'budgetName'>): AuditReport['effort'] => ({
  methods: methods === null ? null : [...methods],
  ...{ iterations, restarts },
  isAsBudget: isAsBudget(budgetName, { iterations, restarts }),
})

function inOrder(spec: AuditSpec, results: readonly CellResult[]): readonly CellResult[] {
  const byKey = new Map(results.map((result) => [result.key, result]))
  return cellsOf(spec).map(({ key, row, batch }) => {
    const result = byKey.get(key)
    if (result === undefined)
      throw new FederationError('internal/bug', `Batch ${batch} of row ${row} has no result`)
    // An earlier audit may have had the same row at another place.
    return { ...result, row, batch }
  })
}

async function judgedRow(
  spec: AuditSpec,
  row: RowSpec,
  { cells, meta }: { readonly cells: readonly CellResult[]; readonly meta: ReportMeta },
): Promise<AuditRow> {
  const transforms = updateTransformsOf(rowConfig(spec, row))
  const isNoisy = protectionOf(transforms).noise > 0
  const result = await rowResult(spec, row, {
    cells: isNoisy ? cells.map(withoutCertainty) : cells,
    utility: meta.utility.get(row.id) ?? null,
    defence: describeTransforms(transforms),
  })
  const { level, because } = verdictOfRow(result, spec.thresholds)
  return { ...result, verdict: level, because: withUntried(because, cells) }
}

/** With few classes noise can look like the gradient of one record; an attacker knows that there is noise. */
const withoutCertainty = ({ labels, ...cell }: CellResult): CellResult => ({
  ...cell,
  labels: { ...labels, isCertain: false },
})

function withUntried(because: string, cells: readonly CellResult[]): string {
  const untried = cells.flatMap((cell) => cell.untried ?? [])
  if (untried.length === 0) return because
  return `${because}. On ${untried.length} of ${cells.length} batches nothing was tried: ${[...new Set(untried)].join(', ')}`
}

function generatorOf({ generator }: WorldFacts): AuditReport['generator'] {
  if (generator === null) return null
  const { name, hash, trainedOn, projection } = generator
  return {
    ...{ name, hash, trainedOn, projection },
    isInformative: projection === null ? null : isInformative(projection),
  }
}

function picturesOf(
  spec: AuditSpec,
  cells: readonly CellResult[],
  retainUntil: string | null,
): AuditReport['pictures'] {
  if (retainUntil === null) return null
  const byRow = spec.rows.map(({ id }, index) => ({
    row: id,
    pictures: numbered(cells.filter((cell) => cell.row === index)),
  }))
  return { retainUntil, byRow }
}

/** Cells count their records from 0; reports count on over the batches of a row. */
function numbered(cells: readonly CellResult[]): CellPicture[] {
  let before = 0
  return cells.flatMap(({ pictures, labels }) => {
    const own = (pictures ?? []).map((one) => ({ ...one, record: before + one.record }))
    before += labels.truth.length
    return own
  })
}
