import type { NamedTensor, TypedArray } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Grid, UplinkGroup } from '#protocol/uplink.js'
import type { GroupFold, GroupTotals } from './aggregator.js'
import { fitsExactly } from './grid.js'

/** Grid integers of one group, summed in float64 below 2^53: exact, hence the same in any order and grouping. */
export function createGroupSum(group: UplinkGroup): GroupFold {
  const grid = gridOf(group)
  const sums = new Map(group.tensors.map((t) => [t.name, new Float64Array(sizeOf(group, t.shape))]))
  let totalWeight = 0
  let count = 0

  const grow = (weight: number, members: number): void => {
    if (!fitsExactly(grid, totalWeight + weight)) {
      throw new FederationError(
        'config/impossible',
        `Group ${group.name}: a total weight of ${totalWeight + weight} exceeds its grid of ${grid.bits} bits; lower cohort.take or aggregation.maxExamples`,
      )
    }
    totalWeight += weight
    count += members
  }

  return {
    add(tensors, weight) {
      grow(weight, 1)
      for (const tensor of tensors)
        addScaled(sumOf(sums, tensor), floatsOf(tensor), { grid, weight })
    },
    merge(totals) {
      grow(totals.totalWeight, totals.count)
      for (const [name, values] of Object.entries(totals.tensors)) {
        addExact(sumOf(sums, { name, data: values }), values)
      }
    },
    partial: () => ({ tensors: copyOf(sums), totalWeight, count }),
    finish() {
      if (count === 0) {
        throw new FederationError('round/too-few-reporters', `Group ${group.name}: nothing to fold`)
      }
      return { tensors: decoded(sums, grid), totalWeight, count }
    },
  }
}

function gridOf(group: UplinkGroup): Grid {
  if (group.grid === null) {
    throw new FederationError('algorithm/failed', `Group ${group.name} is folded but has no grid`)
  }
  return group.grid
}

function sizeOf(group: UplinkGroup, shape: readonly (number | null)[]): number {
  return shape.reduce<number>((size, dimension) => {
    if (dimension === null) {
      throw new FederationError(
        'algorithm/failed',
        `Group ${group.name}: only gather groups may vary in shape`,
      )
    }
    return size * dimension
  }, 1)
}

function sumOf(
  sums: ReadonlyMap<string, Float64Array>,
  { name, data }: Pick<NamedTensor, 'name' | 'data'>,
): Float64Array {
  const sum = sums.get(name)
  if (sum === undefined || sum.length !== data.length) {
    throw new FederationError(
      'algorithm/failed',
      `Tensor ${name} was folded before it was validated`,
    )
  }
  return sum
}

/** Values that an addition can take; float16 travels as bit patterns and is refused here. */
function floatsOf({ name, dtype, data }: NamedTensor): TypedArray {
  if (dtype === 'float16') {
    throw new FederationError(
      'algorithm/failed',
      `Tensor ${name}: float16 can be gathered, not summed`,
    )
  }
  return data
}

/** sums += weight · round(values · 2^bits). Scaling by a power of two is exact, so only `round` rounds. */
function addScaled(
  sums: Float64Array,
  values: TypedArray,
  { grid, weight }: { readonly grid: Grid; readonly weight: number },
): void {
  const scale = 2 ** grid.bits
  for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! + weight * Math.round(values[i]! * scale)
}

function addExact(sums: Float64Array, values: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! + values[i]!
}

function copyOf(sums: ReadonlyMap<string, Float64Array>): GroupTotals['tensors'] {
  return Object.fromEntries([...sums].map(([name, sum]) => [name, sum.slice()]))
}

/** From grid integers back to numbers: exact, since the step is a power of two. */
function decoded(sums: ReadonlyMap<string, Float64Array>, { bits }: Grid): GroupTotals['tensors'] {
  return Object.fromEntries([...sums].map(([name, sum]) => [name, scaled(sum, 2 ** -bits)]))
}

function scaled(values: Float64Array, by: number): Float64Array {
  const result = new Float64Array(values.length)
  for (let i = 0; i < values.length; i++) result[i] = values[i]! * by
  return result
}
