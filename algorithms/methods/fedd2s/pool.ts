/** The rows that arrived in a round, in one pool for each group of clients (fedd2s specification §7, step 4). */
import type { Slot } from '#protocol/ids.js'
import type { Examples } from '#data/dataset.js'
import { everyIndex, rowSize } from '#data/dataset.js'
import type { GatheredPayload } from '#algorithms/methods/method.js'
import { architectureOf, type FedD2SSetup, type HeadGroup } from './architectures.js'
import { unpackRows, type ReceivedRows, type WhereCut } from './rows.js'
import { cutAt } from './split.js'
import { LABELS } from './wire.js'

/** Whose rows lie where. */
export interface PoolMember {
  readonly slot: Slot
  /** Its first row in the pool. */
  readonly first: number
  readonly rows: number
}
export interface Pool {
  /** Activations of the shape at the cut, with their labels. */
  readonly examples: Examples
  /** [rows, C], what the clients' own models say; null unless `serverTeacher: local`. */
  readonly teacher: Float32Array | null
  /** How much each row counts; null: all alike. */
  readonly weights: Float32Array | null
  /** Ascending slots. */
  readonly members: readonly PoolMember[]
}

/** What is walked twice: first to count, then to copy, so that no row is in memory twice. */
type Payloads = () => AsyncIterable<GatheredPayload>

/** One pool for each group, in ascending slot and row order; null for a group that nobody sent anything for. */
export async function poolsOf(
  setup: FedD2SSetup,
  where: WhereCut & { readonly groups: readonly HeadGroup[] },
  payloads: Payloads,
): Promise<readonly (Pool | null)[]> {
  const { architectures, groups } = where
  const groupOf = (slot: Slot): number => architectureOf(architectures, slot).group
  const members = groups.map((): PoolMember[] => [])
  for await (const { slot, tensors } of payloads()) {
    const own = members[groupOf(slot)]!
    const last = own.at(-1)
    const first = last === undefined ? 0 : last.first + last.rows
    own.push({ slot, first, rows: tensors[LABELS]?.shape[0] ?? 0 })
  }
  const pools = groups.map((group, i) => emptyPool(setup, members[i]!, shapeAt(group, where.cut)))
  for await (const payload of payloads()) {
    const group = groupOf(payload.slot)
    const member = members[group]!.find(({ slot }) => slot === payload.slot)!
    pour(pools[group]!, member, unpackRows(setup, where, payload))
  }
  return pools.map((pool) => (pool.members.length === 0 ? null : pool))
}

const shapeAt = ({ architecture }: HeadGroup, cut: string): readonly number[] =>
  cutAt(architecture.cuts, cut).shape

function emptyPool(
  { config, hyper, model }: FedD2SSetup,
  members: readonly PoolMember[],
  inputShape: readonly number[],
): Pool {
  const { classes } = config.task
  const count = members.reduce((sum, { rows }) => sum + rows, 0)
  const source = {
    ...{ name: 'activations', inputShape, classes, count },
    features: new Float32Array(count * rowSize(inputShape)),
    labels: new Int32Array(count),
  }
  return {
    examples: { source, indices: everyIndex(count) },
    teacher: hyper.serverTeacher === 'local' ? new Float32Array(count * model.classes) : null,
    weights: config.aggregation.weighting === 'uniform' ? balanced(members, count) : null,
    members,
  }
}

/** A client's rows weigh mean(K) / K_n, so that all clients count alike and the weights' mean is 1. */
function balanced(members: readonly PoolMember[], count: number): Float32Array {
  const mean = count / members.length
  const weights = new Float32Array(count)
  for (const { first, rows } of members) weights.fill(mean / rows, first, first + rows)
  return weights
}

function pour({ examples, teacher }: Pool, { first, rows }: PoolMember, own: ReceivedRows): void {
  const { features, labels } = examples.source
  features.set(own.features, first * (own.features.length / rows))
  labels.set(own.labels, first)
  if (own.teacher !== null) teacher?.set(own.teacher, first * (own.teacher.length / rows))
}
