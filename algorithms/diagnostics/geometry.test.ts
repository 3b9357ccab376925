import { describe, expect, it } from 'vitest'
import type { Geometry } from '#protocol/diagnostics.js'
import { createStreams } from '#protocol/random.js'
import { geometryOfFeatures, geometryOfMoments } from './geometry.js'

const labelled = (features: readonly (readonly number[])[], labels: readonly number[]) => ({
  values: Float64Array.from(features.flat()),
  labels,
})
/** [d, classes] row by row, from the class vectors. */
const headOf = (columns: readonly (readonly number[])[]): Float64Array =>
  Float64Array.from(columns[0]!.flatMap((_, i) => columns.map((column) => column[i]!)))

/** Unbiased moments of rows, class by class, straight from the definition. */
function momentsOf(
  features: readonly (readonly number[])[],
  labels: readonly number[],
  classes: number,
) {
  const d = features[0]!.length
  return Array.from({ length: classes }, (_, c) => {
    const own = features.filter((_, i) => labels[i] === c)
    const n = own.length
    const mean = Float64Array.from({ length: d }, (_, i) =>
      own.reduce((sum, row) => sum + row[i]! / n, 0),
    )
    const covariance = Array.from({ length: d }, (_, i) =>
      Array.from({ length: i + 1 }, (_, j) =>
        n < 2
          ? 0
          : own.reduce((sum, row) => sum + (row[i]! - mean[i]!) * (row[j]! - mean[j]!), 0) /
            (n - 1),
      ),
    )
    return n === 0
      ? { n, mean: new Float64Array(d), covariance: null }
      : { n, mean, covariance: Float64Array.from(covariance.flat()) }
  })
}

function cloud(seed: number, { d, counts }: { d: number; counts: readonly number[] }) {
  const stream = createStreams(seed)('cloud', d, 0)
  const labels = counts.flatMap((count, c) => new Array<number>(count).fill(c))
  const centres = counts.map(() => Array.from({ length: d }, () => 2 * stream.normal()))
  const features = labels.map((label) => centres[label]!.map((value) => value + stream.normal()))
  const head = Float64Array.from({ length: d * counts.length }, () => stream.normal())
  return { features, labels, head }
}

describe('geometry of features', () => {
  // Corners of a regular tetrahedron, moved away from the origin.
  const corners = [
    [1, 1, 1],
    [1, -1, -1],
    [-1, 1, -1],
    [-1, -1, 1],
  ]
  const moved = corners.map((corner) => corner.map((value, i) => 3 * value + i))

  it('is ideal where classes have collapsed onto a simplex that the head mirrors', async () => {
    const labels = [0, 1, 2, 3, 0, 1, 2, 3, 3]
    const features = labels.map((label) => moved[label]!)
    const geometry = await geometryOfFeatures(labelled(features, labels), headOf(corners))
    const ideal = {
      withinClassVariability: 0,
      equinorm: 0,
      equiangularity: 0,
      maximalAngle: 0,
      selfDuality: 0,
      betweenClassShare: 1,
      // Three directions, all as strong.
      effectiveRank: 3,
      deadFeatures: 0,
    }
    for (const [key, value] of Object.entries(ideal))
      expect(geometry[key as keyof typeof ideal], key).toBeCloseTo(value, 12)
    expect(geometry).toMatchObject({ of: 'probe', examples: 9 })
    // The same from moments of these classes.
    const moments = await geometryOfMoments(momentsOf(features, labels, 4), headOf(corners))
    for (const [key, value] of Object.entries(ideal))
      expect(moments[key as keyof typeof ideal], key).toBeCloseTo(value, 12)
  })

  it('tells by which measure it is not ideal', async () => {
    const labels = [0, 1, 2, 3]
    const of = (features: readonly (readonly number[])[], head: readonly (readonly number[])[]) =>
      geometryOfFeatures(labelled([...features, ...features], [...labels, ...labels]), headOf(head))
    // Another class's vector each: inner products of −1 where there were 3, so ‖Ŵ − M̂‖² = 2 − 2 · (−1/3).
    const swapped = [corners[1]!, corners[0]!, corners[3]!, corners[2]!]
    expect((await of(moved, swapped)).selfDuality).toBeCloseTo(2 + 2 / 3, 12)
    expect(
      (
        await of(
          moved,
          corners.map((one) => one.map((value) => -value)),
        )
      ).selfDuality,
    ).toBeCloseTo(4, 12)
    // A square: all as long, but right and straight angles. cos = (0, 0, 0, 0, −1, −1): mean −1/3, deviation √2/3.
    const square = [
      [1, 0, 0],
      [0, 1, 0],
      [-1, 0, 0],
      [0, -1, 0],
    ]
    const flat = await of(square, square)
    expect(flat.equinorm).toBeCloseTo(0, 12)
    expect(flat.equiangularity).toBeCloseTo(Math.SQRT2 / 3, 12)
    // |0 + 1/3| four times, |−1 + 1/3| twice.
    expect(flat.maximalAngle).toBeCloseTo(4 / 9, 12)
    expect(flat.selfDuality).toBeCloseTo(0, 12)
    expect(flat.deadFeatures).toBeCloseTo(1 / 3, 12)
    expect(flat.effectiveRank).toBeCloseTo(2, 12)
    // On a line at −2, −1, 1, 2: lengths of mean 1.5 and deviation 0.5.
    const line = [-2, -1, 1, 2].map((value) => [value, 0, 0])
    expect((await of(line, square)).equinorm).toBeCloseTo(1 / 3, 12)
  })

  it('measures the spread within classes by hand', async () => {
    // Class means (−2, 0) and (2, 0), Σ_B = [[4, 0], [0, 0]]. Within: variances (1, 0) and (1, 9), so Σ_W = [[1, 0], [0, 4.5]].
    const features = [
      [-3, 0],
      [-1, 0],
      [1, 3],
      [3, 3],
      [1, -3],
      [3, -3],
    ]
    const labels = [0, 0, 1, 1, 1, 1]
    const head = headOf([
      [-1, 0],
      [1, 0],
    ])
    const geometry = await geometryOfFeatures(labelled(features, labels), head)
    // tr(Σ_W Σ_B⁺) / C = (1 / 4) / 2, tr(Σ_B) / tr(Σ_T) = 4 / 9.5
    expect(geometry.withinClassVariability).toBeCloseTo(1 / 8, 12)
    expect(geometry.betweenClassShare).toBeCloseTo(4 / 9.5, 12)
    expect(geometry.featureNorm).toBeCloseTo((4 + 2 * Math.sqrt(10) + 2 * Math.sqrt(18)) / 6, 12)
    // Eigenvalues of Σ_T: 5 and 4.5.
    const [p, q] = [5 / 9.5, 4.5 / 9.5]
    expect(geometry.effectiveRank).toBeCloseTo(Math.exp(-p * Math.log(p) - q * Math.log(q)), 12)
  })

  it.each([
    ['fewer classes than features', { d: 6, counts: [9, 4, 1, 12] }],
    ['more classes than features', { d: 2, counts: [5, 3, 8, 1, 4] }],
    ['fewer examples than features', { d: 30, counts: [4, 5, 3] }],
    ['a class that does not occur', { d: 5, counts: [6, 0, 7, 5] }],
  ])('from moments is the same: %s', async (_, shape) => {
    const { features, labels, head } = cloud(3, shape)
    const of = await geometryOfFeatures(labelled(features, labels), head)
    const classes = momentsOf(features, labels, shape.counts.length)
    const moments = await geometryOfMoments(classes, head)
    expect(moments).toMatchObject({ of: 'moments', examples: labels.length, featureNorm: null })
    for (const key of Object.keys(of) as (keyof Geometry)[]) {
      if (['of', 'examples', 'featureNorm'].includes(key)) continue
      expect(of[key], key).toEqual(expect.any(Number))
      expect(moments[key], key).toBeCloseTo(of[key] as number, 9)
    }
  })

  it('counts features that never change, also where float64 sums leave a little', async () => {
    const { features, labels, head } = cloud(4, { d: 4, counts: [30, 20] })
    const some = features.map((row) => [row[0]!, 0, row[2]!, Math.fround(0.1)])
    expect((await geometryOfFeatures(labelled(some, labels), head)).deadFeatures).toBe(0.5)
    expect((await geometryOfMoments(momentsOf(some, labels, 2), head)).deadFeatures).toBe(0.5)
  })

  it('is undefined without what it measures', async () => {
    const head = Float64Array.of(1, 2)
    const none = await geometryOfFeatures({ values: new Float32Array(0), labels: [] }, head)
    expect(Object.values(none).filter((value) => value !== null)).toEqual(['probe', 0])
    expect(await geometryOfMoments([], head)).toEqual({ ...none, of: 'moments' })
    const one = await geometryOfFeatures(labelled([[1], [2]], [0, 0]), head)
    expect(one).toMatchObject({
      equinorm: null,
      equiangularity: null,
      maximalAngle: null,
      selfDuality: null,
      withinClassVariability: null,
      betweenClassShare: 0,
      effectiveRank: 1,
    })
    // One example of each class tells nothing of the spread within.
    const singles = await geometryOfFeatures(labelled([[1], [2]], [0, 1]), head)
    expect(singles).toMatchObject({ withinClassVariability: null, equinorm: 0 })
    const diverged = await geometryOfFeatures(labelled([[1], [NaN]], [0, 1]), head)
    expect(diverged).toEqual({ ...none, examples: 2 })
  })

  it('from moments without covariances tells of means alone', async () => {
    const { features, labels, head } = cloud(5, { d: 3, counts: [4, 5] })
    const full = momentsOf(features, labels, 2)
    const unknown = full.map((one) => ({ ...one, covariance: null }))
    const [of, without] = [
      await geometryOfMoments(full, head),
      await geometryOfMoments(unknown, head),
    ]
    expect(without).toEqual({
      ...of,
      withinClassVariability: null,
      betweenClassShare: null,
      deadFeatures: null,
      effectiveRank: null,
    })
  })
})
