/** Eigenvalues of symmetric matrices, given by their packed lower triangle. */
import { FederationError } from '#protocol/errors.js'
import { diagonalAt, triangle } from './packed.js'

/** Below this share of the largest eigenvalue float32 features tell nothing. */
const RESOLUTION = 1e-6
/** QL needs two or three turns for an eigenvalue. */
const MOST_TURNS = 60

export interface Spectrum {
  /** Eigenvalues above 1e-6 of the largest. */
  readonly rank: number
  /** Largest eigenvalue over the smallest of these; null for a matrix of zeros. */
  readonly condition: number | null
}

export function spectrumOf(packed: Float64Array, d: number): Spectrum {
  const values = eigenvaluesOf(packed, d)
  const largest = Math.max(0, values.at(-1) ?? 0)
  const counted = values.filter((value) => value > RESOLUTION * largest)
  return { rank: counted.length, condition: counted.length === 0 ? null : largest / counted[0]! }
}

/**
 * All eigenvalues, ascending: Householder's reduction to a tridiagonal matrix, then implicit QL steps (Wilkinson and Reinsch,
 * Handbook for Automatic Computation II, 1971). Without eigenvectors it is several times as fast as the library's, and a
 * calibration wants it for every class.
 */
export function eigenvaluesOf(packed: Float64Array, d: number): Float64Array {
  const { diagonal, beside } = tridiagonal(Float64Array.from(packed), d)
  for (let first = 0; first < d; first++) settle(diagonal, beside, first)
  return diagonal.sort()
}

interface Tridiagonal {
  readonly diagonal: Float64Array
  /** Element i lies between diagonal i and i + 1; the last is 0. */
  readonly beside: Float64Array
}

/** Overwrites `a`. */
function tridiagonal(a: Float64Array, d: number): Tridiagonal {
  const [diagonal, beside] = [new Float64Array(d), new Float64Array(d)]
  const product = new Float64Array(d)
  for (let i = d - 1; i > 0; i--) {
    const u = a.subarray(triangle(i), triangle(i) + i)
    const length = Math.sqrt(u.reduce((sum, value) => sum + value * value, 0))
    if (i > 1 && length > 0) {
      const corner = u[i - 1]!
      const reflected = corner >= 0 ? -length : length
      beside[i - 1] = reflected
      u[i - 1] = corner - reflected
      reflect(a, u, { half: length * length - corner * reflected, product })
    } else beside[i - 1] = u[i - 1]!
    diagonal[i] = a[diagonalAt(i)]!
  }
  diagonal[0] = a[0] ?? 0
  return { diagonal, beside }
}

/** A ← H A H with H = I − u uᵀ / half, on the leading block as large as u. */
function reflect(
  a: Float64Array,
  u: Float64Array,
  { half, product }: { readonly half: number; readonly product: Float64Array },
): void {
  const size = u.length
  product.fill(0, 0, size)
  for (let row = 0; row < size; row++) {
    const start = triangle(row)
    const own = u[row]!
    let sum = a[start + row]! * own
    for (let k = 0; k < row; k++) {
      const value = a[start + k]!
      sum += value * u[k]!
      product[k]! += value * own
    }
    product[row]! += sum
  }
  let along = 0
  for (let k = 0; k < size; k++) along += (product[k]! /= half) * u[k]!
  for (let k = 0; k < size; k++) product[k]! -= (along / (2 * half)) * u[k]!
  for (let row = 0; row < size; row++) {
    const start = triangle(row)
    const [own, turned] = [u[row]!, product[row]!]
    for (let k = 0; k <= row; k++) a[start + k]! -= own * product[k]! + turned * u[k]!
  }
}

/** QL steps until diagonal element `first` is an eigenvalue. */
function settle(diagonal: Float64Array, beside: Float64Array, first: number): void {
  for (let turn = 0; ; turn++) {
    let last = first
    while (last < diagonal.length - 1 && !isNegligible(diagonal, beside, last)) last++
    if (last === first) return
    if (turn === MOST_TURNS) {
      throw new FederationError('internal/bug', 'The eigenvalues of a covariance do not converge')
    }
    step(diagonal, beside, { first, last })
  }
}

function isNegligible(diagonal: Float64Array, beside: Float64Array, i: number): boolean {
  const scale = Math.abs(diagonal[i]!) + Math.abs(diagonal[i + 1]!)
  return scale + Math.abs(beside[i]!) === scale
}

/** One implicit QL step with Wilkinson's shift on the block first … last. */
function step(
  diagonal: Float64Array,
  beside: Float64Array,
  { first, last }: { readonly first: number; readonly last: number },
): void {
  const slope = (diagonal[first + 1]! - diagonal[first]!) / (2 * beside[first]!)
  const root = Math.hypot(slope, 1)
  let g =
    diagonal[last]! - diagonal[first]! + beside[first]! / (slope + (slope >= 0 ? root : -root))
  let [sine, cosine, shift] = [1, 1, 0]
  for (let i = last - 1; i >= first; i--) {
    const f = sine * beside[i]!
    const b = cosine * beside[i]!
    const r = Math.hypot(f, g)
    beside[i + 1] = r
    if (r === 0) {
      diagonal[i + 1]! -= shift
      beside[last] = 0
      return
    }
    sine = f / r
    cosine = g / r
    g = diagonal[i + 1]! - shift
    const turned = (diagonal[i]! - g) * sine + 2 * cosine * b
    shift = sine * turned
    diagonal[i + 1] = g + shift
    g = cosine * turned - b
  }
  diagonal[first]! -= shift
  beside[first] = g
  beside[last] = 0
}
