/**
 * Differential privacy of what is made from the class moments (ccvr specification §10): normal noise on the sums over all
 * clients, n, Σz and Σzzᵀ of every class, for neighbours that differ by one example added or removed.
 *
 * It protects the calibrated head alone: the trained weights need privacy of their own, whoever runs the coordinator sees the
 * moments as clients sent them, and records tell how many examples each update stands for. The noise is drawn from the run's
 * seed, so that a run can be repeated: the guarantee holds against those who do not know the seed, which nodes and records do.
 */
import type { Stream, Streams } from '#algorithms/tensor/stream.js'
import { eigenOf } from '#algorithms/matrix/eigen.js'
import { noiseDeviation } from './gaussian-mechanism.js'
import type { GatheredStatistics } from './gathered.js'
import type { CcvrHyper } from './hyper.js'
import { addProducts, linearSums, momentsOfSums, type LinearSums } from './merge.js'
import { scatterSize } from './moments.js'
import type { ClassMoments, ClassStatistics, ScatterShape } from './moments.js'

/** Below this variance a direction has been lost in the noise. */
const LEAST_VARIANCE = 1e-6

interface Privatising {
  readonly hyper: Pick<CcvrHyper, 'epsilon' | 'dpDelta' | 'clipNorm'>
  readonly streams: Streams
  readonly trainingRounds: number
}

/** As gathered where no `epsilon` is configured; else with noise, and without what was not protected by it. */
export async function privatised(
  gathered: GatheredStatistics,
  { hyper, streams, trainingRounds }: Privatising,
): Promise<GatheredStatistics> {
  const { epsilon, dpDelta, clipNorm } = hyper
  if (epsilon === null || clipNorm === null) return gathered
  const sensitivity = sensitivityOf(gathered.statistics.shape)
  const deviation = await noiseDeviation({ epsilon, delta: dpDelta, sensitivity })
  const statistics = await noisyStatistics(gathered.statistics, {
    ...{ deviation, radius: clipNorm },
    streamOf: (label) => streams('ccvr-noise', trainingRounds, label),
  })
  return { ...gathered, statistics, clientsByClass: new Map(), betweenByClass: new Map() }
}

/** L2 distance of (n, Σz / R, Σzzᵀ / R²) between neighbours: one example of length R at most adds 1 to each part. */
const sensitivityOf = (shape: ScatterShape): number => Math.sqrt(shape === 'none' ? 2 : 3)

export interface Noise {
  /** Of every coordinate of (n, Σz / R, Σzzᵀ / R²). */
  readonly deviation: number
  /** R: no feature vector is longer. */
  readonly radius: number
  readonly streamOf: (label: number) => Stream
}

/**
 * Every class with noise, also those that nobody holds: which these are is private too. What follows is made of noisy numbers
 * alone. A class whose noisy count is within two deviations of 0 counts as missing: its moments would be noise. Of the others,
 * n is a whole number of at least 2 and no eigenvalue of the covariance is below 1e-6.
 */
export async function noisyStatistics(
  { d, classes, shape, byClass }: ClassStatistics,
  noise: Noise,
): Promise<ClassStatistics> {
  const noisy = new Map<number, ClassMoments>()
  for (let label = 0; label < classes; label++) {
    const sums = noisySums(sumsOf(byClass.get(label), d, shape), shape, {
      ...noise,
      stream: noise.streamOf(label),
    })
    if (sums.n <= 2 * noise.deviation) continue
    const n = Math.max(2, Math.round(sums.n))
    const moments = momentsOfSums({ ...sums, n }, shape)
    if (moments !== null) noisy.set(label, await withLeastVariance(moments, d, shape))
  }
  return { d, classes, shape, byClass: noisy }
}

function sumsOf(moments: ClassMoments | undefined, d: number, shape: ScatterShape): LinearSums {
  if (moments !== undefined) return linearSums(moments, shape)
  return { n: 0, sum: new Float64Array(d), products: new Float64Array(scatterSize(d, shape)) }
}

/** Off the diagonal of Σzzᵀ an element stands for two, so that the norm of the packed triangle is that of the matrix. */
export function noisySums(
  { n, sum, products }: LinearSums,
  shape: ScatterShape,
  { deviation, radius, stream }: Omit<Noise, 'streamOf'> & { readonly stream: Stream },
): LinearSums {
  const draw = (scale: number): number =>
    deviation === 0 ? 0 : deviation * scale * stream.normal()
  const noisyN = n + draw(1)
  const noisySum = sum.map((value) => value + draw(radius))
  const noisyProducts = products.slice()
  const [own, mixed] = [radius * radius, (radius * radius) / Math.SQRT2]
  if (shape === 'diag') noisyProducts.forEach((_, i) => (noisyProducts[i]! += draw(own)))
  if (shape === 'full') {
    for (let i = 0, at = 0; i < sum.length; i++)
      for (let j = 0; j <= i; j++, at++) noisyProducts[at]! += draw(i === j ? own : mixed)
  }
  return { n: noisyN, sum: noisySum, products: noisyProducts }
}

/** The nearest moments whose covariance has no eigenvalue below 1e-6. */
async function withLeastVariance(
  moments: ClassMoments,
  d: number,
  shape: ScatterShape,
): Promise<ClassMoments> {
  const least = LEAST_VARIANCE * (moments.n - 1)
  if (shape === 'none') return moments
  if (shape === 'diag') {
    return { ...moments, scatter: moments.scatter.map((value) => Math.max(least, value)) }
  }
  const { values, vectors } = await eigenOf(moments.scatter, d)
  const scatter = moments.scatter.slice()
  values.forEach((value, k) => {
    if (value >= least) return
    const direction = Float64Array.from({ length: d }, (_, i) => vectors[i * d + k]!)
    addProducts(scatter, direction, { weight: least - value, shape })
  })
  return { ...moments, scatter }
}
