/** Symmetric matrices by their lower triangle, row by row. */

/** Elements of the packed lower triangle of a d × d matrix. Element (i, j), j ≤ i, lies at triangle(i) + j. */
export const triangle = (d: number): number => (d * (d + 1)) / 2

/** Where the packed lower triangle has element (i, i). */
export const diagonalAt = (i: number): number => triangle(i) + i
