/**
 * Which model each client has, where it can be cut, and who shares a head (fedd2s specification §3). Clients whose activations
 * have the same shapes at every cut are a group; every group has a head stack of its own.
 */
import { FederationError } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import type { RunConfig } from '#protocol/run-config.js'
import { modelFrom } from '#algorithms/catalogue-lookup.js'
import type { Model } from '#algorithms/models/model.js'
import { tapsOf, type Tap } from '#algorithms/models/taps.js'
import { MODELS } from '#algorithms/models/zoo.js'
import type { MethodSetup } from '#algorithms/methods/method.js'
import type { FedD2SHyper } from './hyper.js'

export type FedD2SSetup = MethodSetup<FedD2SHyper>

/** One of the models that clients have. */
export interface Architecture {
  /** 0: the configured model; then `otherModels`. */
  readonly index: number
  readonly choice: RunConfig['model']
  readonly model: Model
  /** The dropping set, deep → shallow, as taps of this model. */
  readonly cuts: readonly Tap[]
  /** Number of its group: the head that it shares. */
  readonly group: number
}
/** Clients that share a head. Its topology is that of the group's first architecture. */
export interface HeadGroup {
  readonly index: number
  readonly architecture: Architecture
}

/**
 * All architectures of a run, in order. Throws `model/does-not-fit` for a model that the task cannot enter, and
 * `config/impossible` for a cut that some model does not have, that is not deeper than the next, or that is the head
 * (allowed with `profile: models` alone).
 */
export function architecturesOf({ config, model, hyper }: FedD2SSetup): readonly Architecture[] {
  const built = [
    { choice: config.model, model },
    ...hyper.otherModels
      .map((choice) => choice as RunConfig['model'])
      .map((choice) => ({ choice, model: otherModel(config, choice) })),
  ]
  const names = cutNames(hyper, model)
  const groups: string[] = []
  return built.map((one, index) => {
    const cuts = names.map((name) => cutOf(one.model, name))
    assertOrder(one.model, cuts, hyper)
    const shapes = JSON.stringify(cuts.map(({ shape }) => shape))
    // Adapters bring all others to the shapes of the first.
    const key = hyper.adapter === 'linear' ? (groups[0] ?? shapes) : shapes
    const known = groups.indexOf(key)
    const group = known < 0 ? groups.push(key) - 1 : known
    return { index, ...one, cuts, group }
  })
}

/** Dealt in turn, so that a slot keeps its model whoever else joins. */
export const architectureOf = (architectures: readonly Architecture[], slot: Slot): Architecture =>
  architectures[slot % architectures.length]!

export function groupsOf(architectures: readonly Architecture[]): readonly HeadGroup[] {
  const firsts = architectures.filter(
    ({ group }, i) => architectures.findIndex((other) => other.group === group) === i,
  )
  return firsts.map((architecture, index) => ({ index, architecture }))
}

function cutNames(
  { cuts, minCut, profile, schedule }: FedD2SHyper,
  model: Model,
): readonly string[] {
  if (cuts !== null) return cuts
  const taps = tapsOf(model)
  const deepest = profile === 'models' ? taps : taps.slice(0, -1)
  const shallowest = minCut === null ? 1 : cutOf(model, minCut, 'method.minCut').depth
  const names = deepest
    .filter(({ depth }) => depth >= shallowest)
    .map(({ name }) => name)
    .toReversed()
  return schedule === 'fixed' ? names.slice(0, 1) : names
}

function cutOf(model: Model, name: string, key = 'method.cuts'): Tap {
  const taps = tapsOf(model)
  const found = taps.find((tap) => tap.name === name)
  if (found !== undefined) return found
  const known = taps.map((tap) => tap.name).join(', ')
  throw impossible(`${key}: ${model.name} has no cut ${name}; it has ${known}`)
}

function assertOrder(model: Model, cuts: readonly Tap[], { profile, schedule }: FedD2SHyper): void {
  if (cuts.length === 0) throw impossible('method.cuts: no cut is left below the head')
  for (const [i, { name, depth }] of cuts.entries()) {
    const deeper = cuts[i - 1]
    if (deeper !== undefined && deeper.depth <= depth)
      throw impossible(`method.cuts: ${name} is not shallower than ${deeper.name} before it`)
  }
  if (schedule === 'fixed' && cuts.length > 1)
    throw impossible('method.schedule fixed takes one cut; name one in method.cuts')
  if (profile === 'features' && cuts[0]!.depth === tapsOf(model).length) {
    throw impossible(
      `method.cuts: behind ${cuts[0]!.name} there is nothing left for the server to train; begin with the layer before it, or set method.profile models`,
    )
  }
}

function otherModel({ task }: RunConfig, choice: RunConfig['model']): Model {
  try {
    return modelFrom(MODELS, choice, task)
  } catch (cause) {
    if (!(cause instanceof FederationError)) throw cause
    throw new FederationError(cause.code, `method.otherModels: ${cause.message}`, { cause })
  }
}

const impossible = (message: string): FederationError =>
  new FederationError('config/impossible', message)
