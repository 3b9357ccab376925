import type { OperationsSample } from '#protocol/server-views.js'
import type { CurveLine } from '../../parts/curves.js'

/** Something that is measured. */
export interface Measure {
  readonly label: string
  readonly of: (sample: OperationsSample) => number | null
}

/** Lines against the time of day, in seconds since 1970; what was never measured is left out. */
export const linesOf = (
  samples: readonly OperationsSample[],
  measures: readonly Measure[],
): readonly CurveLine[] => {
  const x = samples.map(({ at }) => Date.parse(at) / 1000)
  return measures.flatMap(({ label, of }) => {
    const y = samples.map(of)
    return y.every((value) => value === null) ? [] : [{ id: label, label, x, y }]
  })
}
