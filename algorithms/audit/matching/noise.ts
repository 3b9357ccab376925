/** What noise leaves of an update, and what it costs the search. Gifd specification §10.1, §10.2, §11, §14.1. */
import type { Model } from '#algorithms/models/model.js'
import { levelsOf } from '#algorithms/update-transforms/codes.js'

type Parts = readonly Float32Array[]

export const nonZeros = (parts: Parts): number =>
  parts.reduce((all, part) => part.reduce((sum, value) => sum + (value === 0 ? 0 : 1), all), 0)

/**
 * (10.1): the standard deviation of what was added to every number of a gradient. Without it the last layer's gradient sums to
 * 0 over the classes for every feature, because Σ_c (p_c − y_c) = 0. `gradient` in the order of the model's params, nothing
 * left out. Null where the last layer is not plain: sums of a normalized head say nothing.
 */
export function estimatedDeviation(model: Model, gradient: Parts): number | null {
  const head = model.blocks.at(-1)
  if (head === undefined || head.layer?.unitColumns === true) return null
  const own = gradient.slice(gradient.length - head.params.length)
  const { classes } = model
  let squares = 0
  let rows = 0
  for (const part of own) {
    for (let first = 0; first + classes <= part.length; first += classes) {
      let sum = 0
      for (let c = 0; c < classes; c++) sum += part[first + c]!
      squares += sum * sum
      rows += 1
    }
  }
  return rows === 0 ? null : Math.sqrt(squares / rows / classes)
}

/**
 * (10.2): cosine distance at the true records, for a search that knows nothing of the noise. `energy`: expected square of all
 * that was added, P σ² for noise; `norm`: of the observed update, noise and all.
 */
export const noiseFloor = (energy: number, norm: number): number =>
  1 - Math.sqrt(norm === 0 ? 0 : Math.max(0, 1 - energy / norm ** 2))

/** Expected square of what rounding to so many bits takes from or adds to a tensor: an even error within a step, of each number. */
export function roundingEnergy(parts: Parts, bits: number): number {
  return parts.reduce((all, part) => {
    const peak = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    return all + (part.length * (peak / levelsOf(bits)) ** 2) / 12
  }, 0)
}
