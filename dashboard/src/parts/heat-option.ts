import type { ChartOption, Saying, Sheet } from './echart.js'

/** What a heat map shows. */
export interface Heat {
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  /** rows × columns; null: not known. */
  readonly values: readonly (readonly (number | null)[])[]
  /** What rows and columns are. */
  readonly rowLabel: string
  readonly columnLabel: string
  readonly format: (value: number) => string
  /** Shorter, within a cell and along the scale; default: `format`. */
  readonly tick?: (value: number) => string
  /** What the palest and the darkest shade stand for; default: the smallest and the largest value. */
  readonly range?: readonly [low: number, high: number]
  /** As many rows as columns, of the same things: cells are squares. */
  readonly isSquare?: boolean
}

const CHARACTER = 6.4
const LONGEST_NAME = 18
const [TOP, RIGHT, AXIS_NAME] = [4, 4, 20]
/** A cell is as high as that, the fewer rows the higher. */
const HEIGHTS: readonly (readonly [rows: number, height: number])[] = [
  [8, 30],
  [16, 24],
  [32, 16],
  [64, 10],
  [128, 6],
]
const LEAST_HEIGHT = 3
const LARGEST_SQUARE = 44
/** Of a cell that says its value. */
const ROOMY = { width: 30, height: 15 }

export const short = (name: string): string => {
  const characters = [...name.replaceAll(/\s+/g, ' ')]
  return characters.length <= LONGEST_NAME
    ? characters.join('')
    : `${characters.slice(0, LONGEST_NAME - 1).join('')}…`
}
const roomOf = (names: readonly string[]): number =>
  Math.ceil(Math.max(0, ...names.map((name) => [...short(name)].length)) * CHARACTER)

interface Layout {
  readonly left: number
  readonly bottom: number
  readonly cellWidth: number
  readonly cellHeight: number
  readonly isTurned: boolean
}
function layoutOf({ rows, columns, isSquare }: Heat, width: number): Layout {
  const left = roomOf(rows) + 12 + AXIS_NAME
  const wide = Math.max(1, (width - left - RIGHT) / Math.max(1, columns.length))
  const cellWidth = isSquare === true ? Math.min(LARGEST_SQUARE, wide) : wide
  const names = roomOf(columns)
  // Where not all names fit beside each other, some are left out before they are turned: rounds are read all the same.
  const isTurned = names > 34 && names + 8 > cellWidth
  const high = HEIGHTS.find(([most]) => rows.length <= most)?.[1] ?? LEAST_HEIGHT
  const cellHeight = isSquare === true ? Math.max(cellWidth, LEAST_HEIGHT) : high
  return { left, bottom: (isTurned ? names : 14) + 8 + AXIS_NAME, cellWidth, cellHeight, isTurned }
}

export function heatHeight(heat: Heat, width: number): number {
  const { cellHeight, bottom } = layoutOf(heat, width)
  return Math.ceil(TOP + heat.rows.length * cellHeight + bottom)
}

export function heatRange({ range, values }: Heat): readonly [low: number, high: number] {
  if (range !== undefined) return range
  const known = values.flat().filter((value) => value !== null)
  if (known.length === 0) return [0, 1]
  return [
    known.reduce((low, value) => Math.min(low, value), Infinity),
    known.reduce((high, value) => Math.max(high, value), -Infinity),
  ]
}

type Cell = Saying & {
  readonly value: readonly [x: number, y: number, value: number]
  readonly label?: { readonly color: string }
}

export const heatOption =
  (heat: Heat) =>
  (sheet: Sheet): ChartOption => {
    const layout = layoutOf(heat, sheet.width)
    const { left, cellWidth, cellHeight, isTurned } = layout
    const { rows, columns, format, tick = format } = heat
    const [low, high] = heatRange(heat)
    const isWritten = cellHeight >= ROOMY.height && cellWidth >= ROOMY.width
    const axis = (name: string) => ({
      ...{ type: 'category' as const, name, nameLocation: 'middle' as const },
      nameTextStyle: { color: sheet.muted, fontSize: 11 },
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: { show: false },
    })
    const label = { color: sheet.muted, fontSize: 11, hideOverlap: true } as const
    return {
      grid: {
        ...{ left, top: TOP },
        width: cellWidth * columns.length,
        height: cellHeight * rows.length,
      },
      xAxis: {
        ...{ ...axis(heat.columnLabel), data: columns.map(short) },
        nameGap: layout.bottom - AXIS_NAME + 2,
        axisLabel: {
          ...label,
          rotate: isTurned ? 90 : 0,
          interval: everyOf(isTurned ? 13 : roomOf(columns) + 8, cellWidth) - 1,
        },
      },
      yAxis: {
        ...{ ...axis(heat.rowLabel), data: rows.map(short), inverse: true },
        nameGap: left - AXIS_NAME + 2,
        axisLabel: { ...label, interval: everyOf(13, cellHeight) - 1 },
      },
      visualMap: {
        ...{ type: 'continuous', show: false, dimension: 2, min: low },
        max: high > low ? high : low + 1,
        inRange: {
          color: [mix(sheet.series[0] ?? '', sheet.paper, PALEST), sheet.series[0] ?? ''],
        },
      },
      series: [
        {
          type: 'heatmap',
          data: cellsOf(heat, sheet, isWritten) as unknown as number[][],
          label: {
            ...{ show: isWritten, fontSize: 10 },
            formatter: ({ value }) =>
              textWithin(tick((value as readonly number[])[2] ?? 0), cellWidth),
          },
          itemStyle: {
            borderColor: sheet.paper,
            borderWidth: cellHeight > 8 && cellWidth > 8 ? 1 : 0,
          },
          emphasis: { itemStyle: { borderColor: sheet.ink, borderWidth: 1 } },
          progressive: 0,
        },
      ],
    }
  }

/** Of names that stand so close only every so manieth is written. */
const everyOf = (needed: number, room: number): number => Math.max(1, Math.ceil(needed / room))
const textWithin = (text: string, width: number): string => (text.length * 5.8 <= width ? text : '')

function cellsOf(heat: Heat, sheet: Sheet, isWritten: boolean): readonly Cell[] {
  const { rows, columns, values, format, rowLabel, columnLabel } = heat
  const [low, high] = heatRange(heat)
  return values.flatMap((row, i) =>
    row.flatMap((value, j): readonly Cell[] => {
      if (value === null) return []
      const shade = high > low ? (value - low) / (high - low) : 0
      return [
        {
          value: [j, i, value],
          said: `${rowLabel} ${rows[i] ?? ''} · ${columnLabel} ${columns[j] ?? ''}: ${format(value)}`,
          ...(isWritten ? { label: { color: readable(shade, sheet) } } : {}),
        },
      ]
    }),
  )
}

/** The palest shade can still be told from the ground. */
const PALEST = 0.06
/** Ink or paper, whichever can be read better on a cell of that shade. */
function readable(shade: number, { series, paper, ink }: Sheet): string {
  const ground = luminance(mix(series[0] ?? '', paper, PALEST + (1 - PALEST) * shade))
  const contrast = (color: string): number => {
    const [low, high] = [ground, luminance(color)].sort((a, b) => a - b)
    return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05)
  }
  return contrast(ink) >= contrast(paper) ? ink : paper
}
/** Relative luminance, as WCAG has it. */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = channels(color).map((each) => {
    const share = each / 255
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

const channels = (color: string): readonly number[] =>
  [...color.matchAll(/[\d.]+/g)].slice(0, 3).map(([digits]) => Number(digits))
/** So much of one colour on another, of colours as browsers tell them: `rgb(1, 2, 3)`. */
export function mix(color: string, ground: string, share: number): string {
  const below = channels(ground)
  const mixed = channels(color).map((each, i) =>
    Math.round(each * share + (below[i] ?? each) * (1 - share)),
  )
  return `rgb(${mixed.join(', ')})`
}
