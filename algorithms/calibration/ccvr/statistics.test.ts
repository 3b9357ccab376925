/** The kernels of a client's statistics, for widths that do not fill their tiles. */
import { describe, expect, it } from 'vitest'
import { datasetOf, examplesOf, gaussianRows, streamOf } from '#testing/ccvr-lab.js'
import { distance, matrixOf, naiveMoments } from '#testing/naive-moments.js'
import { ColumnBlock } from '#algorithms/matrix/column-block.js'
import { diagonalAt, triangle } from '#algorithms/matrix/packed.js'
import { heldClasses } from './features.js'
import { lowRankOf, scatterOfLowRank } from './low-rank.js'
import { addProducts } from './merge.js'
import { diagonalOf, scatterSize, traceOf } from './moments.js'

describe('products of a block', () => {
  it('are Σ (z − shift)(z − shift)ᵀ, for any width', () => {
    for (let width = 1; width <= 10; width++) {
      const rows = gaussianRows(streamOf(width), 9, width)
      const { n, mean, scatter } = naiveMoments(rows, width)
      const block = new ColumnBlock(width, n + 3)
      for (const row of rows) block.push(Float64Array.from(row), Float64Array.from(mean))
      const [packed, diagonal] = [new Float64Array(triangle(width)), new Float64Array(width)]
      block.addTo(packed)
      block.addSquaresTo(diagonal)
      expect(distance(matrixOf(packed, width), scatter)).toBeLessThan(1e-13)
      expect(
        distance(
          [...diagonal],
          scatter.map((row, i) => row[i]!),
        ),
      ).toBeLessThan(1e-13)
    }
  })

  it('are added to what is there, and a cleared block has none', () => {
    const block = new ColumnBlock(2, 4)
    block.push(Float64Array.of(1, 2), Float64Array.of(0, 0), 3)
    const packed = Float64Array.of(1, 1, 1)
    block.addTo(packed)
    expect([...packed]).toEqual([10, 19, 37])
    block.clear()
    block.addTo(packed)
    expect([...packed]).toEqual([10, 19, 37])
  })
})

describe('a packed lower triangle', () => {
  it('lies row by row', () => {
    // [[1, 2, 4], [2, 3, 5], [4, 5, 6]]
    const packed = Float64Array.of(1, 2, 3, 4, 5, 6)
    expect([0, 1, 2].map(diagonalAt)).toEqual([0, 2, 5])
    expect([...diagonalOf(packed, 3, 'full')]).toEqual([1, 3, 6])
    expect(traceOf(packed, 3, 'full')).toBe(10)
    expect(traceOf(Float64Array.of(1, 3, 6), 3, 'diag')).toBe(10)
    expect(traceOf(new Float64Array(0), 3, 'none')).toBe(0)
    expect([scatterSize(3, 'full'), scatterSize(3, 'diag'), scatterSize(3, 'none')]).toEqual([
      6, 3, 0,
    ])
    addProducts(packed, [1, 0, 2] as never, { weight: 2, shape: 'full' })
    expect([...packed]).toEqual([3, 2, 3, 8, 5, 14])
  })
})

describe('a scatter of low rank', () => {
  it('keeps the strongest direction and leaves the others to the diagonal', async () => {
    // Eigenvalues 9 along (0.6, 0.8, 0), 4 along (0, 0, 1), 1 along (−0.8, 0.6, 0).
    const scatter = Float64Array.of(3.88, 3.84, 6.12, 0, 0, 4)
    const { directions, residuals } = await lowRankOf(scatter, 3, 1)
    expect(distance([...directions].map(Math.abs), [1.8, 2.4, 0])).toBeLessThan(1e-12)
    expect(distance([...residuals], [0.64, 0.36, 4])).toBeLessThan(1e-12)
    const back = scatterOfLowRank({ directions, residuals })
    expect(distance([...back], [3.88, 4.32, 6.12, 0, 0, 4])).toBeLessThan(1e-12)
  })
})

describe('the classes that a client tells of', () => {
  const labels = [2, 0, 2, 2, 1, 0]
  const rows = labels.map((_, i) => [i])

  it('ascend, each with its examples in their own order', () => {
    const { classes, dropped } = heldClasses(examplesOf({ rows, labels }, 1, 4), 1)
    expect(classes.map(({ label, examples }) => [label, ...examples.indices])).toEqual([
      [0, 1, 5],
      [1, 4],
      [2, 0, 2, 3],
    ])
    expect(dropped).toEqual({ classes: 0, examples: 0 })
  })

  it('are of its own rows alone, without those of which there are too few', () => {
    const source = datasetOf({ rows, labels }, 1, 4)
    const { classes, dropped } = heldClasses({ source, indices: Int32Array.of(5, 4, 3, 2) }, 2)
    expect(classes.map(({ label, examples }) => [label, ...examples.indices])).toEqual([[2, 3, 2]])
    expect(dropped).toEqual({ classes: 2, examples: 2 })
  })
})
