import type { Stream } from '#protocol/random.js'

/**
 * Which of the seven segments of a display a digit lights. Each segment is a line from (x, y) to (x, y) on a unit cell one
 * wide and two high.
 */
const SEGMENTS = {
  top: [0, 0, 1, 0],
  middle: [0, 1, 1, 1],
  bottom: [0, 2, 1, 2],
  upperLeft: [0, 0, 0, 1],
  upperRight: [1, 0, 1, 1],
  lowerLeft: [0, 1, 0, 2],
  lowerRight: [1, 1, 1, 2],
} as const
type Segment = keyof typeof SEGMENTS

const ALL = Object.keys(SEGMENTS) as Segment[]
const without = (...dark: readonly Segment[]): Segment[] =>
  ALL.filter((segment) => !dark.includes(segment))
const DIGITS: readonly (readonly Segment[])[] = [
  without('middle'),
  ['upperRight', 'lowerRight'],
  without('upperLeft', 'lowerRight'),
  without('upperLeft', 'lowerLeft'),
  without('top', 'bottom', 'lowerLeft'),
  without('upperRight', 'lowerLeft'),
  without('upperRight'),
  ['top', 'upperRight', 'lowerRight'],
  ALL,
  without('lowerLeft'),
]

/** Distance from a point to a segment that is horizontal or vertical. */
function distance(x: number, y: number, [x1, y1, x2, y2]: (typeof SEGMENTS)[Segment]): number {
  const dx = x - Math.min(Math.max(x, x1), x2)
  const dy = y - Math.min(Math.max(y, y1), y2)
  return Math.sqrt(dx * dx + dy * dy)
}

/**
 * A digit as on a seven-segment display, `side` × `side` grey values in [0, 1]: moved by up to an eighth of the side, of
 * random size and stroke, with noise of standard deviation 0.1.
 */
export function drawDigit(digit: number, side: number, stream: Stream): Float32Array {
  const scale = side * (0.26 + 0.08 * stream.uniform())
  const left = (side - scale) / 2 + side * (stream.uniform() - 0.5) * 0.25
  const top = (side - 2 * scale) / 2 + side * (stream.uniform() - 0.5) * 0.25
  const stroke = 0.16 + 0.12 * stream.uniform()
  return Float32Array.from({ length: side * side }, (_, at) => {
    const x = ((at % side) + 0.5 - left) / scale
    const y = (Math.floor(at / side) + 0.5 - top) / scale
    const near = Math.min(...DIGITS[digit]!.map((segment) => distance(x, y, SEGMENTS[segment])))
    const ink = Math.min(Math.max(1.5 - near / stroke, 0), 1)
    return Math.min(Math.max(ink + 0.1 * stream.normal(), 0), 1)
  })
}
