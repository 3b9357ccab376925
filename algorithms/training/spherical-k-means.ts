/**
 * Directions that many vectors share: k-means on the unit sphere, where closeness is the cosine and a centroid is the
 * normalised sum of its members (Dhillon and Modha, Concept decompositions for large sparse text data using clustering,
 * Machine Learning 42, 2001, https://doi.org/10.1023/A:1007612920971). Starts as k-means++ (Arthur and Vassilvitskii,
 * SODA 2007): each further centroid is a row drawn with probability in proportion to its squared distance, 2 − 2 · cosine,
 * from the nearest so far. Counts in float64 on the processor, so the result depends on the rows and the stream only.
 */
import { FederationError } from '#protocol/errors.js'
import type { Stream } from '#algorithms/tensor/stream.js'

/** Vectors one after another: row i is values[i · size … (i + 1) · size). */
export interface Rows {
  readonly values: Float32Array
  readonly size: number
}

const MOST_ITERATIONS = 100
const SMALLEST_NORM = 1e-12

/** `clusters` unit vectors [clusters · size]. Throws `config/impossible` when there are fewer rows than that. */
export function sphericalKMeans(rows: Rows, clusters: number, stream: Stream): Float32Array {
  const unit = unitRows(rows)
  if (unit.length < clusters) {
    throw new FederationError(
      'config/impossible',
      `${clusters} centroids need at least as many rows, got ${unit.length}`,
    )
  }
  let centroids = plusPlus(unit, clusters, stream)
  let nearest = unit.map((row) => nearestOf(row, centroids))
  for (let iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
    centroids = moved(unit, nearest, centroids)
    const now = unit.map((row) => nearestOf(row, centroids))
    const isSettled = now.every(({ cluster }, i) => cluster === nearest[i]!.cluster)
    nearest = now
    if (isSettled) break
  }
  const flat = new Float32Array(clusters * rows.size)
  centroids.forEach((centroid, i) => flat.set(centroid, i * rows.size))
  return flat
}

interface Nearest {
  readonly cluster: number
  readonly cosine: number
}

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function unitOf(values: Float64Array): Float64Array {
  const norm = Math.max(Math.sqrt(dot(values, values)), SMALLEST_NORM)
  return values.map((value) => value / norm)
}

function unitRows({ values, size }: Rows): Float64Array[] {
  const count = values.length / size
  return Array.from({ length: count }, (_, i) =>
    unitOf(Float64Array.from(values.subarray(i * size, (i + 1) * size))),
  )
}

/** The lower number wins a tie. */
function nearestOf(row: Float64Array, centroids: readonly Float64Array[]): Nearest {
  let best: Nearest = { cluster: 0, cosine: -Infinity }
  centroids.forEach((centroid, cluster) => {
    const cosine = dot(row, centroid)
    if (cosine > best.cosine) best = { cluster, cosine }
  })
  return best
}

function plusPlus(
  unit: readonly Float64Array[],
  clusters: number,
  stream: Stream,
): readonly Float64Array[] {
  const chosen = [unit[stream.integer(unit.length)]!]
  const distances = Float64Array.from(unit, (row) => distanceTo(row, chosen[0]!))
  while (chosen.length < clusters) {
    const next = unit[drawn(distances, stream)]!
    chosen.push(next)
    unit.forEach((row, i) => (distances[i] = Math.min(distances[i]!, distanceTo(row, next))))
  }
  return chosen
}
const distanceTo = (row: Float64Array, centroid: Float64Array): number =>
  Math.max(0, 2 - 2 * dot(row, centroid))

/** An index in proportion to its weight; any one when all weights are 0, as when all rows point the same way. */
function drawn(weights: Float64Array, stream: Stream): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (total === 0) return stream.integer(weights.length)
  let left = stream.uniform() * total
  const at = weights.findIndex((weight) => (left -= weight) < 0)
  return at < 0 ? weights.length - 1 : at
}

/** Each centroid to the middle of its members; one without members to the row that is worst off where it is. */
function moved(
  unit: readonly Float64Array[],
  nearest: readonly Nearest[],
  centroids: readonly Float64Array[],
): readonly Float64Array[] {
  const sums = centroids.map((centroid) => new Float64Array(centroid.length))
  const counts = centroids.map(() => 0)
  nearest.forEach(({ cluster }, i) => {
    const sum = sums[cluster]!
    counts[cluster]! += 1
    unit[i]!.forEach((value, d) => (sum[d]! += value))
  })
  const worstFirst = [...nearest.keys()].sort(
    (a, b) => nearest[a]!.cosine - nearest[b]!.cosine || a - b,
  )
  return sums.map((sum, cluster) => {
    if (counts[cluster] === 0) return unit[worstFirst.shift()!]!
    // Members that cancel out have no common direction: the centroid stays.
    return Math.sqrt(dot(sum, sum)) < SMALLEST_NORM ? centroids[cluster]! : unitOf(sum)
  })
}
