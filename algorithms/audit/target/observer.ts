/** From what left the clients to what an attack matches: the same numbers as one gradient. Gifd specification §4.4, §10. */
import type { RunConfig } from '#protocol/run-config.js'
import {
  estimatedDeviation,
  noiseFloor,
  nonZeros,
  roundingEnergy,
} from '#algorithms/audit/matching/noise.js'
import { updateTransformsOf } from '#algorithms/from-config.js'
import type { Model } from '#algorithms/models/model.js'
import { protectionOf } from '#algorithms/update-transforms/apply.js'
import { normOf } from '#algorithms/update-transforms/norm.js'
import type { ConfiguredTransform } from '#algorithms/update-transforms/update-transform.js'
import type { ClientUpdate, DeltaParts } from './client-update.js'

/** The transforms of a run as far as they matter to an observer, in units of the observed gradient. */
export interface SeenDefence {
  /** L2 norm at which a client clips; null: it does not. */
  readonly clipNorm: number | null
  /** Standard deviation of the noise on every number, as configured; 0: none. */
  readonly deviation: number
  /** Numbers were left out, and it can be seen which. */
  readonly isSparse: boolean
  /** They were left out before the update was clipped, so that its length is of what is left. */
  readonly isMaskedFirst: boolean
  /** Of the coarsest rounding; null: none. */
  readonly bits: number | null
}

/** `perUnit`: the length of the observed gradient by that of what was sent. `clients`: whose updates are averaged. */
export function seenDefence(
  config: RunConfig,
  { perUnit, clients }: { readonly perUnit: number; readonly clients: number },
): SeenDefence {
  const transforms = updateTransformsOf(config)
  const { clip } = protectionOf(transforms)
  const noises = transforms.map(({ transform, options }) => transform.noise?.(options) ?? 0)
  const bits = transforms.flatMap(({ transform, options }) => transform.bits?.(options) ?? [])
  return {
    clipNorm: clip === Infinity ? null : clip * perUnit,
    deviation: (perUnit * Math.hypot(...noises)) / Math.sqrt(clients),
    isSparse: leavesZeros(transforms),
    isMaskedFirst: leavesZeros(transforms) && isClippedLast(transforms, clip),
    bits: bits.length === 0 ? null : Math.min(...bits),
  }
}

/** Whether nothing is left out any more where updates are first clipped to that norm. */
function isClippedLast(transforms: readonly ConfiguredTransform[], norm: number): boolean {
  if (norm === Infinity) return false
  const clip = transforms.findIndex(
    ({ transform, options }) => transform.largestNorm(Infinity, options, 1) === norm,
  )
  return clip > transforms.findLastIndex(leavesOut)
}

const leavesOut = ({ transform, options }: ConfiguredTransform): boolean =>
  (transform.keeps?.(options) ?? 1) < 1

/** Noise fills the gaps of what comes before it. */
function leavesZeros(transforms: readonly ConfiguredTransform[]): boolean {
  const lastNoise = transforms.findLastIndex(
    ({ transform, options }) => (transform.noise?.(options) ?? 0) > 0,
  )
  return transforms.slice(lastNoise + 1).some(leavesOut)
}

/** What a report tells of an update before any attack. */
export interface Signal {
  /** L2 norm of the observed gradient. 0: there is nothing to match, and nothing is to be tried. */
  readonly norm: number
  /** Observed numbers other than 0 for each number of the records. */
  readonly informationRatio: number
  /** Norm of the gradient by that of its noise; null: no noise. */
  readonly signalToNoise: number | null
  /** Standard deviation of the noise: as configured, and as an observer finds it, null where nobody can. 0: none. */
  readonly deviation: { readonly configured: number; readonly estimated: number | null }
}

/** Mean of the clients' updates, as one gradient. */
export function asGradient(updates: readonly DeltaParts[], perUnit: number): DeltaParts {
  const [first = []] = updates
  return first.map((part, i) =>
    part.map((_, j) => {
      const sum = updates.reduce((all, update) => all + update[i]![j]!, 0)
      // Subtracted from 0, so that numbers that were left out are 0 and not −0.
      return 0 - (sum / updates.length) * perUnit
    }),
  )
}

interface Evidence {
  readonly model: Model
  readonly updates: readonly ClientUpdate[]
  readonly perUnit: number
  readonly defence: SeenDefence
  /** As `asGradient` of what was sent, before weight decay is taken off; and after. */
  readonly raw: DeltaParts
  readonly observed: DeltaParts
  /** Numbers in all records together. */
  readonly inputs: number
}

export function signalOf(evidence: Evidence): Signal {
  const { model, updates, perUnit, defence, raw, observed, inputs } = evidence
  const clean = asGradient(
    updates.map(({ withoutNoise }) => withoutNoise),
    perUnit,
  )
  const numbers = defence.isSparse ? nonZeros(raw) : model.parameterCount
  const { deviation } = defence
  return {
    norm: normOf(observed),
    informationRatio: nonZeros(raw) / inputs,
    signalToNoise: deviation === 0 ? null : normOf(clean) / (deviation * Math.sqrt(numbers)),
    deviation: {
      configured: deviation,
      estimated:
        deviation === 0 ? 0 : defence.isSparse ? null : estimatedDeviation(model, observed),
    },
  }
}

/**
 * Cosine distance at the true records, as an observer estimates it, or knows it from the settings where nothing can be
 * estimated; null where nothing was added.
 */
export function floorOf(evidence: Evidence, { norm, deviation }: Signal): number | null {
  const { model, defence, raw } = evidence
  const { estimated, configured } = deviation
  const numbers = defence.isSparse ? nonZeros(raw) : model.parameterCount
  const ofNoise = numbers * (estimated ?? configured) ** 2
  // An estimate has the rounding in it.
  const isRounded = defence.bits !== null && (configured === 0 || estimated === null)
  const ofRounding = isRounded ? roundingEnergy(raw, defence.bits) : 0
  const energy = ofNoise + ofRounding
  return energy === 0 ? null : noiseFloor(energy, norm)
}
