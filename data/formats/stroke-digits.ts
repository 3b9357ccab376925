import type { Stream } from '#protocol/random.js'

/** Rows, columns and channels of a picture. */
export interface PictureSize {
  readonly height: number
  readonly width: number
  readonly channels: number
}

/** Gifd specification §20.1. Lengths are shares of the shorter side, angles radians. */
const JITTER = 0.05
const [LEAST_HALF_WIDTH, MOST_HALF_WIDTH] = [0.03, 0.07]
const TURN = 0.25
const [LEAST_SCALE, MOST_SCALE] = [0.85, 1.15]
const SHEAR = 0.2
const MOVE = 0.06
const [LEAST_INK, MOST_INK] = [0.75, 1]
/** With more than one channel each has its own share of the ink. */
const LEAST_TINT = 0.4
/** Over which ink fades at the edge of a stroke. */
const EDGE = 0.035
/** Straight pieces of a whole ellipse. */
const PIECES = 20

type Point = readonly [x: number, y: number]
interface Line {
  readonly points: readonly Point[]
}
/** From angle to angle, counted from the right over the bottom, in half turns. */
interface Arc {
  readonly centre: Point
  readonly radii: Point
  readonly from: number
  readonly to: number
}
const line = (...points: readonly Point[]): Line => ({ points })
const arc = (centre: Point, radii: Point, [from, to]: readonly [number, number] = [0, 2]): Arc => ({
  ...{ centre, radii, from, to },
})

/** On a unit cell, x to the right and y down. */
const DIGITS: readonly (readonly (Line | Arc)[])[] = [
  [arc([0.5, 0.5], [0.21, 0.32])],
  [line([0.36, 0.32], [0.53, 0.18], [0.53, 0.82])],
  [arc([0.5, 0.37], [0.2, 0.19], [1, 2.2]), line([0.66, 0.48], [0.3, 0.82], [0.72, 0.82])],
  [arc([0.47, 0.34], [0.19, 0.16], [1.1, 2.5]), arc([0.47, 0.66], [0.22, 0.17], [1.5, 2.9])],
  [line([0.62, 0.82], [0.62, 0.18], [0.27, 0.6], [0.77, 0.6])],
  [line([0.7, 0.18], [0.37, 0.18], [0.35, 0.46]), arc([0.48, 0.63], [0.22, 0.2], [1.25, 2.85])],
  [line([0.62, 0.18], [0.4, 0.4], [0.31, 0.62]), arc([0.5, 0.65], [0.2, 0.18])],
  [line([0.28, 0.18], [0.73, 0.18], [0.44, 0.82])],
  [arc([0.5, 0.33], [0.17, 0.15]), arc([0.5, 0.66], [0.21, 0.17])],
  [arc([0.49, 0.35], [0.19, 0.17]), line([0.68, 0.36], [0.66, 0.6], [0.55, 0.82])],
]

const between = (stream: Stream, least: number, most: number): number =>
  least + (most - least) * stream.uniform()

/** Each control point moves by up to the jitter along both axes; those of an arc are its centre and its radii. */
function jittered(stroke: Line | Arc, stream: Stream): readonly Point[] {
  const moved = ([x, y]: Point): Point => [
    x + between(stream, -JITTER, JITTER),
    y + between(stream, -JITTER, JITTER),
  ]
  if ('points' in stroke) return stroke.points.map(moved)
  const [[x, y], [rx, ry]] = [moved(stroke.centre), moved(stroke.radii)]
  const { from, to } = stroke
  const pieces = Math.ceil((PIECES * (to - from)) / 2)
  return Array.from({ length: pieces + 1 }, (_, i) => {
    const angle = Math.PI * (from + ((to - from) * i) / pieces)
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)] as const
  })
}

/** A number's digits side by side, each on its part of the width. */
function strokesOf(number: number, stream: Stream): readonly (readonly Point[])[] {
  const digits = [...String(number)].map(Number)
  return digits.flatMap((digit, place) =>
    DIGITS[digit]!.map((stroke) =>
      jittered(stroke, stream).map(([x, y]) => [(place + x) / digits.length, y] as const),
    ),
  )
}

/** One random turn, stretch, shear and move about the middle of the picture. */
function placement(stream: Stream): (point: Point) => Point {
  const turn = between(stream, -TURN, TURN)
  const scale = between(stream, LEAST_SCALE, MOST_SCALE)
  const shear = between(stream, -SHEAR, SHEAR)
  const right = between(stream, -MOVE, MOVE)
  const down = between(stream, -MOVE, MOVE)
  const [sin, cos] = [Math.sin(turn), Math.cos(turn)]
  return ([x, y]) => {
    const v = y - 0.5
    const u = x - 0.5 + shear * v
    return [0.5 + scale * (u * cos - v * sin) + right, 0.5 + scale * (u * sin + v * cos) + down]
  }
}

interface Piece {
  readonly x: number
  readonly y: number
  readonly dx: number
  readonly dy: number
}
const piecesOf = (points: readonly Point[]): readonly Piece[] =>
  points.slice(1).map(([toX, toY], i) => {
    const [x, y] = points[i]!
    return { x, y, dx: toX - x, dy: toY - y }
  })

function distance(x: number, y: number, piece: Piece): number {
  const [px, py] = [x - piece.x, y - piece.y]
  const squared = piece.dx ** 2 + piece.dy ** 2
  const along = squared === 0 ? 0 : (px * piece.dx + py * piece.dy) / squared
  const t = Math.min(Math.max(along, 0), 1)
  return Math.sqrt((px - t * piece.dx) ** 2 + (py - t * piece.dy) ** 2)
}

/**
 * A number from 0 to 999 written with strokes of random width, turned, stretched, sheared and moved, without noise: values in
 * [0, 1], row by row, channels together. One channel is grey; more are tinted, each with its own share of the ink. The
 * rule of the gifd specification (§20.1) for pictures of any size: the unit of length is the shorter side.
 */
export function drawStrokeDigits(number: number, size: PictureSize, stream: Stream): Float32Array {
  const { height, width, channels } = size
  const strokes = strokesOf(number, stream)
  const placed = placement(stream)
  const pieces = strokes.flatMap((points) => piecesOf(points.map(placed)))
  const halfWidth =
    between(stream, LEAST_HALF_WIDTH, MOST_HALF_WIDTH) / Math.sqrt(String(number).length)
  const ink = between(stream, LEAST_INK, MOST_INK)
  const tints = Array.from({ length: channels }, () =>
    channels === 1 ? 1 : between(stream, LEAST_TINT, 1),
  )
  const side = Math.min(height, width)
  const out = new Float32Array(height * width * channels)
  for (let at = 0; at < height * width; at++) {
    const x = ((at % width) + 0.5 - width / 2) / side + 0.5
    const y = (Math.floor(at / width) + 0.5 - height / 2) / side + 0.5
    let nearest = Infinity
    for (const piece of pieces) nearest = Math.min(nearest, distance(x, y, piece))
    const cover = Math.min(Math.max(1 - (nearest - halfWidth) / EDGE, 0), 1)
    tints.forEach((tint, channel) => (out[at * channels + channel] = cover * ink * tint))
  }
  return out
}
