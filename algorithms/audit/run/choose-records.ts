import { FederationError } from '#protocol/errors.js'
import { createStreams } from '#protocol/random.js'
import { everyIndex, type Dataset } from '#data/dataset.js'
import { drawCandidates, type Candidates } from '#algorithms/audit/metrics/identification.js'
import { auditedCount } from './cells.js'
import type { AuditSpec } from './spec.js'

/** An audited record: rows of the pool. */
export interface ChosenRecord {
  readonly row: number
  /** Another record of the same class, whose update takes the place of its own in the placebo. */
  readonly placebo: number
  /** What it is to be told from; neither audited nor a placebo. */
  readonly candidates: Candidates
}

/**
 * Which records of the pool are audited, in the order in which batches take them; every row takes the same. Throws
 * `config/impossible` where the pool is too small.
 */
export function chooseRecords(
  pool: Dataset,
  spec: Pick<AuditSpec, 'rows' | 'records' | 'batches' | 'seed'>,
): readonly ChosenRecord[] {
  const streams = createStreams(spec.seed)
  const order = streams('audit-records', 0, 0).shuffle(everyIndex(pool.count))
  const audited = order.slice(0, auditedCount(spec))
  const { placebos, rest } = placebosFor(audited, order.slice(audited.length), pool.labels)
  const drawn = drawCandidates(
    { source: pool, indices: rest },
    {
      labels: audited.map((row) => pool.labels[row]!),
      candidates: spec.records.candidates,
      stream: streams('audit-candidates', 0, 0),
    },
  )
  return Array.from(audited, (row, i) => ({ row, placebo: placebos[i]!, candidates: drawn[i]! }))
}

/** The first record of the same class for each, and what is left. */
function placebosFor(audited: Int32Array, others: Int32Array, labels: Int32Array) {
  const left = new Set(others)
  const placebos = Array.from(audited, (row) => {
    for (const other of left) {
      if (labels[other] !== labels[row]) continue
      left.delete(other)
      return other
    }
    throw new FederationError(
      'config/impossible',
      `records.data has ${labels.length} records: too few of a class to compare each of the ${audited.length} audited ones with another; take more of it, or set records.count lower`,
    )
  })
  return { placebos, rest: Int32Array.from(left) }
}
