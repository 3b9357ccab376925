/**
 * What the gradients of a dense layer with a bias say about its inputs, without a search. For u = xW + b and one record
 * dl/dW_ij = x_i dl/db_j, so every unit's column, divided by its bias, is the input. Gifd specification §12 number 1; Phong et al.,
 * Privacy-Preserving Deep Learning via Additively Homomorphic Encryption, 2018.
 */
import { median } from '#algorithms/audit/metrics/spread.js'

export interface DenseGradient {
  /** [inputs, units], row by row. */
  readonly kernel: Float32Array
  /** [units] */
  readonly bias: Float32Array
  /** 1 where the observer knows the kernel's entry; null: everywhere. */
  readonly support: Float32Array | null
}

/** Of a unit against the largest; below it a ratio is all noise. */
const LEAST_BIAS = 1e-3
/** Units that are compared pair by pair. */
const MOST_UNITS = 256
/** ‖a − b‖ / ‖a‖ of vectors that are one record's. */
const SAME = 1e-2

/** Units worth dividing by, the strongest first. */
function admissible({ bias }: DenseGradient): number[] {
  const largest = bias.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return [...bias.keys()]
    .filter((j) => largest > 0 && Math.abs(bias[j]!) > LEAST_BIAS * largest)
    .sort((a, b) => Math.abs(bias[b]!) - Math.abs(bias[a]!))
}

const inputsOf = ({ kernel, bias }: DenseGradient): number => kernel.length / bias.length

const ratio = ({ kernel, bias, support }: DenseGradient, i: number, j: number): number => {
  const at = i * bias.length + j
  return support !== null && support[at] === 0 ? Number.NaN : kernel[at]! / bias[j]!
}

const column = (gradient: DenseGradient, unit: number): Float32Array =>
  Float32Array.from({ length: inputsOf(gradient) }, (_, i) => ratio(gradient, i, unit))

function knownMedian(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value))
  return known.length === 0 ? Number.NaN : median(known)
}

/** Σ_j W_ij b_j / Σ_j b_j²: of all units at once, those with little signal counting little. */
function leastSquares(gradient: DenseGradient, units: readonly number[]): Float32Array {
  const { bias } = gradient
  return Float32Array.from({ length: inputsOf(gradient) }, (_, i) => {
    let above = 0
    let below = 0
    for (const j of units) {
      const value = ratio(gradient, i, j)
      if (Number.isNaN(value)) continue
      above += value * bias[j]! ** 2
      below += bias[j]! ** 2
    }
    return below === 0 ? Number.NaN : above / below
  })
}

/**
 * The input of one record as all units, their median, and the strongest alone tell it: all the same without noise. NaN where the
 * observer knows nothing. Empty where no unit learned anything.
 */
export function singleLeaks(gradient: DenseGradient): readonly Float32Array[] {
  const units = admissible(gradient)
  const [strongest] = units
  if (strongest === undefined) return []
  const some = units.slice(0, MOST_UNITS)
  const middle = Float32Array.from({ length: inputsOf(gradient) }, (_, i) =>
    knownMedian(some.map((j) => ratio(gradient, i, j))),
  )
  return [leastSquares(gradient, units), middle, column(gradient, strongest)]
}

const relativeDistance = (a: Float32Array, b: Float32Array): number => {
  let apart = 0
  let size = 0
  for (let i = 0; i < a.length; i++) {
    if (Number.isNaN(a[i]!) || Number.isNaN(b[i]!)) continue
    apart += (a[i]! - b[i]!) ** 2
    size += a[i]! ** 2
  }
  return Math.sqrt(apart / Math.max(size, Number.MIN_VALUE))
}

/**
 * Of several records: a unit that is active for one of them alone tells that one, and then says the same as other such units.
 * Vectors that repeat come first, the most frequent first; then the others, the least implausible first by `fault`. At most
 * `count`, no two alike.
 */
export function repeatedLeaks(
  gradient: DenseGradient,
  count: number,
  fault: (input: Float32Array) => number,
): readonly Float32Array[] {
  const groups: { readonly vector: Float32Array; size: number }[] = []
  for (const unit of admissible(gradient).slice(0, MOST_UNITS)) {
    const vector = column(gradient, unit)
    const same = groups.find((group) => relativeDistance(group.vector, vector) < SAME)
    if (same === undefined) groups.push({ vector, size: 1 })
    else same.size += 1
  }
  const faults = new Map(groups.map((group) => [group, fault(group.vector)]))
  return groups
    .sort((a, b) => b.size - a.size || faults.get(a)! - faults.get(b)!)
    .slice(0, count)
    .map(({ vector }) => vector)
}
