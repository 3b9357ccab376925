/** What becomes of features before they enter the statistics (ccvr specification §3, §10). */
import { FederationError } from '#protocol/errors.js'
import { squaredLength } from './merge.js'
import type { CcvrHyper } from './hyper.js'

type TransformOptions = Pick<CcvrHyper, 'transform' | 'tukeyPower' | 'clipNorm'>

/** Changes one feature vector in place. */
export type RowTransform = (row: Float64Array) => void

/**
 * Tukey's power transform and then the clip, as configured. Throws `update/not-finite` for features that are not finite, and
 * `config/impossible` for features that the power transform has no value for.
 */
export function rowTransform(options: TransformOptions): RowTransform {
  const { transform, clipNorm } = options
  const power = transform === 'none' ? null : tukey(options)
  return (row) => {
    assertFinite(row)
    if (power !== null) row.forEach((value, i) => (row[i] = power(value)))
    if (clipNorm !== null) clipRow(row, clipNorm)
  }
}

/** z^β, or log z for β = 0. Needs z ≥ 0, the logarithm z > 0. */
function tukey({ transform, tukeyPower }: TransformOptions): (value: number) => number {
  return (value) => {
    const isDefined = tukeyPower === 0 ? value > 0 : value >= 0
    if (isDefined) return tukeyPower === 0 ? Math.log(value) : value ** tukeyPower
    throw new FederationError(
      'config/impossible',
      `calibration.transform ${transform} with tukeyPower ${tukeyPower} needs features ${tukeyPower === 0 ? 'above' : 'of at least'} 0, and the model makes ${value}; set transform to none, or use a model with a ReLU before its head`,
    )
  }
}

function assertFinite(row: Float64Array): void {
  for (const value of row) {
    if (!Number.isFinite(value)) {
      throw new FederationError(
        'update/not-finite',
        `The model makes features that are not finite: ${value}`,
      )
    }
  }
}

/** A hair below the bound, so that rounding never lifts a vector above it: grids and noise are made for the bound. */
const HAIR = 1 - 2 ** -40

/** z ← z · min(1, clipNorm / ‖z‖₂), in place. */
export function clipRow(row: Float64Array, clipNorm: number): void {
  const length = Math.sqrt(squaredLength(row))
  if (length <= clipNorm * HAIR) return
  const scale = (clipNorm * HAIR) / length
  for (let i = 0; i < row.length; i++) row[i]! *= scale
}
