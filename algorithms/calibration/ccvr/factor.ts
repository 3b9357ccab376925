/** Square roots of covariances: what turns standard normal numbers into virtual features (ccvr specification §4.1). */
import { eigenOf } from '#algorithms/matrix/eigen.js'
import { FederationError } from '#protocol/errors.js'
import { diagonalAt, triangle } from '#algorithms/matrix/packed.js'
import { spectrumOf, type Spectrum } from '#algorithms/matrix/spectrum.js'
import { traceOf } from './moments.js'

/** Above this share of the mean variance, jitter changes what is drawn. */
const MOST_JITTER = 0.1
/** For a covariance of zeros. */
const LEAST_JITTER = 1e-12

export interface Factor extends Spectrum {
  /** [d, d] row by row: F with F Fᵀ = Σ + ε I. */
  readonly values: Float64Array
  /** Elements (i, j) with j > i are 0. */
  readonly isTriangular: boolean
  /** ε over the mean variance; the last that was tried where none helped. */
  readonly jitter: number
}

/**
 * Σ + ε I = F Fᵀ by Cholesky, with ε = jitter · tr Σ / d + 1e-12 and `jitterRel`, ten times that, … up to 0.1 as jitter until
 * it works. Then from the eigendecomposition of Σ with negative eigenvalues as 0, and if that has no finite result, from its
 * diagonal. Jitter is no corner case: features behind a ReLU have coordinates without any variance. `covariance` is a packed
 * lower triangle, so it is symmetric. Throws `update/not-finite`.
 */
export async function factorOf(
  covariance: Float64Array,
  d: number,
  jitterRel: number,
): Promise<Factor> {
  if (!covariance.every(Number.isFinite)) {
    throw new FederationError('update/not-finite', 'A class covariance holds NaN or infinity')
  }
  const spectrum = spectrumOf(covariance, d)
  const variance = traceOf(covariance, d, 'full') / d
  const jitters = jittersFrom(jitterRel)
  for (const jitter of jitters) {
    const values = cholesky(covariance, d, Math.max(0, jitter * variance) + LEAST_JITTER)
    if (values !== null) return { ...spectrum, values, isTriangular: true, jitter }
  }
  const values = (await eigenFactor(covariance, d)) ?? diagonalFactor(covariance, d)
  return { ...spectrum, values, isTriangular: false, jitter: jitters.at(-1)! }
}

/** `first`, ten times that, … while it is no more than `MOST_JITTER`; `first` in any case. */
function jittersFrom(first: number): readonly number[] {
  const jitters = [first]
  for (let next = 10 * first; next <= MOST_JITTER * (1 + 1e-9); next *= 10) jitters.push(next)
  return jitters
}

/** Lower L [d, d] with L Lᵀ = A + added I; null where that is not positive definite. */
export function cholesky(packed: Float64Array, d: number, added: number): Float64Array | null {
  const lower = new Float64Array(d * d)
  for (let i = 0; i < d; i++) {
    const [source, row] = [triangle(i), i * d]
    for (let j = 0; j < i; j++) {
      const other = j * d
      let sum = packed[source + j]!
      for (let k = 0; k < j; k++) sum -= lower[row + k]! * lower[other + k]!
      lower[row + j] = sum / lower[other + j]!
    }
    let pivot = packed[source + i]! + added
    for (let k = 0; k < i; k++) pivot -= lower[row + k]! * lower[row + k]!
    if (!(pivot > 0 && Number.isFinite(pivot))) return null
    lower[row + i] = Math.sqrt(pivot)
  }
  return lower
}

/** Null where the numbers are so large that the library finds nothing finite. */
async function eigenFactor(packed: Float64Array, d: number): Promise<Float64Array | null> {
  try {
    const { values, vectors } = await eigenOf(packed, d)
    const factor = vectors.map((value, at) => value * Math.sqrt(Math.max(0, values[at % d]!)))
    return factor.every(Number.isFinite) ? factor : null
  } catch (error) {
    // What its loops do when a number in them has become NaN.
    if (error instanceof TypeError) return null
    throw error
  }
}

function diagonalFactor(packed: Float64Array, d: number): Float64Array {
  const factor = new Float64Array(d * d)
  for (let i = 0; i < d; i++) factor[i * d + i] = Math.sqrt(Math.max(0, packed[diagonalAt(i)]!))
  return factor
}
