/** Geometry of features, from the features or from what is known of their classes. The measures: collapse.ts. */
import type { Geometry } from '#protocol/diagnostics.js'
import { addProducts } from '#algorithms/calibration/ccvr/merge.js'
import { type GlobalClass } from '#algorithms/calibration/ccvr/moments.js'
import { effectiveEntries } from '#algorithms/evaluation/routing.js'
import { diagonalAt } from '#algorithms/matrix/packed.js'
import { eigenvaluesOf } from '#algorithms/matrix/spectrum.js'
import { collapseOf, offsetsOf, type Within } from './collapse.js'
import {
  classFeatures,
  deadShare,
  meanNorm,
  spectrum,
  type LabelledFeatures,
} from './labelled-features.js'

/** `head`: its class vectors, [d, classes] row by row. All null without examples, and where a feature is not finite. */
export async function geometryOfFeatures(
  features: LabelledFeatures,
  head: ArrayLike<number>,
): Promise<Geometry> {
  const examples = features.labels.length
  if (examples === 0 || !features.values.every(Number.isFinite)) return nothing('probe', examples)
  const classes = classFeatures(features)
  return {
    of: 'probe',
    examples,
    ...(await collapseOf(classes, head)),
    featureNorm: meanNorm(features),
    deadFeatures: deadShare(features),
    effectiveRank: effectiveRank(spectrum(features, classes)),
  }
}

/**
 * The same from moments of classes (covariance unbiased, packed lower triangle; null: not known), by which the mean length of
 * a feature is not known. What needs covariances is null where that of a class with more than one example is not known.
 */
export async function geometryOfMoments(
  classes: readonly Pick<GlobalClass, 'n' | 'mean' | 'covariance'>[],
  head: ArrayLike<number>,
): Promise<Geometry> {
  const labels = [...classes.keys()].filter((label) => classes[label]!.n > 0)
  const present = labels.map((label) => classes[label]!)
  if (present.length === 0) return nothing('moments', 0)
  const means = present.map(({ mean }) => mean)
  const covariance = meanCovariance(present)
  const within = covariance === null ? null : withinCovariance(covariance, means[0]!.length)
  const total = covariance === null ? null : totalCovariance(covariance, means)
  return {
    of: 'moments',
    examples: present.reduce((sum, { n }) => sum + n, 0),
    ...(await collapseOf({ labels, means, within }, head)),
    featureNorm: null,
    deadFeatures: total === null ? null : deadVariances(total, means),
    effectiveRank: total === null ? null : effectiveRank(eigenvaluesOf(total, means[0]!.length)),
  }
}

const nothing = (of: Geometry['of'], examples: number): Geometry => ({
  ...{ of, examples, withinClassVariability: null, equinorm: null, equiangularity: null },
  ...{ maximalAngle: null, selfDuality: null, featureNorm: null, deadFeatures: null },
  ...{ effectiveRank: null, betweenClassShare: null },
})

/** exp of the entropy of the eigenvalues' shares (O. Roy, M. Vetterli, "The effective rank", EUSIPCO 2007). */
function effectiveRank(eigenvalues: Float64Array): number | null {
  // Rounding can leave a value below 0.
  const values = eigenvalues.map((value) => Math.max(0, value))
  const trace = values.reduce((sum, value) => sum + value, 0)
  return trace > 0 ? effectiveEntries(values.map((value) => value / trace)) : null
}

/** Σ_W: mean over classes of (n − 1)/n times the unbiased covariance. */
function meanCovariance(
  classes: readonly Pick<GlobalClass, 'n' | 'covariance'>[],
): Float64Array | null {
  const known = classes.filter(({ n }) => n > 1)
  if (known.some(({ covariance }) => covariance === null)) return null
  const size = known[0]?.covariance?.length
  if (size === undefined) return null
  const mean = new Float64Array(size)
  for (const { n, covariance } of known) {
    const share = (n - 1) / (n * classes.length)
    for (let at = 0; at < size; at++) mean[at]! += share * covariance![at]!
  }
  return mean
}

function withinCovariance(covariance: Float64Array, d: number): Within {
  let trace = 0
  for (let i = 0; i < d; i++) trace += covariance[diagonalAt(i)]!
  return {
    trace,
    along(u) {
      let sum = 0
      for (let i = 0, at = 0; i < d; i++) {
        for (let j = 0; j < i; j++, at++) sum += 2 * covariance[at]! * u[i]! * u[j]!
        sum += covariance[at++]! * u[i]! ** 2
      }
      return sum
    },
  }
}

/** Σ_T = Σ_W + Σ_B */
function totalCovariance(within: Float64Array, means: readonly Float64Array[]): Float64Array {
  const total = within.slice()
  for (const offset of offsetsOf(means))
    addProducts(total, offset, { weight: 1 / means.length, shape: 'full' })
  return total
}

/** Variance over squared mean: below it a feature of float32 values is the same everywhere, up to rounding in float64. */
const ROUNDING = 1e-20

/** Share of the features whose variance is no more than rounding. */
function deadVariances(total: Float64Array, means: readonly Float64Array[]): number {
  const dead = means[0]!.filter((_, i) => {
    const size = means.reduce((sum, mean) => sum + mean[i]! ** 2, 0) / means.length
    return total[diagonalAt(i)]! <= ROUNDING * size
  })
  return dead.length / means[0]!.length
}
