/** How much one client may send, and how much one round may gather: decided before a run begins, and held while it goes on. */
import { BYTES_PER_ELEMENT } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { methodOf } from '#algorithms/from-config.js'
import { askedOf } from './cohort.js'
import type { RoundKind } from './compute/compute.js'

export interface UplinkLimits {
  /** Largest update of one client, in bytes of its tensors. */
  readonly maxUpdateBytes: number
  /** Most that a round keeps of all its members until it closes: groups that are gathered, not summed. */
  readonly maxRoundBytes: number
}

const bytesOf = (groups: readonly UplinkGroup[]): number =>
  groups.reduce((sum, { maxBytes }) => sum + maxBytes, 0)
const isGathered = ({ reduce }: UplinkGroup): boolean => reduce === 'gather'
export const updateBytes = ({ uplink }: Pick<RoundKind, 'uplink'>): number => bytesOf(uplink)
/** What of one update is kept until the round closes. */
export const gatheredBytes = ({ uplink }: Pick<RoundKind, 'uplink'>): number =>
  bytesOf(uplink.filter(isGathered))

/**
 * Throws `config/too-large` when an update of some round, or what a round gathers of its cohort, could be above the limits.
 * `members`: how many are known when the run begins; a cohort that is not a fixed number is taken to be of these.
 */
export function assertWithin(
  limits: UplinkLimits,
  config: RunConfig,
  { kinds, members }: { readonly kinds: readonly RoundKind[]; readonly members: number },
): void {
  const gathered = (kind: RoundKind): number =>
    largestCohort(config, kind, members) * gatheredBytes(kind)
  const [most, widest] = [largestBy(kinds, updateBytes), largestBy(kinds, gathered)]
  if (most !== undefined && updateBytes(most) > limits.maxUpdateBytes) {
    const what = `One update of ${placeOf(most)} may have ${mb(updateBytes(most))}`
    throw tooLarge(config, most, { what, limit: limits.maxUpdateBytes, remedies: [] })
  }
  if (widest !== undefined && gathered(widest) > limits.maxRoundBytes) {
    const cohort = largestCohort(config, widest, members)
    const what = `${cohort} members × ${mb(gatheredBytes(widest))} of an update = ${mb(gathered(widest))} may be gathered in ${placeOf(widest)}`
    const remedies = widest.audience === 'cohort' ? ['cohort.size'] : []
    throw tooLarge(config, widest, { what, limit: limits.maxRoundBytes, remedies })
  }
}

/** The first of the largest. */
const largestBy = (
  kinds: readonly RoundKind[],
  sizeOfKind: (kind: RoundKind) => number,
): RoundKind | undefined => kinds.toSorted((a, b) => sizeOfKind(b) - sizeOfKind(a))[0]

const placeOf = ({ part }: RoundKind): string => `a round of the ${part}`

/** Asked of members that are there when the run begins: as configured, at least as many as must report. */
function largestCohort({ cohort }: RunConfig, { audience }: RoundKind, members: number): number {
  const known = Math.max(members, cohort.minReporters, 1)
  if (audience === 'everyone') return known
  const { take } = cohort
  const isFixed = take !== 'all' && 'size' in take
  return askedOf(cohort, isFixed ? Infinity : known)
}

function tooLarge(
  config: RunConfig,
  { uplink, part }: RoundKind,
  excess: { readonly what: string; readonly limit: number; readonly remedies: readonly string[] },
): FederationError {
  const { what, limit, remedies } = excess
  const varies = uplink.some(({ tensors }) => tensors.some(({ shape }) => shape.includes(null)))
  const settings = [
    ...(part === 'method' ? (methodOf(config).smallerBy ?? []) : []),
    ...(varies ? ['aggregation.maxExamples'] : []),
    ...remedies,
  ]
  // Scores and the like explain nothing.
  const weighty = uplink.filter(({ maxBytes }) => maxBytes > bytesOf(uplink) / 1000)
  const advice = settings.length === 0 ? '' : `. What makes it smaller: ${settings.join(', ')}`
  return new FederationError(
    'config/too-large',
    `${what}, above this coordinator's limit of ${mb(limit)}: ${weighty.map(formulaOf).join('; ')}${advice}`,
  )
}

/** `samples = (features [·, 48] float32 + labels [·] uint8): 193 B × 20,000 rows = 3.86 MB`. */
function formulaOf({ name, tensors, maxBytes }: UplinkGroup): string {
  const parts = tensors.map(
    ({ name: tensor, shape, dtype }) =>
      `${tensor} [${shape.map((length) => length ?? 'rows').join(', ')}] ${dtype}`,
  )
  const rowBytes = bytesOfRow(tensors)
  const rows =
    rowBytes === null ? '' : `: ${number(rowBytes)} B × ${number(maxBytes / rowBytes)} rows`
  return `${name} = ${parts.join(' + ')}${rows} = ${mb(maxBytes)}`
}

/** Null unless each tensor has one open dimension, the first: then the group is rows. */
function bytesOfRow(tensors: UplinkGroup['tensors']): number | null {
  const sizes = tensors.map(({ shape: [first, ...rest], dtype }) => {
    const isRow = first === null && !rest.includes(null)
    return isRow
      ? rest.reduce<number>((size, length) => size * (length ?? 1), BYTES_PER_ELEMENT[dtype])
      : null
  })
  return sizes.reduce<number | null>(
    (sum, size) => (sum === null || size === null ? null : sum + size),
    0,
  )
}

const number = (value: number): string => Math.floor(value).toLocaleString('en-US')
const mb = (bytes: number): string =>
  `${(bytes / 1e6).toLocaleString('en-US', { maximumFractionDigits: 2 })} MB`
