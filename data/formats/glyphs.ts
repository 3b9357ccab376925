import type { Stream } from '#protocol/random.js'

export const GLYPH_SIDE = 12
const PIXELS = GLYPH_SIDE * GLYPH_SIDE
/** Binomial weights, a short Gaussian. */
const SMOOTHING = [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16]
const STEEPNESS = 1.5
const [LEAST_GAIN, MOST_GAIN] = [0.7, 1.3]
const NOISE = 0.8

/** Position on a torus of `GLYPH_SIDE`. */
const wrap = (at: number): number => ((at % GLYPH_SIDE) + GLYPH_SIDE) % GLYPH_SIDE

/** Weighted mean with the neighbours along one axis, around the edge: `step` 1 for columns, `GLYPH_SIDE` for rows. */
function smooth(values: Float64Array, step: 1 | typeof GLYPH_SIDE): Float64Array {
  return values.map((_, at) => {
    const place = step === 1 ? at % GLYPH_SIDE : Math.floor(at / GLYPH_SIDE)
    return SMOOTHING.reduce(
      (sum, weight, i) => sum + weight * values[at + (wrap(place + i - 2) - place) * step]!,
      0,
    )
  })
}

/** Mean 0, population variance 1. */
function standardised(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return values.map((value) => (value - mean) / Math.sqrt(variance))
}

/**
 * What the examples of one class have in common: white noise of 12 × 12, smoothed around the edges along both axes,
 * standardised, and driven towards −1 and 1 by tanh(1.5 v), so that it has strokes and gaps.
 */
export function glyphPrototype(stream: Stream): Float64Array {
  const white = Float64Array.from({ length: PIXELS }, () => stream.normal())
  return standardised(smooth(smooth(white, 1), GLYPH_SIDE)).map((value) =>
    Math.tanh(STEEPNESS * value),
  )
}

/**
 * An example of a class: its prototype moved around the edges by −1, 0 or 1 along each axis, times a gain from U(0.7, 1.3),
 * with noise of standard deviation 0.8 at every pixel. The values lie about 0 and have no bounds.
 */
export function drawGlyph(prototype: Float64Array, stream: Stream): Float32Array {
  const [down, right] = [stream.integer(3) - 1, stream.integer(3) - 1]
  const gain = LEAST_GAIN + (MOST_GAIN - LEAST_GAIN) * stream.uniform()
  return Float32Array.from({ length: PIXELS }, (_, at) => {
    const row = wrap(Math.floor(at / GLYPH_SIDE) - down)
    const column = wrap((at % GLYPH_SIDE) - right)
    return gain * prototype[row * GLYPH_SIDE + column]! + NOISE * stream.normal()
  })
}
