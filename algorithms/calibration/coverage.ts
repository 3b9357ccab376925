/** Who answered the rounds of a calibration: the same for all of them. */
import type { Slot } from '#protocol/ids.js'
import type { Metrics } from '#protocol/record.js'
import type { Folded } from '#algorithms/methods/method.js'

export interface Coverage {
  /** Ascending. */
  readonly answered: readonly Slot[]
  /** Everyone else of the roster: a calibration asks everyone. */
  readonly missing: readonly Slot[]
}

export function coverageOf({ reporters, population }: Folded): Coverage {
  const answered = new Set(reporters)
  const everyone = Array.from({ length: population }, (_, slot) => slot)
  return { answered: reporters, missing: everyone.filter((slot) => !answered.has(slot)) }
}

export const coverageMetrics = ({ answered, missing }: Coverage): Metrics => ({
  'calibration/clients': answered.length,
  'calibration/asked': answered.length + missing.length,
})
