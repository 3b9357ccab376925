import type { Stream } from '#protocol/random.js'

export const BITMAP_SIDE = 12
const [ROWS, COLUMNS] = [7, 5]
const CENTRE = (BITMAP_SIDE - 1) / 2

/** Pixels of the image per column and per row of a glyph that is not stretched. */
const [ACROSS, DOWN] = [1.3, 1.25]
const TURN = 0.2
const [LEAST_SCALE, MOST_SCALE] = [0.85, 1.15]
const SHEAR = 0.15
const MOVE = 1
const [LEAST_INK, MOST_INK] = [0.6, 1]
const NOISE = 0.3

/** A line a digit, its rows from top to bottom: ccvr specification §14.2. */
const DIGITS = [
  '01110 10001 10011 10101 11001 10001 01110',
  '00100 01100 00100 00100 00100 00100 01110',
  '01110 10001 00001 00110 01000 10000 11111',
  '01110 10001 00001 00110 00001 10001 01110',
  '00010 00110 01010 10010 11111 00010 00010',
  '11111 10000 11110 00001 00001 10001 01110',
  '00110 01000 10000 11110 10001 10001 01110',
  '11111 00001 00010 00100 01000 01000 01000',
  '01110 10001 10001 01110 10001 10001 01110',
  '01110 10001 10001 01111 00001 00010 01100',
].map((rows) => Float64Array.from(rows.replaceAll(' ', ''), Number))

const between = (stream: Stream, least: number, most: number): number =>
  least + (most - least) * stream.uniform()

/** Ink of a glyph between its cells, linear along both axes; nothing outside. */
function inkAt(glyph: Float64Array, row: number, column: number): number {
  const [top, left] = [Math.floor(row), Math.floor(column)]
  const [below, right] = [row - top, column - left]
  const cell = (r: number, c: number): number =>
    r < 0 || r >= ROWS || c < 0 || c >= COLUMNS ? 0 : glyph[r * COLUMNS + c]!
  return (
    (1 - below) * ((1 - right) * cell(top, left) + right * cell(top, left + 1)) +
    below * ((1 - right) * cell(top + 1, left) + right * cell(top + 1, left + 1))
  )
}

/**
 * A digit of 5 × 7 dots, turned, stretched, sheared and moved at random on 12 × 12 pixels, with ink between 0.6 and 1 and
 * noise of standard deviation 0.3 at every pixel, so that values lie about [0, 1] and have no bounds. The rule of the ccvr
 * specification (§14.2), in its letters: a turn, sx and sy scales, h shear, tx and ty move.
 */
export function drawBitmapDigit(digit: number, stream: Stream): Float32Array {
  const a = between(stream, -TURN, TURN)
  const sx = between(stream, LEAST_SCALE, MOST_SCALE)
  const sy = between(stream, LEAST_SCALE, MOST_SCALE)
  const h = between(stream, -SHEAR, SHEAR)
  const tx = between(stream, -MOVE, MOVE)
  const ty = between(stream, -MOVE, MOVE)
  const ink = between(stream, LEAST_INK, MOST_INK)
  const [sin, cos] = [Math.sin(a), Math.cos(a)]
  return Float32Array.from({ length: BITMAP_SIDE * BITMAP_SIDE }, (_, at) => {
    const x = (at % BITMAP_SIDE) - CENTRE - tx
    const y = Math.floor(at / BITMAP_SIDE) - CENTRE - ty
    const turnedY = y * cos - x * sin
    const turnedX = x * cos + y * sin + h * turnedY
    const column = turnedX / (ACROSS * sx) + (COLUMNS - 1) / 2
    const row = turnedY / (DOWN * sy) + (ROWS - 1) / 2
    return ink * inkAt(DIGITS[digit]!, row, column) + NOISE * stream.normal()
  })
}
