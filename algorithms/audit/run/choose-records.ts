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
  const wanted = auditedCount(spec)
  if (2 * wanted > pool.count) throw tooSmall(pool.count, wanted)
  const audited = order.slice(0, wanted)
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
      `records.data has ${labels.length} records: too few of a class to compare each of the ${audited.length} audited ones with another; take more of it, or ${FEWER}`,
    )
  })
  return { placebos, rest: Int32Array.from(left) }
}

/** Before any is drawn: one large row takes them all, however few were asked for. */
const tooSmall = (held: number, wanted: number): FederationError =>
  new FederationError(
    'config/impossible',
    `records.data has ${held} records, and the audit takes ${wanted} and as many others of their classes to compare them with; take more of it, or ${FEWER}`,
  )
const FEWER =
  'audit fewer: lower records.count, or batchSize × clients of the largest row, of which whole updates are taken'
