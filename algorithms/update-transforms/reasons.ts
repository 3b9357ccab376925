/** Why update transforms cannot work as a run has them. */
import type { RunConfig } from '#protocol/run-config.js'
import type { Calibration } from '#algorithms/calibration/calibration.js'
import type { ConfiguredTransform } from './update-transform.js'

export interface Transformed {
  readonly config: RunConfig
  readonly transforms: readonly ConfiguredTransform[]
  /** What the method sends beside deltas, as it says itself; null: nothing. */
  readonly uncovered: string | null
  readonly calibration: Calibration | null
}

/** Noise beyond so many standard deviations occurs once in 10^15 numbers. */
const FAR = 8

/** Sentences; empty: they can, or there are none. */
export function reasonsAgainstTransforms(run: Transformed): readonly string[] {
  const { config, transforms, uncovered, calibration } = run
  if (transforms.length === 0) return []
  return [
    ...orderReasons(transforms),
    ...sizeReasons(config, transforms),
    uncovered !== null &&
      `updates transforms how params moved, and ${uncovered}; choose another method, or leave updates out`,
    config.evaluation.diagnostics !== undefined &&
      'evaluation.diagnostics makes clients send their whole local model, which no transform of updates acts on; leave out one of them',
    calibration?.reveals.classes.includes('per-example') === true &&
      `The calibration ${calibration.name} makes clients send what no transform of updates acts on: something of every single example; leave out one of them`,
  ].filter((reason) => reason !== false)
}

function orderReasons(transforms: readonly ConfiguredTransform[]): readonly string[] {
  const misplaced = transforms.slice(0, -1).filter(({ transform }) => transform.last === true)
  return misplaced.map(
    ({ transform: { name } }) =>
      `updates: ${name} must come last, because what comes after it would undo it`,
  )
}

function sizeReasons(
  { aggregation: { maxAbs } }: RunConfig,
  transforms: readonly ConfiguredTransform[],
): readonly string[] {
  const stddev = Math.max(0, ...transforms.map((one) => one.transform.noise?.(one.options) ?? 0))
  if (FAR * stddev <= maxAbs) return []
  return [
    `updates: noise of standard deviation ${stddev} alone makes numbers beyond aggregation.maxAbs ${maxAbs}, which are refused; raise maxAbs to ${Math.ceil(FAR * stddev)} or more, or lower the noise`,
  ]
}
