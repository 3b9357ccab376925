/** Σ z zᵀ over the rows of a block, in float64: where a client's time goes, so it is written for the processor. */
import { triangle } from './packed.js'

/** Columns of a tile: nine running sums and six loads fit into the registers of a processor. */
const TILE = 3

/** Rows of up to `capacity` vectors of length d, held column by column, as the kernel reads them. */
export class ColumnBlock {
  readonly #columns: Float64Array
  readonly #tile = new Float64Array(TILE * TILE)
  readonly #width: number
  readonly #capacity: number
  #rows = 0

  constructor(width: number, capacity: number) {
    this.#width = width
    this.#capacity = capacity
    // Columns of zeros behind the last one make the width a multiple of the tile.
    this.#columns = new Float64Array(Math.ceil(width / TILE) * TILE * capacity)
  }

  clear(): void {
    this.#rows = 0
  }

  /** Appends scale · (row − shift). `row` has length d. */
  push(row: Float64Array, shift: Float64Array, scale = 1): void {
    const at = this.#rows++
    for (let i = 0; i < this.#width; i++) {
      this.#columns[i * this.#capacity + at] = scale * (row[i]! - shift[i]!)
    }
  }

  /** scatter += Σ z zᵀ over the rows: packed lower triangle. */
  addTo(scatter: Float64Array): void {
    for (let i = 0; i < this.#width; i += TILE) {
      for (let j = 0; j <= i; j += TILE) {
        this.#sumTile(i, j)
        this.#addTile(scatter, i, j)
      }
    }
  }

  /** diagonal += Σ z² over the rows, [d]. */
  addSquaresTo(diagonal: Float64Array): void {
    for (let i = 0; i < this.#width; i++) {
      const start = i * this.#capacity
      let sum = 0
      for (let at = start; at < start + this.#rows; at++) {
        sum += this.#columns[at]! * this.#columns[at]!
      }
      diagonal[i]! += sum
    }
  }

  #sumTile(i: number, j: number): void {
    const [z, rows, step] = [this.#columns, this.#rows, this.#capacity]
    const [i0, i1, i2] = [i * step, (i + 1) * step, (i + 2) * step]
    const [j0, j1, j2] = [j * step, (j + 1) * step, (j + 2) * step]
    let a = 0,
      b = 0,
      c = 0,
      d = 0,
      e = 0,
      f = 0,
      g = 0,
      h = 0,
      k = 0
    for (let row = 0; row < rows; row++) {
      const u = z[j0 + row]!
      const v = z[j1 + row]!
      const w = z[j2 + row]!
      let x = z[i0 + row]!
      a += x * u
      b += x * v
      c += x * w
      x = z[i1 + row]!
      d += x * u
      e += x * v
      f += x * w
      x = z[i2 + row]!
      g += x * u
      h += x * v
      k += x * w
    }
    this.#tile.set([a, b, c, d, e, f, g, h, k])
  }

  /** Only what lies in the lower triangle: tiles on the diagonal and at the edge reach beyond it. */
  #addTile(scatter: Float64Array, i: number, j: number): void {
    for (let p = 0; p < TILE && i + p < this.#width; p++) {
      const start = triangle(i + p)
      const end = Math.min(j + TILE, i + p + 1)
      for (let q = j; q < end; q++) scatter[start + q]! += this.#tile[p * TILE + q - j]!
    }
  }
}
