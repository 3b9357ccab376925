/**
 * What the server keeps: a stack of heads for each group of clients. Heads of all cuts are suffixes of one model G, so that the
 * head grows at its input end when the cut moves (`headSharing: suffix`), or each cut has a head of its own (`perCut`); fedd2s
 * specification §3.2.
 */
import { makeBundle, nestBundles, partOf, tensorsOf, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { takenOver } from '#algorithms/models/backbone.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import type { Tap } from '#algorithms/models/taps.js'
import type { Architecture, FedD2SSetup, HeadGroup } from './architectures.js'
import { headAbove, type Head } from './split.js'

/** Of one group, by where their cut stands in the dropping set: params of the head above it. Suffixes are views of one array. */
type Stack = readonly Float32Array[]

/** A state: the stacks by group, and r, the rounds closed so far. */
export interface Heads {
  readonly round: number
  readonly stacks: readonly Stack[]
}

/** The head of a group at the cut that stands at `place` in the dropping set. */
export const headOf = ({ architecture }: HeadGroup, place: number): Head =>
  headAbove(architecture.model, tapAt(architecture, place))

export function tapAt({ cuts, model }: Architecture, place: number): Tap {
  const tap = cuts[place]
  if (tap !== undefined) return tap
  throw new FederationError('internal/bug', `${model.name} has ${cuts.length} cuts, asked ${place}`)
}

/** Blocks up to the shallowest cut are never used, and not kept. */
export function initialHeads(
  setup: FedD2SSetup,
  groups: readonly HeadGroup[],
  startFrom: Bundle | null,
): Heads {
  const stacks = groups.map((group) => {
    const params = firstOf(setup, group.architecture, startFrom)
    return group.architecture.cuts.map((_, place) => suffixOf(params, headOf(group, place)))
  })
  return { round: 0, stacks }
}

/** What the clients of this architecture begin with, too: all clients and all heads start from one draw (§7). */
function firstOf(
  { streams }: FedD2SSetup,
  { index, model }: Architecture,
  startFrom: Bundle | null,
): Float32Array {
  const seeded = model.init(streams('init', index, 0))
  return startFrom === null || index > 0 ? seeded : takenOver(model, startFrom, seeded)
}

const suffixOf = (params: Float32Array, { layout }: Head): Float32Array =>
  params.subarray(params.length - layout.parameterCount)

/** The same heads one round later, with one of them replaced in every group that has another. Null: as it was. */
export function nextHeads(
  { hyper }: Pick<FedD2SSetup, 'hyper'>,
  { round, stacks }: Heads,
  trained: { readonly place: number; readonly heads: readonly (Float32Array | null)[] },
): Heads {
  const { place, heads } = trained
  const after = stacks.map((stack, group): Stack => {
    const head = heads[group]
    if (head === null || head === undefined) return stack
    if (hyper.headSharing === 'perCut') return stack.with(place, head)
    const whole = stack.at(-1)!.slice()
    whole.set(head, whole.length - head.length)
    return stack.map(({ length }) => whole.subarray(whole.length - length))
  })
  return { round: round + 1, stacks: after }
}

/** Parts `<group>-<place>`: the shallowest cut's alone where heads are suffixes of it, else one for each cut. */
export function headsState(
  { hyper }: Pick<FedD2SSetup, 'hyper'>,
  groups: readonly HeadGroup[],
  { round, stacks }: Heads,
): Bundle {
  const parts = groups.flatMap((group, i) =>
    keptPlaces(hyper.headSharing, group).map(
      (place) =>
        [
          partName(i, place),
          paramsBundle(headOf(group, place).layout, stacks[i]![place]!),
        ] as const,
    ),
  )
  const nested = nestBundles(Object.fromEntries(parts))
  return makeBundle(tensorsOf(nested), { ...nested.meta, round })
}

export function headsIn(
  { hyper }: Pick<FedD2SSetup, 'hyper'>,
  groups: readonly HeadGroup[],
  state: Bundle,
): Heads {
  const stacks = groups.map((group, i): Stack => {
    const kept = keptPlaces(hyper.headSharing, group).map((place) =>
      paramsOf(headOf(group, place).layout, partOf(state, partName(i, place))),
    )
    if (hyper.headSharing === 'perCut') return kept
    return group.architecture.cuts.map((_, place) => suffixOf(kept[0]!, headOf(group, place)))
  })
  return { round: Number(state.meta['round']), stacks }
}

const partName = (group: number, place: number): string => `${group}-${place}`

function keptPlaces(
  sharing: 'suffix' | 'perCut',
  { architecture: { cuts } }: HeadGroup,
): readonly number[] {
  const places = cuts.map((_, place) => place)
  return sharing === 'perCut' ? places : places.slice(-1)
}
