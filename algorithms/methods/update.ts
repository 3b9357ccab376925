import { makeBundle, tensorOf } from '#protocol/bundle.js'
import type { Bundle, NamedTensor } from '#protocol/bundle.js'
import { asFederationError, FederationError } from '#protocol/errors.js'
import { fail, ok, type Result } from '#protocol/result.js'
import { uplinkName } from '#protocol/uplink.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { validateUpdate, type UpdateLimits } from '#algorithms/aggregators/validate.js'
import { packedGroup, unpackedGroup } from '#algorithms/update-transforms/packed.js'
import type { Folded, FoldedGroup, PerformResult } from './method.js'
import { withAllRows, withoutZeroRows } from './sparse-rows.js'

/**
 * The bundle that leaves a client: exactly the declared tensors, in declared order, named `group/tensor`; without their rows
 * of zeros, or packed, where the group says so. `asDeclared` is its inverse.
 */
export function packUpdate(
  update: PerformResult['update'],
  uplink: readonly UplinkGroup[],
): Bundle {
  const declared = new Set(uplink.map((group) => group.name))
  const extra = Object.keys(update).find((name) => !declared.has(name))
  if (extra !== undefined) {
    throw new FederationError(
      'algorithm/failed',
      `The client half made group ${extra}, which its task does not declare`,
    )
  }
  return makeBundle(uplink.flatMap((group) => packGroup(update[group.name] ?? [], group)))
}

function packGroup(tensors: readonly NamedTensor[], group: UplinkGroup): readonly NamedTensor[] {
  const packed = group.tensors.map(({ name }) => {
    const tensor = tensors.find((one) => one.name === name)
    if (tensor === undefined || tensors.length !== group.tensors.length) {
      throw new FederationError(
        'algorithm/failed',
        `The client half did not make group ${group.name} as declared`,
      )
    }
    return tensor
  })
  return travelling(packed, group).map((tensor) => ({
    ...tensor,
    name: uplinkName(group.name, tensor.name),
  }))
}

function travelling(
  tensors: readonly NamedTensor[],
  { packed, sparseRows }: UplinkGroup,
): readonly NamedTensor[] {
  if (packed !== undefined) return packedGroup(tensors, packed)
  return sparseRows === true ? withoutZeroRows(tensors) : tensors
}

/** An update with the tensors that its groups declare, however it travelled. Throws `update/malformed` when it cannot be. */
export function asDeclared(update: Bundle, uplink: readonly UplinkGroup[]): Bundle {
  const others = uplink.filter(
    ({ sparseRows, packed }) => sparseRows === true || packed !== undefined,
  )
  if (others.length === 0) return update
  const done = new Set<string>()
  return makeBundle(
    update.tensors.flatMap(({ name }): readonly NamedTensor[] => {
      const group = others.find((one) => name.startsWith(`${one.name}/`))
      if (group === undefined) return [tensorOf(update, name)]
      if (done.has(group.name)) return []
      done.add(group.name)
      return group.packed === undefined ? withAllRows(update, group) : unpackedGroup(update, group)
    }),
    update.meta,
  )
}

/**
 * What arrived, as its groups declare it and fit to count: completed where it travelled in a smaller form, then checked. Fails
 * with what is wrong: `update/malformed`, `update/not-finite`, `update/out-of-range`, `update/bad-weight`.
 */
export function receiveUpdate(
  arrived: Bundle,
  weight: number,
  limits: UpdateLimits & { readonly uplink: readonly UplinkGroup[] },
): Result<Bundle> {
  try {
    const update = asDeclared(arrived, limits.uplink)
    const problem = validateUpdate(update, weight, limits)
    return problem === null ? ok(update) : fail(new FederationError(problem.code, problem.message))
  } catch (error) {
    return fail(asFederationError(error, 'update/malformed'))
  }
}

export type SummedGroup = Extract<FoldedGroup, { reduce: 'mean' | 'sum' }>
export type GatheredGroup = Extract<FoldedGroup, { reduce: 'gather' }>

/** A mean or sum group of a closed round. Throws `algorithm/failed` when the plan did not ask for it. */
export function summedGroup(folded: Folded, name: string): SummedGroup {
  const group = folded.groups[name]
  if (group === undefined || group.reduce === 'gather') {
    throw new FederationError('algorithm/failed', `The round has no mean or sum named ${name}`)
  }
  return group
}

/** A gather group of a closed round. Throws `algorithm/failed` when the plan did not ask for it. */
export function gatheredGroup(folded: Folded, name: string): GatheredGroup {
  const group = folded.groups[name]
  if (group?.reduce !== 'gather') {
    throw new FederationError('algorithm/failed', `The round gathered nothing named ${name}`)
  }
  return group
}

/** The single number of a tensor of one element. */
export function scalarOf(group: SummedGroup, tensor: string): number {
  const [value] = group.tensors[tensor] ?? []
  if (value === undefined) {
    throw new FederationError('algorithm/failed', `The round folded no number named ${tensor}`)
  }
  return value
}
