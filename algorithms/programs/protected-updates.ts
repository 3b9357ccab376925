/**
 * Where the update transforms of a run take hold: on the client between what its method computed and what leaves, and on the
 * coordinator, which declares the groups and checks again what the transforms bound.
 */
import { tensorOf, type Bundle, type NamedTensor } from '#protocol/bundle.js'
import { FederationError, type Problem } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import { uplinkName, type UplinkGroup } from '#protocol/uplink.js'
import { CATALOGUE, type Catalogue } from '#algorithms/catalogue.js'
import { methodOf, updateTransformsOf } from '#algorithms/from-config.js'
import type { ClientHalf, Method, ServerHalf } from '#algorithms/methods/method.js'
import {
  applyTransforms,
  describeTransforms,
  largestNormOf,
} from '#algorithms/update-transforms/apply.js'
import { normOf, sizeOf } from '#algorithms/update-transforms/norm.js'
import { packingFor } from '#algorithms/update-transforms/packed.js'
import type { ConfiguredTransform } from '#algorithms/update-transforms/update-transform.js'

/** What a run does to updates of its method; null: nothing. */
export interface ProtectedUpdates {
  readonly transforms: readonly ConfiguredTransform[]
  /** Names of the groups that are transformed, together as one vector. */
  readonly deltas: readonly string[]
}

export function protectedUpdatesOf(
  config: RunConfig,
  catalogue: Catalogue = CATALOGUE,
): ProtectedUpdates | null {
  const transforms = updateTransformsOf(config, catalogue)
  return transforms.length === 0
    ? null
    : { transforms, deltas: deltasOf(methodOf(config, catalogue)) }
}

const deltasOf = ({ deltas = ['delta'] }: Pick<Method, 'deltas'>): readonly string[] => deltas

/** The groups of a round of the method, with what the transforms change about them. */
export function asProtected(
  uplink: readonly UplinkGroup[],
  updates: ProtectedUpdates | null,
): readonly UplinkGroup[] {
  if (updates === null) return uplink
  const packed = packingFor(updates.transforms)
  return uplink.map((group) => {
    if (!updates.deltas.includes(group.name)) return group
    if (packed === null) return { ...group, protected: true as const }
    // Rows of zeros are left out by then as all zeros are, or there are none.
    const { sparseRows: _sparseRows, ...rest } = group
    return { ...rest, protected: true as const, packed }
  })
}

/** The server half, which declares so. */
export function protectingServer(method: ServerHalf, updates: ProtectedUpdates | null): ServerHalf {
  if (updates === null) return method
  return {
    ...method,
    next(state) {
      const plan = method.next(state)
      return plan === 'done' ? plan : { ...plan, uplink: asProtected(plan.uplink, updates) }
    },
  }
}

/**
 * The client half, whose deltas are transformed before anyone sees them. By what the client's own code says that they are:
 * what a coordinator declares may be untrue.
 */
export function protecting(method: ClientHalf, updates: ProtectedUpdates | null): ClientHalf {
  if (updates === null) return method
  const { transforms, deltas } = updates
  return {
    ...method,
    async perform(input) {
      const result = await method.perform(input)
      const names = deltas.filter((name) => result.update[name] !== undefined)
      const tensors = names.flatMap((name) => result.update[name] ?? [])
      const moved = applyTransforms(tensors.map(float32In), transforms, input.noise)
      let next = 0
      const transformed = names.map((name) => [
        name,
        (result.update[name] ?? []).map((tensor) => ({ ...tensor, data: moved[next++]! })),
      ])
      return {
        ...result,
        update: {
          ...result.update,
          ...(Object.fromEntries(transformed) as typeof result.update),
        },
      }
    },
  }
}

function float32In({ name, data }: NamedTensor): Float32Array {
  if (data instanceof Float32Array) return data
  throw new FederationError(
    'algorithm/failed',
    `Update transforms act on float32, and ${name} is something else`,
  )
}

/** Room for rounding to float32 in what a client computed. */
const ROUNDING = 1e-5

/** Why an update cannot have come out of the transforms; null: it can. `update` with the tensors that its groups declare. */
export function normProblem(
  update: Bundle,
  uplink: readonly UplinkGroup[],
  updates: ProtectedUpdates | null,
): Problem | null {
  if (updates === null) return null
  const parts = uplink
    .filter(({ name }) => updates.deltas.includes(name))
    .flatMap(({ name, tensors }) =>
      tensors.map((tensor) => tensorOf(update, uplinkName(name, tensor.name)).data),
    )
  const largest = largestNormOf(updates.transforms, sizeOf(parts))
  const norm = normOf(parts)
  if (norm <= largest * (1 + ROUNDING)) return null
  const words = describeTransforms(updates.transforms)
  return {
    code: 'update/norm-too-large',
    message: `The update has an L2 norm of ${norm.toPrecision(6)}; the transforms of the run (${words}) leave at most ${largest.toPrecision(6)}`,
  }
}
