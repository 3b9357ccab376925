import type { Stream } from '#protocol/random.js'

export const PROTOTYPE_SIDE = 10
const PIXELS = PROTOTYPE_SIDE * PROTOTYPE_SIDE
const [LEAST_GAIN, MOST_GAIN] = [0.7, 1.3]
const NOISE = 0.8

/** The pixel at a place of the torus; `row` and `column` may lie up to a side outside. */
function at(values: Float64Array, row: number, column: number): number {
  const wrapped = (place: number): number => (place + PROTOTYPE_SIDE) % PROTOTYPE_SIDE
  return values[wrapped(row) * PROTOTYPE_SIDE + wrapped(column)]!
}

/** `of` for every pixel, row by row. */
const image = (of: (row: number, column: number) => number): Float64Array =>
  Float64Array.from({ length: PIXELS }, (_, i) =>
    of(Math.floor(i / PROTOTYPE_SIDE), i % PROTOTYPE_SIDE),
  )

/** Each pixel becomes the mean of itself and its four neighbours, around the edges. */
const smoothed = (values: Float64Array): Float64Array =>
  image((row, column) => {
    const vertical = at(values, row - 1, column) + at(values, row + 1, column)
    const horizontal = at(values, row, column - 1) + at(values, row, column + 1)
    return (at(values, row, column) + vertical + horizontal) / 5
  })

/** Divided by its population standard deviation; the mean stays where it is. */
function scaled(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return values.map((value) => value / Math.sqrt(variance))
}

/** What the examples of one mode of a class have in common: white noise of 10 × 10, smoothed twice, of standard deviation 1. */
export const drawPrototype = (stream: Stream): Float64Array =>
  scaled(smoothed(smoothed(Float64Array.from({ length: PIXELS }, () => stream.normal()))))

/**
 * An example of a class (fedd2s specification §16.1): one of its modes at random, moved around the edges by −1, 0 or 1 along
 * each axis, times a gain from U(0.7, 1.3), with noise of standard deviation 0.8 at every pixel. Values have no bounds.
 */
export function drawFromPrototypes(
  modes: readonly Float64Array[],
  stream: Stream,
): Float32Array<ArrayBuffer> {
  const prototype = modes[stream.integer(modes.length)]!
  const [down, right] = [stream.integer(3) - 1, stream.integer(3) - 1]
  const gain = LEAST_GAIN + (MOST_GAIN - LEAST_GAIN) * stream.uniform()
  return Float32Array.from(
    image(
      (row, column) => gain * at(prototype, row - down, column - right) + NOISE * stream.normal(),
    ),
  )
}
