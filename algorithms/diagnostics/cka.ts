/**
 * Linear CKA: how alike two layers see the same examples, whatever basis, scale and offset each uses.
 *
 * Paper: S. Kornblith, M. Norouzi, H. Lee, G. Hinton, "Similarity of Neural Network Representations Revisited", ICML 2019,
 *   https://arxiv.org/abs/1905.00414; read as in the ccvr specification §11.1
 * Rule:  CKA = ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖) = ⟨K, L⟩ / √(⟨K, K⟩ ⟨L, L⟩),  X, Y centred [n, p], [n, q],  K = XXᵀ, L = YYᵀ
 * Debiased: the same quotient of HSIC₁ (L. Song et al., "Feature Selection via Dependence Maximization", JMLR 13, 2012). For
 *   centred matrices, of which D = Σ K_ii L_ii, it needs no more than the plain one:
 *   n (n − 3) HSIC₁ = ⟨K, L⟩ − D − 2 D / (n − 2) + tr K · tr L / ((n − 1)(n − 2))
 * All sums in float64. Undefined (NaN) where a layer says the same of every example.
 */

export type Floats = Float64Array | Float32Array

/** What a layer says of some examples: row by row, as many values for each. */
export interface Activations {
  readonly values: Floats
  readonly examples: number
}

/** Both NaN where undefined. */
export interface Similarity {
  /** In [0, 1]. */
  readonly cka: number
  /** May lie outside of [0, 1]. NaN also for fewer than four examples, and where the estimate for one layer alone is not positive. */
  readonly debiased: number
}

/** A centred Gram matrix, H X Xᵀ H, which is all that CKA wants to know of a layer. */
export interface Gram {
  /** [n] */
  readonly diagonal: Float64Array
  /** What is below it, row by row: element (i, j), j < i, at i (i − 1) / 2 + j. */
  readonly below: Floats
  readonly isConstant: boolean
}

/**
 * Share of the squared lengths of examples that spread around their mean must exceed: below it float32 activations differ by
 * rounding only.
 */
const CONSTANT = 1e-13

/** Chooses the cheaper form: by features where neither layer is wider than there are examples, else by Gram matrices. */
export function linearCka(x: Activations, y: Activations): Similarity {
  const isNarrow = [x, y].every(({ values, examples }) => values.length <= examples * examples)
  return isNarrow ? ckaOfFeatures(x, y) : ckaOfGrams(gramOf(x), gramOf(y))
}

/** By p × q products over examples; the same as by Gram matrices. */
export function ckaOfFeatures(x: Activations, y: Activations): Similarity {
  const [a, b] = [centred(x), centred(y)]
  if (a.isConstant || b.isConstant) return UNDEFINED
  const inner = (one: Centred, other: Centred): Inner => ({
    whole: crossProducts(one, other),
    diagonal: dot(one.squares, other.squares),
    examples: x.examples,
  })
  const own = (one: Centred): Own => ({ inner: inner(one, one), trace: sum(one.squares) })
  return similarity(own(a), own(b), inner(a, b))
}

/** By n × n products: of two Gram matrices of the same examples, however wide the layers are. */
export const ckaOfGrams = (k: Gram, l: Gram): Similarity => pairwiseCka([k, l])[0]![1]!

/** Of each with each, [i][j]: symmetric, and 1 on the diagonal where that is defined. */
export function pairwiseCka(grams: readonly Gram[]): readonly (readonly Similarity[])[] {
  const owns = grams.map((gram): Own => ({
    inner: innerProduct(gram, gram),
    trace: sum(gram.diagonal),
  }))
  const rows = grams.map((): Similarity[] => grams.map(() => UNDEFINED))
  grams.forEach((k, i) => {
    for (const [j, l] of grams.slice(0, i + 1).entries()) {
      if (k.isConstant || l.isConstant) continue
      const xy = i === j ? owns[i]!.inner : innerProduct(k, l)
      rows[i]![j] = rows[j]![i] = similarity(owns[i]!, owns[j]!, xy)
    }
  })
  return rows
}

export function gramOf(x: Activations): Gram {
  const { rows, width, squaredLengths } = centred(x)
  const n = x.examples
  const gram = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let product = 0
      for (let p = 0; p < width; p++) product += rows[i * width + p]! * rows[j * width + p]!
      gram[i * n + j] = gram[j * n + i] = product
    }
  }
  return centredGram(gram, squaredLengths)
}

/**
 * H G H of a symmetric [n, n] matrix of products between examples, wherever these were measured from. `squaredLengths`: Σ ‖x‖²
 * as measured from the origin. Overwrites `gram`.
 */
export function centredGram(gram: Float64Array, squaredLengths: number): Gram {
  const n = Math.sqrt(gram.length)
  const means = Float64Array.from(
    { length: n },
    (_, i) => sum(gram.subarray(i * n, (i + 1) * n)) / n,
  )
  const grandMean = sum(means) / n
  const diagonal = new Float64Array(n)
  const below = new Float64Array((n * (n - 1)) / 2)
  for (let i = 0, at = 0; i < n; i++) {
    const shift = grandMean - means[i]!
    for (let j = 0; j < i; j++, at++) below[at] = gram[i * n + j]! + shift - means[j]!
    diagonal[i] = gram[i * n + i]! + shift - means[i]!
  }
  return { diagonal, below, isConstant: isConstant(sum(diagonal), squaredLengths) }
}

const UNDEFINED: Similarity = { cka: NaN, debiased: NaN }

/** Not finite counts as constant: nothing can be said of it. */
const isConstant = (spread: number, squaredLengths: number): boolean =>
  !(spread > CONSTANT * squaredLengths && Number.isFinite(squaredLengths))

/** ⟨K, L⟩, and the part of it that the diagonals make. */
interface Inner {
  readonly whole: number
  readonly diagonal: number
  readonly examples: number
}
/** Of one layer alone. */
interface Own {
  readonly inner: Inner
  readonly trace: number
}

function innerProduct(k: Gram, l: Gram): Inner {
  const diagonal = dot(k.diagonal, l.diagonal)
  return {
    whole: diagonal + 2 * dot(k.below, l.below),
    ...{ diagonal, examples: k.diagonal.length },
  }
}

function similarity(x: Own, y: Own, xy: Inner): Similarity {
  const own = [hsic(x.inner, x.trace * x.trace), hsic(y.inner, y.trace * y.trace)] as const
  const isDefined = xy.examples > 3 && own[0] > 0 && own[1] > 0
  return {
    // Rounding can lead beyond 1 by a last bit.
    cka: Math.min(1, xy.whole / Math.sqrt(x.inner.whole * y.inner.whole)),
    debiased: isDefined ? hsic(xy, x.trace * y.trace) / Math.sqrt(own[0] * own[1]) : NaN,
  }
}

/** n (n − 3) HSIC₁ */
const hsic = ({ whole, diagonal, examples }: Inner, traces: number): number =>
  whole - diagonal - (2 * diagonal) / (examples - 2) + traces / ((examples - 1) * (examples - 2))

interface Centred {
  /** As the values, less the mean of each column. */
  readonly rows: Float64Array
  readonly width: number
  /** Of each centred row. */
  readonly squares: Float64Array
  readonly squaredLengths: number
  readonly isConstant: boolean
}

function centred({ values, examples }: Activations): Centred {
  const width = values.length / examples
  const means = new Float64Array(width)
  for (let at = 0; at < values.length; at++) means[at % width]! += values[at]! / examples
  const rows = Float64Array.from(values, (value, at) => value - means[at % width]!)
  const squares = Float64Array.from({ length: examples }, (_, i) => {
    const row = rows.subarray(i * width, (i + 1) * width)
    return dot(row, row)
  })
  const squaredLengths = dot(values, values)
  return {
    ...{ rows, width, squares, squaredLengths },
    isConstant: isConstant(sum(squares), squaredLengths),
  }
}

/** ‖YᵀX‖² */
function crossProducts(x: Centred, y: Centred): number {
  const products = new Float64Array(x.width * y.width)
  for (let i = 0; i < x.squares.length; i++) {
    for (let p = 0; p < x.width; p++) {
      const value = x.rows[i * x.width + p]!
      for (let q = 0; q < y.width; q++)
        products[p * y.width + q]! += value * y.rows[i * y.width + q]!
    }
  }
  return dot(products, products)
}

function sum(values: Floats): number {
  let total = 0
  for (let at = 0; at < values.length; at++) total += values[at]!
  return total
}

/** In four strands, which a processor adds at the same time. */
function dot(a: Floats, b: Floats): number {
  const even = a.length - (a.length % 4)
  let [p, q, r, s] = [0, 0, 0, 0]
  for (let at = 0; at < even; at += 4) {
    p += a[at]! * b[at]!
    q += a[at + 1]! * b[at + 1]!
    r += a[at + 2]! * b[at + 2]!
    s += a[at + 3]! * b[at + 3]!
  }
  for (let at = even; at < a.length; at++) p += a[at]! * b[at]!
  return p + q + (r + s)
}
