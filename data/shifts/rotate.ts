import { ANY_NUMBER, type Transform } from './transform.js'

/** [cos, sin] of a whole number of quarter turns, exactly. */
const QUARTERS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const

function cosAndSin(degrees: number): readonly [number, number] {
  const quarters = degrees / 90
  if (Number.isInteger(quarters)) return QUARTERS[((quarters % 4) + 4) % 4]!
  return [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]
}

interface Image {
  readonly values: Float32Array
  readonly height: number
  readonly width: number
  readonly channels: number
}

/** The value between four pixels, in proportion to nearness; pixels outside are 0. On a pixel: that pixel, exactly. */
function between(
  { values, height, width, channels }: Image,
  { y, x, channel }: { readonly y: number; readonly x: number; readonly channel: number },
): number {
  const [top, left] = [Math.floor(y), Math.floor(x)]
  const [down, right] = [y - top, x - left]
  const at = (row: number, column: number): number =>
    row < 0 || row >= height || column < 0 || column >= width
      ? 0
      : values[(row * width + column) * channels + channel]!
  const upper = down === 1 ? 0 : (1 - right) * at(top, left) + right * at(top, left + 1)
  const lower = down === 0 ? 0 : (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
  return (1 - down) * upper + down * lower
}

/**
 * Turns images counter-clockwise about their centre. Every pixel is read where it comes from: with c and s the cosine and
 * sine of the angle and (dx, dy) from the centre, rows counted downwards, at (c dx − s dy, s dx + c dy). Between pixels the
 * value is bilinear, outside 0. Half turns are exact, and so are quarter turns of square images; an image that is not
 * square keeps its shape, so a quarter turn cuts off the ends of its longer side.
 */
export const rotate: Transform = {
  name: 'rotate',
  usage: 'rotate=DEG',
  summary: 'DEG degrees counter-clockwise, images only',
  parameter: { label: 'DEG', ...ANY_NUMBER },
  refusal: (shape) =>
    shape.length === 3
      ? null
      : `rotate needs images [height, width, channels], the rows have shape [${shape.join(', ')}]`,
  apply: ({ values, shape, parameter }) => {
    const [height = 0, width = 0, channels = 0] = shape
    const [cos, sin] = cosAndSin(parameter)
    const image = { values: values.slice(), height, width, channels }
    const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2]
    let to = 0
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const [dy, dx] = [row - middleY, column - middleX]
        const from = { y: middleY + sin * dx + cos * dy, x: middleX + cos * dx - sin * dy }
        for (let channel = 0; channel < channels; channel++)
          values[to++] = between(image, { ...from, channel })
      }
    }
  },
}
