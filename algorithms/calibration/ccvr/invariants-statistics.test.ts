/** Invariants 3 and 5–8 of the ccvr specification (§15): what does not show in statistics, and what always holds. */
import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import {
  FEDERATION,
  forFederations,
  gatheredFrom,
  gaussianRows,
  mergedOf,
  PLAIN,
  rowsOf,
  streamOf,
  unevenClients,
  union,
} from '#testing/ccvr-lab.js'
import type { Labelled } from '#testing/ccvr-lab.js'
import {
  apart,
  covarianceOf,
  distance,
  eigenvalues,
  frobenius,
  matrixOf,
  trace,
} from '#testing/naive-moments.js'
import type { Rows } from '#testing/naive-moments.js'
import { triangle } from '#algorithms/matrix/packed.js'
import { globalClasses } from './covariance.js'
import { blockAdder } from './statistics.js'
import { addMoments, mergeMoments, momentsOfSums } from './merge.js'

const oneClass = (rows: Rows): Labelled => ({ rows, labels: rows.map(() => 0) })
beforeAll(async () => void (await useBackend('cpu')))

describe('combined statistics', () => {
  it('I3: no order, split or empty client shows', async () => {
    await forFederations(async (clients, seed) => {
      const reference = await mergedOf(clients, FEDERATION)
      const stream = streamOf(seed, 1)
      const order = stream.shuffle(clients.map((_, k) => k))
      const shuffled = clients.map((client) =>
        reordered(client, stream.shuffle(client.rows.map((_, i) => i))),
      )
      const halves = clients.flatMap((client) => {
        const at = stream.integer(client.rows.length + 1)
        return [
          { rows: client.rows.slice(0, at), labels: client.labels.slice(0, at) },
          { rows: client.rows.slice(at), labels: client.labels.slice(at) },
        ]
      })
      const nobody = { rows: [], labels: [] }
      const variants = [
        order.map((k) => clients[k]!),
        shuffled,
        halves,
        [nobody, ...clients, nobody],
      ]
      for (const variant of variants)
        expect(apart(await mergedOf(variant, FEDERATION), reference)).toBeLessThan(1e-10)
    })
  })

  it('I3: the size of blocks does not show', () => {
    const rows = gaussianRows(streamOf(4), 100, 7).map((row) => Float64Array.from(row))
    const inBlocksOf = (size: number) => {
      const into = { n: 0, mean: new Float64Array(7), scatter: new Float64Array(triangle(7)) }
      const add = blockAdder(7, 'full')
      for (let at = 0; at < rows.length; at += size) add(into, rows.slice(at, at + size))
      return into
    }
    const whole = inBlocksOf(100)
    for (const size of [1, 2, 7, 64]) {
      const { n, mean, scatter } = inBlocksOf(size)
      expect(n).toBe(100)
      expect(distance([...mean], [...whole.mean])).toBeLessThan(1e-13)
      expect(distance([...scatter], [...whole.scatter])).toBeLessThan(1e-13)
    }
  })

  it('I5: follow shifts, linear maps and other names of classes', async () => {
    // Multiples of 1/64 of moderate size: shifting and mapping them is exact even in float32.
    const onGrid = (client: Labelled): Labelled => ({
      ...client,
      rows: client.rows.map((row) => row.map((value) => Math.round(value * 64) / 64)),
    })
    const clients = unevenClients(5, { clients: 7, ...FEDERATION }).map(onGrid)
    const mapped = (map: (row: readonly number[]) => readonly number[]) =>
      clients.map(({ rows, labels }) => ({ labels, rows: rows.map(map) }))
    const reference = await mergedOf(clients, FEDERATION)

    const shift = [1, -20, 0.5, 100]
    const shifted = await mergedOf(
      mapped((row) => row.map((v, i) => v + shift[i]!)),
      FEDERATION,
    )
    const matrix = [
      [1, 2, 0, -1],
      [0, 3, 1, 0],
      [2, 0, -1, 1],
      [1, 1, 1, 1],
    ]
    const times = (row: readonly number[]) =>
      matrix.map((own) => own.reduce((sum, value, i) => sum + value * row[i]!, 0))
    const turned = await mergedOf(mapped(times), FEDERATION)
    const renamed = await mergedOf(
      clients.map(({ rows, labels }) => ({ rows, labels: labels.map((label) => (label + 1) % 3) })),
      FEDERATION,
    )
    for (const [label, moments] of reference.byClass) {
      const [mean, covariance] = [[...moments.mean], covarianceOf(moments)]
      const { [label]: moved } = Object.fromEntries(shifted.byClass)
      expect(
        distance(
          [...moved!.mean],
          mean.map((v, i) => v + shift[i]!),
        ),
      ).toBeLessThan(1e-10)
      expect(distance(covarianceOf(moved!), covariance)).toBeLessThan(1e-10)
      const other = turned.byClass.get(label)!
      expect(distance([...other.mean], times(mean))).toBeLessThan(1e-10)
      expect(distance(covarianceOf(other), sandwiched(matrix, covariance))).toBeLessThan(1e-10)
      const named = renamed.byClass.get((label + 1) % 3)!
      expect(distance([...named.scatter], [...moments.scatter])).toBeLessThan(1e-10)
    }
  })

  it('I6: covariances are symmetric and have no negative direction, a rank below the number of examples, the trace of the sums', async () => {
    await forFederations(async (clients) => {
      const merged = await mergedOf(clients, FEDERATION)
      for (const { label, n, covariance } of globalClasses(gatheredFrom(merged), PLAIN)) {
        if (covariance === null || n < 2) continue
        const matrix = matrixOf(covariance, FEDERATION.width)
        const size = trace(matrix)
        const values = eigenvalues(matrix)
        expect(values[0]).toBeGreaterThanOrEqual(-1e-10 * size)
        const rank = values.filter((value) => value > 1e-10 * size).length
        expect(rank).toBeLessThanOrEqual(Math.min(FEDERATION.width, n - 1))
        const { mean, scatter } = merged.byClass.get(label)!
        const squares = rowsOf(union(clients), label)
          .flat()
          .reduce((sum, v) => sum + v * v, 0)
        const total = squares - n * [...mean].reduce((sum, v) => sum + v * v, 0)
        expect(trace(matrixOf(scatter, FEDERATION.width)) / total).toBeCloseTo(1, 9)
      }
    })
  })

  it('I7: features far from zero keep their covariance, which naive float32 sums lose', async () => {
    const [width, count] = [64, 5000]
    const stream = streamOf(6)
    const rows = Array.from({ length: count }, () =>
      Array.from({ length: width }, () => Math.fround(100 + 0.1 * stream.normal())),
    )
    const parts = [oneClass(rows.slice(0, 1900)), oneClass(rows.slice(1900))]
    const { byClass } = await mergedOf(parts, { width, classes: 1 })
    const expected = covarianceInTwoPasses(rows, width)
    const error = (covariance: Rows): number =>
      frobenius(covariance.map((row, i) => row.map((value, j) => value - expected[i]![j]!))) /
      frobenius(expected)
    const covariance = covarianceOf(byClass.get(0)!)
    expect(error(covariance)).toBeLessThan(1e-10)
    expect(eigenvalues(covariance)[0]).toBeGreaterThan(0)
    const naive = naiveFloat32(rows, width)
    expect(error(naive)).toBeGreaterThan(1)
    expect(eigenvalues(naive)[0]).toBeLessThan(0)
  })

  it('I8: classes of one or no example are never NaN', async () => {
    const few: readonly Labelled[] = [
      { rows: [[1, 2, 3, 4]], labels: [0] },
      { rows: [], labels: [] },
      { rows: [[2, 0, 1, 0]], labels: [2] },
      { rows: [[0, 0, 0, 0]], labels: [2] },
    ]
    for (const shape of ['full', 'diag', 'none'] as const) {
      for (const clients of [few, few.slice(0, 2), few.slice(1, 2)]) {
        const merged = await mergedOf(clients, { ...FEDERATION, shape })
        const covMode = shape
        const classes = globalClasses(gatheredFrom(merged), {
          ...PLAIN,
          covMode,
          shrinkKappa: 10,
        })
        const numbers = classes.flatMap(({ mean, covariance }) => [...mean, ...(covariance ?? [])])
        expect(numbers.every(Number.isFinite)).toBe(true)
        const all = [...merged.byClass.values()].flatMap(({ mean, scatter }) => [
          ...mean,
          ...scatter,
        ])
        expect(all.every(Number.isFinite)).toBe(true)
      }
    }
    const nothing = { n: 0, mean: Float64Array.of(NaN), scatter: Float64Array.of(NaN) }
    const into = { n: 0, mean: Float64Array.of(0), scatter: Float64Array.of(0) }
    expect(addMoments(into, nothing, 'full')).toBe(0)
    expect(addMoments(into, { n: 1, mean: [3] as never, scatter: [0] as never }, 'full')).toBe(0)
    expect(into).toEqual({ n: 1, mean: Float64Array.of(3), scatter: Float64Array.of(0) })
    const empty = { n: 0, sum: Float64Array.of(0), products: Float64Array.of(0) }
    expect(momentsOfSums(empty, 'full')).toBeNull()
    expect(mergeMoments(null, null, 'full')).toBeNull()
  })
})

const reordered = ({ rows, labels }: Labelled, order: readonly number[]): Labelled => ({
  rows: order.map((i) => rows[i]!),
  labels: order.map((i) => labels[i]!),
})

/** A Σ Aᵀ */
const sandwiched = (a: Rows, sigma: Rows): Rows => {
  const times = (row: readonly number[], columns: Rows) =>
    columns.map((column) => row.reduce((sum, value, k) => sum + value * column[k]!, 0))
  // Σ is symmetric, so its rows are its columns; those of Aᵀ are the rows of A.
  return a.map((row) => times(times(row, sigma), a))
}

function covarianceInTwoPasses(rows: Rows, width: number): Rows {
  const mean = Array.from(
    { length: width },
    (_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length,
  )
  const centred = rows.map((row) => Float64Array.from(row, (value, i) => value - mean[i]!))
  return mean.map((_, i) =>
    mean.map((__, j) => {
      let sum = 0
      for (const row of centred) sum += row[i]! * row[j]!
      return sum / (rows.length - 1)
    }),
  )
}

/** (Σ z zᵀ − n μ μᵀ) / (n − 1) with every intermediate result in float32. */
function naiveFloat32(rows: Rows, width: number): Rows {
  const sum = new Float32Array(width)
  const products = Array.from({ length: width }, () => new Float32Array(width))
  for (const row of rows) {
    for (let i = 0; i < width; i++) {
      sum[i]! += row[i]!
      for (let j = 0; j < width; j++) products[i]![j]! += Math.fround(row[i]! * row[j]!)
    }
  }
  const n = rows.length
  const mean = sum.map((value) => value / n)
  const symmetric = (i: number, j: number): number => products[Math.max(i, j)]![Math.min(i, j)]!
  return Array.from(mean, (_, i) =>
    Array.from(mean, (__, j) => {
      const subtracted = Math.fround(n * Math.fround(mean[i]! * mean[j]!))
      return Math.fround(symmetric(i, j) - subtracted) / (n - 1)
    }),
  )
}
