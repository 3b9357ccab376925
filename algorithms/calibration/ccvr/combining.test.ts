/** Invariants 1, 2 and 4 and fixture F1 of the ccvr specification (§15): the statistics of clients as those of all data. */
import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import {
  FEDERATION,
  forFederations,
  gatheredFrom,
  mergedOf,
  PLAIN,
  rowsOf,
  statisticsOf,
  unevenClients,
  union,
} from '#testing/ccvr-lab.js'
import type { Labelled } from '#testing/ccvr-lab.js'
import {
  covarianceOf,
  distance,
  eigenvalues,
  matrixOf,
  naiveCovariance,
  naiveMoments,
  scaledBy,
} from '#testing/naive-moments.js'
import type { Rows } from '#testing/naive-moments.js'
import { globalClasses } from './covariance.js'
import { cholesky } from './factor.js'
import { linearSums, mergeMoments, momentsOfSums } from './merge.js'
import type { ClassMoments } from './moments.js'

const oneClass = (rows: Rows): Labelled => ({ rows, labels: rows.map(() => 0) })

beforeAll(async () => void (await useBackend('cpu')))

describe('fixture F1', () => {
  const A = oneClass([
    [1, 2],
    [3, 0],
    [2, 1],
  ])
  const B = oneClass([[5, 5]])
  const C = oneClass([])
  const D = oneClass([
    [0, 1],
    [2, 7],
  ])
  const fixture = { width: 2, classes: 1 }
  const momentsOf = async (client: Labelled) => (await statisticsOf(client, fixture)).byClass.get(0)

  it('F1: local moments, global covariance, linear sums', async () => {
    expect(await momentsOf(A)).toMatchObject({ n: 3, mean: Float64Array.of(2, 1) })
    expect((await momentsOf(A))?.scatter).toEqual(Float64Array.of(2, -2, 2))
    expect(await momentsOf(B)).toMatchObject({ n: 1, mean: Float64Array.of(5, 5) })
    expect((await momentsOf(B))?.scatter).toEqual(new Float64Array(3))
    expect(await momentsOf(C)).toBeUndefined()
    expect(await momentsOf(D)).toMatchObject({ n: 2, mean: Float64Array.of(1, 4) })
    expect((await momentsOf(D))?.scatter).toEqual(Float64Array.of(2, 6, 18))

    const global = (await mergedOf([A, B, C, D], fixture)).byClass.get(0)!
    expect(global.n).toBe(6)
    expect(distance([...global.mean], [13 / 6, 16 / 6])).toBeLessThan(1e-14)
    const within = [
      [4, 4],
      [4, 20],
    ]
    const between = [
      [65 / 6, 13 / 3],
      [13 / 3, 52 / 3],
    ]
    const scatter = within.map((row, i) => row.map((value, j) => value + between[i]![j]!))
    expect(distance(matrixOf(global.scatter, 2), scatter)).toBeLessThan(1e-14)
    const expected = [
      [2.966667, 1.666667],
      [1.666667, 7.466667],
    ]
    expect(distance(covarianceOf(global), expected)).toBeLessThan(1e-6)
    expect(distance(eigenvalues(covarianceOf(global)), [2.416617, 8.016717])).toBeLessThan(1e-6)
    const packed = packedOf(covarianceOf(global))
    const factor = cholesky(Float64Array.from(packed), 2, 0)
    expect(distance([...factor!], [1.722401, 0, 0.967641, 2.555452])).toBeLessThan(1e-6)

    const sums = linearSums(global, 'full')
    expect(distance([...sums.sum], [13, 16])).toBeLessThan(1e-14)
    expect(distance([...sums.products], [43, 43, 80])).toBeLessThan(1e-14)
  })

  it('F1: the common mistake of biased local covariances would be seen', () => {
    // Dividing by n where (n − 1) Σ is expected loses a part of each scatter.
    const wrong = [A, B, D].map(({ rows }) => {
      const { n, mean, scatter } = naiveMoments(rows, 2)
      const biased = scaledBy(scatter, 1 / n)
      return { n, mean, scatter: Float64Array.of(...packedOf(scaledBy(biased, n - 1))) }
    })
    const global = wrong.reduce<ClassMoments | null>(
      (sum, part) => mergeMoments(sum, { ...part, mean: Float64Array.from(part.mean) }, 'full'),
      null,
    )
    const mistaken = [
      [2.633333, 1.2],
      [1.2, 5.533333],
    ]
    expect(distance(covarianceOf(global!), mistaken)).toBeLessThan(1e-6)
  })
})

const packedOf = (matrix: Rows): readonly number[] =>
  matrix.flatMap((row, i) => row.slice(0, i + 1))

describe('combined statistics', () => {
  it('I1: are those of the union of all data', async () => {
    await forFederations(async (clients) => {
      const merged = await mergedOf(clients, FEDERATION)
      const all = union(clients)
      for (let label = 0; label < FEDERATION.classes; label++) {
        const rows = rowsOf(all, label)
        const moments = merged.byClass.get(label)
        expect(moments?.n ?? 0).toBe(rows.length)
        if (moments === undefined) continue
        const naive = naiveMoments(rows, FEDERATION.width)
        expect(distance([...moments.mean], naive.mean)).toBeLessThan(1e-10)
        if (rows.length < 2) continue
        const difference = distance(covarianceOf(moments), naiveCovariance(rows, FEDERATION.width))
        expect(difference).toBeLessThan(1e-10)
      }
    })
  })

  it('I1: reach the classes that are sampled from', async () => {
    const clients = unevenClients(8, { clients: 6, ...FEDERATION })
    const classes = globalClasses(gatheredFrom(await mergedOf(clients, FEDERATION)), PLAIN)
    expect(classes.map(({ label }) => label)).toEqual([0, 1, 2])
    for (const { label, mean, covariance } of classes) {
      const rows = rowsOf(union(clients), label)
      expect(distance([...mean], naiveMoments(rows, FEDERATION.width).mean)).toBeLessThan(1e-10)
      const expected = naiveCovariance(rows, FEDERATION.width)
      expect(distance(matrixOf(covariance!, FEDERATION.width), expected)).toBeLessThan(1e-10)
    }
  })

  it('I2: the four forms of combining agree', async () => {
    await forFederations(async (clients) => {
      for (let label = 0; label < FEDERATION.classes; label++) {
        const parts = clients
          .map((client) => rowsOf(client, label))
          .filter((rows) => rows.length > 0)
        if (parts.flat().length < 2) continue
        const reference = paperForm(parts)
        expect(distance(scatterForm(parts), reference)).toBeLessThan(1e-9)
        expect(distance(pairwiseForm(parts), reference)).toBeLessThan(1e-9)
        expect(distance(treeForm(parts), reference)).toBeLessThan(1e-9)
        expect(distance(linearForm(parts), reference)).toBeLessThan(1e-9)
        const around = Float64Array.from({ length: FEDERATION.width }, (_, i) => 0.5 - i)
        expect(distance(linearForm(parts, around), reference)).toBeLessThan(1e-9)
      }
    })
  })

  it('I4: of one client are its own', async () => {
    const [client] = unevenClients(3, { clients: 1, ...FEDERATION })
    expect(await mergedOf([client!], FEDERATION)).toEqual(await statisticsOf(client!, FEDERATION))
  })
})

const partsOf = (parts: readonly Rows[]): readonly ClassMoments[] =>
  parts.map((rows) => {
    const { n, mean, scatter } = naiveMoments(rows, FEDERATION.width)
    return { n, mean: Float64Array.from(mean), scatter: Float64Array.from(packedOf(scatter)) }
  })

/** Formula (4), as the paper has it. */
function paperForm(parts: readonly Rows[]): Rows {
  const N = parts.flat().length
  const { mean } = naiveMoments(parts.flat(), FEDERATION.width)
  return mean.map((_, i) =>
    mean.map((__, j) => {
      const terms = parts.map((rows) => {
        const own = naiveMoments(rows, FEDERATION.width)
        const covariance = own.n > 1 ? own.scatter[i]![j]! / (own.n - 1) : 0
        return (own.n - 1) * covariance + own.n * own.mean[i]! * own.mean[j]!
      })
      return (terms.reduce((sum, term) => sum + term, 0) - N * mean[i]! * mean[j]!) / (N - 1)
    }),
  )
}

/** Formula (4'): scatters, and what lies between the means. */
function scatterForm(parts: readonly Rows[]): Rows {
  const { n, mean } = naiveMoments(parts.flat(), FEDERATION.width)
  return mean.map((_, i) =>
    mean.map((__, j) => {
      const terms = parts.map((rows) => {
        const own = naiveMoments(rows, FEDERATION.width)
        return own.scatter[i]![j]! + own.n * (own.mean[i]! - mean[i]!) * (own.mean[j]! - mean[j]!)
      })
      return terms.reduce((sum, term) => sum + term, 0) / (n - 1)
    }),
  )
}

const merge = (a: ClassMoments | null, b: ClassMoments | null) => mergeMoments(a, b, 'full')
const pairwiseForm = (parts: readonly Rows[]): Rows =>
  covarianceOf(partsOf(parts).reduce<ClassMoments | null>(merge, null)!)

/** Formula (4'') in another grouping. */
function treeForm(parts: readonly Rows[]): Rows {
  const tree = (all: readonly ClassMoments[]): ClassMoments | null => {
    if (all.length < 2) return all[0] ?? null
    const half = Math.ceil(all.length / 2)
    return merge(tree(all.slice(0, half)), tree(all.slice(half)))
  }
  return covarianceOf(tree(partsOf(parts))!)
}

/** Formula (4'''): sums that add up, around a public point. */
function linearForm(parts: readonly Rows[], around?: Float64Array): Rows {
  const sums = partsOf(parts).map((part) => linearSums(part, 'full', around))
  const add = (a: Float64Array, b: Float64Array) => a.map((value, i) => value + b[i]!)
  const total = sums.reduce((a, b) => ({
    n: a.n + b.n,
    sum: add(a.sum, b.sum),
    products: add(a.products, b.products),
  }))
  return covarianceOf(momentsOfSums(total, 'full', around)!)
}
