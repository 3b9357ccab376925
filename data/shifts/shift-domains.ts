import { createStreams, type Streams } from '#protocol/random.js'
import type { Split } from '#data/loaders/loader.js'
import { dirichletProportions } from '#data/partitioners/gamma.js'
import { checkShape, parseShift, type ShiftSpec } from './shift.js'

/** Whose rows they are, and of which split of the source. */
export interface RowsOf {
  /** The client's place among those that share the data. */
  readonly slot: number
  readonly split: Split
}

/** Of `skewed`: shares ~ Dirichlet(alpha), one draw a client; a row takes the domain in whose share its number falls. */
function skewedDomain(
  { alpha, domains }: ShiftSpec,
  streams: Streams,
  { slot, split }: RowsOf,
): (row: number) => number {
  const shares = dirichletProportions(streams('shift-shares', slot, 0), alpha, domains.length)
  return (row) => {
    let left = streams(`shift-${split}`, row, 0).uniform()
    const domain = shares.findIndex((share) => (left -= share) < 0)
    // Shares may add up to a hair less than 1.
    return domain < 0 ? shares.length - 1 : domain
  }
}

function domainOf(shift: ShiftSpec, place: RowsOf): (row: number) => number {
  const { mode, domains, seed } = shift
  const streams = createStreams(seed)
  if (mode === 'split') return () => place.slot % domains.length
  if (mode === 'skewed') return skewedDomain(shift, streams, place)
  return (row) => streams(`shift-${place.split}`, row, 0).integer(domains.length)
}

/**
 * The domain of each of a client's rows, whose numbers in the source are `rows`. A row's domain hangs on (specification,
 * split, row, slot) alone, so that who holds only these rows finds the same as who holds all.
 */
export const domainsOfRows = (shift: ShiftSpec, rows: Int32Array, place: RowsOf): Uint8Array =>
  Uint8Array.from(rows, domainOf(shift, place))

/** Names of the domains, and how many rows of each every client has. */
export interface ShiftCounts {
  readonly domains: readonly string[]
  readonly perClient: readonly (readonly number[])[]
}

/** The rows of every client, of a set whose rows have that shape. */
export interface SharedRows {
  readonly parts: readonly Int32Array[]
  readonly inputShape: readonly number[]
  readonly split: Split
}

/** What a shift makes of a partition, client by client in order. Throws data/bad-shift. */
export function describeShift(spec: string, { parts, inputShape, split }: SharedRows): ShiftCounts {
  const shift = parseShift(spec)
  checkShape(shift, inputShape)
  const perClient = parts.map((rows, slot) => {
    const counts = new Array<number>(shift.domains.length).fill(0)
    for (const domain of domainsOfRows(shift, rows, { slot, split })) counts[domain]!++
    return counts
  })
  return { domains: shift.domains.map(({ name }) => name), perClient }
}
