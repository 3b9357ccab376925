import { float64Of, makeBundle, tensorOf } from '#protocol/bundle.js'
import type { Bundle, NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import { uplinkName } from '#protocol/uplink.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import type { Folded, FoldedGroup } from '#algorithms/methods/method.js'
import type { Aggregator, GroupFold, MemberUpdate } from './aggregator.js'
import { createGroupSum } from './fixed-point.js'
import { createGather } from './gather.js'
import type { Gather } from './gather.js'
import { mean } from './mean.js'

export interface Fold {
  /** Adds one valid update (see `validateUpdate`). Throws `algorithm/failed` when the slot was counted already. */
  add(member: MemberUpdate): void
  /** Adds what another fold of the same uplink left with `toPartial`. `reload` as in `MemberUpdate`. */
  addPartial(partial: Bundle, reload?: () => Promise<Bundle>): void
  /** Everything added so far as one bundle: exact sums, the members, and every gathered payload. */
  toPartial(): Bundle
  /**
   * Throws `round/too-few-reporters` when nothing was added, unless the round may close empty: then means and sums are zeros
   * of no weight.
   */
  finish(round: FoldedRound): Folded
}

export interface FoldedRound {
  readonly population: number
  /** As `cohort.minReporters` 0 says. */
  readonly mayBeEmpty?: boolean
}

type Members = Map<Slot, number>
interface FoldState {
  readonly uplink: readonly UplinkGroup[]
  readonly members: Members
  readonly sums: ReadonlyMap<string, GroupFold>
  readonly gathers: ReadonlyMap<string, Gather>
}

/**
 * Folds a round's updates group by group, streaming: what it keeps does not grow with the cohort, except gathered tensors
 * of members added without `reload`. The result is the same for every order and every grouping into partials.
 */
export function createFold(uplink: readonly UplinkGroup[], aggregator: Aggregator = mean): Fold {
  const state: FoldState = {
    uplink,
    members: new Map(),
    sums: new Map(
      uplink
        .filter((group) => group.reduce !== 'gather')
        .map((group) => [
          group.name,
          group.reduce === 'mean' ? aggregator.start(group) : createGroupSum(group),
        ]),
    ),
    gathers: new Map(
      uplink
        .filter((group) => group.reduce === 'gather')
        .map((group) => [group.name, createGather(group)]),
    ),
  }
  return {
    add: (member) => addMember(state, member),
    addPartial: (partial, reload) => addPartial(state, partial, reload),
    toPartial: () => toPartial(state),
    finish: (round) => finish(state, round),
  }
}

/** True for a bundle that `toPartial` made. */
export const isPartial = (bundle: Bundle): boolean => bundle.meta['partial'] === 1

function enter(members: Members, slot: Slot, weight: number): void {
  if (members.has(slot)) {
    throw new FederationError('algorithm/failed', `Slot ${slot} was folded twice in one round`)
  }
  members.set(slot, weight)
}

const weightIn = (group: UplinkGroup, weight: number): number =>
  group.weight === 'examples' ? weight : 1

function addMember({ uplink, members, sums, gathers }: FoldState, member: MemberUpdate): void {
  const { slot, weight, update } = member
  enter(members, slot, weight)
  for (const group of uplink) {
    sums.get(group.name)?.add(tensorsOf(update, group), weightIn(group, weight))
    gathers
      .get(group.name)
      ?.add({ slot, weight, source: update, prefix: group.name }, member.reload)
  }
}

/** The group's tensors under their declared names. */
function tensorsOf(update: Bundle, group: UplinkGroup): readonly NamedTensor[] {
  return group.tensors.map(({ name }) => ({
    ...tensorOf(update, uplinkName(group.name, name)),
    name,
  }))
}

function toPartial({ uplink, members, sums, gathers }: FoldState): Bundle {
  const tensors = uplink.flatMap((group): readonly NamedTensor[] => {
    const totals = sums.get(group.name)?.partial()
    if (totals === undefined) return gathers.get(group.name)?.tensors() ?? []
    return group.tensors.map(({ name }) => {
      const data = totals.tensors[name] ?? new Float64Array(0)
      return { name: uplinkName(group.name, name), shape: [data.length], dtype: 'float64', data }
    })
  })
  return makeBundle(tensors, { partial: 1, members: inSlotOrder(members) })
}

const inSlotOrder = (members: Members): readonly (readonly [Slot, number])[] =>
  [...members].sort(([a], [b]) => a - b)

function addPartial(state: FoldState, partial: Bundle, reload?: () => Promise<Bundle>): void {
  const added = membersOf(partial)
  for (const [slot, weight] of added) enter(state.members, slot, weight)
  for (const group of state.uplink) {
    state.sums.get(group.name)?.merge({
      tensors: Object.fromEntries(
        group.tensors.map(({ name }) => [name, float64Of(partial, uplinkName(group.name, name))]),
      ),
      totalWeight: added.reduce((sum, [, weight]) => sum + weightIn(group, weight), 0),
      count: added.length,
    })
    for (const [slot, weight] of added) {
      const prefix = `${group.name}/${slot}`
      state.gathers.get(group.name)?.add({ slot, weight, source: partial, prefix }, reload)
    }
  }
}

function membersOf(partial: Bundle): readonly (readonly [Slot, number])[] {
  const members: unknown = partial.meta['members']
  const isPair = (pair: unknown): pair is [Slot, number] =>
    Array.isArray(pair) && pair.length === 2 && pair.every(Number.isSafeInteger)
  if (!isPartial(partial) || !Array.isArray(members) || !members.every(isPair)) {
    throw new FederationError('bundle/malformed', 'Expected a partial sum with its members')
  }
  return members
}

function finish(
  { uplink, members, sums, gathers }: FoldState,
  { population, mayBeEmpty = false }: FoldedRound,
): Folded {
  const isEmpty = members.size === 0
  if (isEmpty && !mayBeEmpty) {
    throw new FederationError(
      'round/too-few-reporters',
      'Expected at least one update to fold, got none',
    )
  }
  const groups = uplink.map((group): [string, FoldedGroup] => {
    const sum = sums.get(group.name)
    if (sum !== undefined) {
      const totals = isEmpty ? sum.partial() : sum.finish()
      return [group.name, { reduce: group.reduce === 'sum' ? 'sum' : 'mean', ...totals }]
    }
    const gather = gathers.get(group.name)
    return [
      group.name,
      { reduce: 'gather', count: members.size, payloads: () => payloadsOf(gather) },
    ]
  })
  return {
    groups: Object.fromEntries(groups),
    reporters: inSlotOrder(members).map(([slot]) => slot),
    population,
  }
}

async function* payloadsOf(gather: Gather | undefined) {
  if (gather !== undefined) yield* gather.payloads()
}
