/**
 * IEEE 754 binary16 as bit patterns: 1 sign, 5 exponent (bias 15), 10 fraction bits. Largest finite value 65504, smallest
 * positive 2^-24.
 */
const scratch = new Float32Array(1)
const scratchBits = new Uint32Array(scratch.buffer)

const INFINITY = 0x7c00
const NOT_A_NUMBER = 0x7e00
/** float32 bits of the first value that rounds to infinity: 65520, half-way between 65504 and 2^16. */
const OVERFLOW = 0x477ff000
/** float32 bits of the smallest normal half, 2^-14. */
const SMALLEST_NORMAL = 0x38800000
/** Added to a magnitude below 2^-14, aligns the last bit of a half with that of a float32: 0.5 = 2^-24 * 2^23. */
const SUBNORMAL_SHIFT = 0.5
const SUBNORMAL_SHIFT_BITS = 0x3f000000
/** Difference of the exponent biases (127 - 15), in place. */
const REBIAS = 112 << 23
const DROPPED_BITS = 13

function halfOf(magnitude: number): number {
  if (magnitude > 0x7f800000) return NOT_A_NUMBER
  if (magnitude >= OVERFLOW) return INFINITY
  if (magnitude < SMALLEST_NORMAL) {
    scratchBits[0] = magnitude
    scratch[0] = scratch[0]! + SUBNORMAL_SHIFT
    return scratchBits[0] - SUBNORMAL_SHIFT_BITS
  }
  // Ties go to even: half of the dropped unit, less one unless the kept last bit is odd.
  const isOdd = (magnitude >>> DROPPED_BITS) & 1
  return (magnitude - REBIAS + 0xfff + isOdd) >>> DROPPED_BITS
}

/** Nearest half of each value, ties to even; beyond ±65520 infinity; every NaN becomes 0x7e00. */
export function toFloat16(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) {
    scratch[0] = values[i]!
    const bits = scratchBits[0]!
    halves[i] = halfOf(bits & 0x7fffffff) | ((bits >>> 16) & 0x8000)
  }
  return halves
}

/** The exact value of each bit pattern. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length)
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!
    const exponent = (half >>> 10) & 31
    const fraction = half & 1023
    const sign = half & 0x8000 ? -1 : 1
    if (exponent === 31) values[i] = fraction === 0 ? sign * Infinity : NaN
    else if (exponent === 0) values[i] = sign * fraction * 2 ** -24
    else values[i] = sign * (1024 + fraction) * 2 ** (exponent - 25)
  }
  return values
}
