/** Eigenvalues with vectors of symmetric matrices. */
import { triangle } from './packed.js'

export interface Eigen {
  /** Ascending. */
  readonly values: readonly number[]
  /** [d, d] row by row; column j belongs to value j. */
  readonly vectors: Float64Array
}

/** Loads the library only here: hardly a covariance needs it. */
export async function eigenOf(packed: Float64Array, d: number): Promise<Eigen> {
  const { EigenvalueDecomposition, Matrix } = await import('ml-matrix')
  const matrix = new Matrix(d, d)
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      matrix.set(i, j, packed[triangle(i) + j]!)
      matrix.set(j, i, packed[triangle(i) + j]!)
    }
  }
  const found = new EigenvalueDecomposition(matrix, { assumeSymmetric: true })
  return {
    values: found.realEigenvalues,
    vectors: Float64Array.from(found.eigenvectorMatrix.to1DArray()),
  }
}
