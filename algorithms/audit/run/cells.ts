import { sha256, type Hash } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import { VERSION } from '#protocol/version.js'
import { rowConfig, type AuditSpec, type RowSpec } from './spec.js'

/** One batch of records under one row: what is computed at once, kept when it is finished, and not computed again. */
export interface AuditCell {
  /** Index among the rows of the specification. */
  readonly row: number
  /** From 0. */
  readonly batch: number
  /** Of everything its numbers depend on, and of nothing else: other rows that take no more records keep it. */
  readonly key: Hash
}

/** Batches that a row makes of the records. */
export function batchesOf(spec: Pick<AuditSpec, 'records' | 'batches'>, row: RowSpec): number {
  const wanted = Math.ceil(spec.records.count / (row.batchSize * row.clients))
  return Math.min(wanted, spec.batches ?? wanted)
}

/** Records that the largest row audits. */
export const auditedCount = (spec: Pick<AuditSpec, 'rows' | 'records' | 'batches'>): number =>
  Math.max(...spec.rows.map((row) => batchesOf(spec, row) * row.batchSize * row.clients))

/** Every cell: all batches of the first row, then of the second. */
export const cellsOf = (spec: AuditSpec): readonly AuditCell[] =>
  spec.rows.flatMap((row, index) =>
    Array.from({ length: batchesOf(spec, row) }, (_, batch) => ({
      ...{ row: index, batch },
      key: keyOf(spec, row, batch),
    })),
  )

function keyOf(spec: AuditSpec, row: RowSpec, batch: number): Hash {
  const { task, model, method, training, seed, startFrom, rounds } = rowConfig(spec, row)
  const { id: _id, ...asked } = row
  return sha256(
    canonicalJson({
      version: VERSION,
      run: { task, model, method, training, seed, startFrom, rounds },
      row: asked,
      batch,
      records: spec.records,
      // Placebos and candidates are drawn from what all rows leave.
      audited: auditedCount(spec),
      ...{ auxiliary: spec.auxiliary, methods: spec.methods },
      // Nothing else is tried after an exact leak, unless methods were asked for by name.
      exact: spec.methods === null ? spec.thresholds.analyticResidual : null,
      generator: [spec.generator, spec.generatorClasses],
      ...{ budget: spec.budget, batches: spec.batches, seed: spec.seed, compute: spec.compute },
    }),
  )
}

/** Identity of what an audit was asked: equal questions, equal hash. */
export const auditHash = (spec: AuditSpec): Hash =>
  sha256(canonicalJson({ version: VERSION, spec }))
