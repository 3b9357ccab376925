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

/** For each pixel in order those that it is mixed of, and their weights; pixel i's end before `ends[i]`. */
interface Mixture {
  readonly from: readonly number[]
  readonly weights: readonly number[]
  readonly ends: readonly number[]
}

/**
 * The pixels around a point and how near they are: bilinear weights that add up to 1, less what lies outside the image. A
 * point on a pixel is that pixel alone, with weight 1.
 */
function around(
  [height, width]: readonly [number, number],
  y: number,
  x: number,
): readonly (readonly [pixel: number, weight: number])[] {
  const [top, left] = [Math.floor(y), Math.floor(x)]
  return [0, 1].flatMap((down) =>
    [0, 1].flatMap((right): (readonly [number, number])[] => {
      const [row, column] = [top + down, left + right]
      const weight = (1 - Math.abs(y - row)) * (1 - Math.abs(x - column))
      const isInside = row >= 0 && row < height && column >= 0 && column < width
      return isInside && weight > 0 ? [[row * width + column, weight]] : []
    }),
  )
}

function mixtureOf(degrees: number, size: readonly [number, number]): Mixture {
  const [height, width] = size
  const [cos, sin] = cosAndSin(degrees)
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2]
  const mixture = { from: [] as number[], weights: [] as number[], ends: [] as number[] }
  for (let pixel = 0; pixel < height * width; pixel++) {
    const [dy, dx] = [Math.floor(pixel / width) - middleY, (pixel % width) - middleX]
    const parts = around(size, middleY + sin * dx + cos * dy, middleX + cos * dx - sin * dy)
    mixture.from.push(...parts.map(([from]) => from))
    mixture.weights.push(...parts.map(([, weight]) => weight))
    mixture.ends.push(mixture.from.length)
  }
  return mixture
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
  prepare: (degrees, [height = 0, width = 0, channels = 0]) => {
    const { from, weights, ends } = mixtureOf(degrees, [height, width])
    const before = new Float32Array(height * width * channels)
    return (values) => {
      before.set(values)
      for (let pixel = 0, part = 0; pixel < ends.length; pixel++) {
        const start = part
        for (let channel = 0; channel < channels; channel++) {
          let mixed = 0
          for (part = start; part < ends[pixel]!; part++)
            mixed += weights[part]! * before[from[part]! * channels + channel]!
          values[pixel * channels + channel] = mixed
        }
      }
    }
  },
}
