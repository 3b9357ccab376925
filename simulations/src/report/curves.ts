/** Lines over rounds or bytes: means, the band between the runs, a letter where each line ends. */
import {
  axisLook,
  frameOf,
  highOf,
  lowOf,
  marginsOf,
  seriesLook,
  shown,
  textOf,
  valueAxis,
  yAxisOption,
  type Axis,
  type ChartOption,
  type ChartSeries,
  type ChartValue,
  type Margins,
  type Named,
  type Sheet,
  type ValueAxis,
} from './chart.js'
import { shortLabel, turnOf, type Turn } from './category-labels.js'
import { axisRange, scaleFor, type Scale } from './scale.js'

export interface CurvePoint extends ChartValue {
  readonly x: number
  /** What a tooltip calls this place; the axis and the value by default. */
  readonly at?: string
  /** Beside the line: a star, to which dots lead from the last point of the line before it. */
  readonly isAside?: boolean
}
export interface CurveSeries extends Named {
  /** From left to right. */
  readonly points: readonly CurvePoint[]
  /** Dotted and hollow: what stands in the same colour beside another series. */
  readonly isFaint?: boolean
}
export interface CurveChart {
  /** `names`: of the places 0, 1, 2 … instead of numbers. */
  readonly x: Axis & { readonly names?: readonly string[] }
  readonly y: Axis
  readonly series: readonly CurveSeries[]
}
interface Drawing {
  readonly sheet: Sheet
  readonly margins: Margins
  readonly y: ValueAxis
  readonly x: { readonly max: number; readonly interval: number; readonly scale: Scale }
  readonly label: string
  /** Of the places along x, where these are no numbers. */
  readonly names: readonly string[]
}

/** More markers than this hide their line. */
const MARKERS = 12
/** Bands of more series than this cover each other; their tooltips still tell the range. */
export const MOST_BANDS = 6
const LETTER_HEIGHT = 13
const DOTS = [2, 3]
/** Five points, hollow: no series has it for a marker. */
const STAR =
  'path://M0.0 -10.0L2.7 -3.7L9.5 -3.1L4.4 1.4L5.9 8.1L0.0 4.6L-5.9 8.1L-4.4 1.4L-9.5 -3.1L-2.7 -3.7Z'

export function curveOption(chart: CurveChart, sheet: Sheet): ChartOption {
  const points = chart.series.flatMap((series) => series.points)
  const y = valueAxis(chart.y, points)
  const names = chart.x.names?.map(shortLabel) ?? []
  const upright = marginsOf(sheet, y, chart.series)
  const turned = turnOf(names, sheet, upright)
  const margins = { ...upright, bottom: upright.bottom + turned.extra }
  const x = horizontal(chart.x, points)
  const drawing: Drawing = { sheet, margins, y, x, label: chart.x.label, names }
  const offsets = letterOffsets(chart.series, drawing)
  return {
    ...frameOf(sheet, margins, { of: chart.series, shows: 'lines' }),
    tooltip: { trigger: 'axis', axisPointer: { lineStyle: { color: sheet.theme.muted } } },
    xAxis: names.length > 0 ? namedAxis(drawing, turned) : numberAxis(drawing),
    yAxis: yAxisOption(sheet, y, chart.y.label),
    series: chart.series.flatMap((series, place) => [
      ...(chart.series.length > MOST_BANDS ? [] : band(trunkOf(series), place, drawing)),
      ...lines(series, { place, offset: offsets[place] ?? 0, drawing }),
    ]),
  }
}

function numberAxis({ sheet, x, label }: Drawing): NonNullable<ChartOption['xAxis']> {
  const { axisLabel, ...look } = axisLook(sheet)
  return {
    ...look,
    type: 'value',
    ...{ min: 0, max: x.max, interval: x.interval },
    ...{ name: label, nameLocation: 'middle', nameGap: 28 },
    splitLine: { show: false },
    axisLabel: {
      ...axisLabel,
      formatter: `{value}${x.scale.suffix}`,
      // A last round that is no multiple of the step would stand too close to the label before it.
      showMaxLabel: Number.isInteger(shown(x.max / x.interval)),
    },
  }
}

function namedAxis(
  { sheet, label, names }: Drawing,
  { degrees, extra }: Turn,
): NonNullable<ChartOption['xAxis']> {
  const { axisLabel, axisTick: _, ...look } = axisLook(sheet)
  return {
    ...look,
    type: 'category',
    data: [...names],
    ...{ name: label, nameLocation: 'middle', nameGap: 28 + extra },
    axisTick: { show: false },
    axisLabel: { ...axisLabel, rotate: degrees, interval: names.length > 40 ? 'auto' : 0 },
    splitLine: { show: true, lineStyle: { color: sheet.theme.rule } },
  }
}

/** Rounds and bytes begin at 0; the axis ends with the last point. */
function horizontal({ unit, names }: CurveChart['x'], points: readonly CurvePoint[]): Drawing['x'] {
  const largest = Math.max(...points.map(({ x }) => x))
  const scale = scaleFor(unit, largest)
  if (names !== undefined) return { max: Math.max(1, names.length - 1), interval: 1, scale }
  const max = shown(largest * scale.factor) || 1
  const { interval } = axisRange(0, max)
  return { max, interval: unit === 'count' ? Math.max(1, Math.ceil(interval)) : interval, scale }
}

interface Place {
  readonly place: number
  readonly offset: number
  readonly drawing: Drawing
}
const isAside = ({ isAside = false }: CurvePoint): boolean => isAside
const trunkOf = (series: CurveSeries): CurveSeries => ({
  ...series,
  points: series.points.filter((point) => !isAside(point)),
})

/** The line itself, and beside it what stands aside; the letter is at the last point of both. */
function lines(series: CurveSeries, from: Place): readonly ChartSeries[] {
  const last = series.points.at(-1)
  const endsAside = last !== undefined && isAside(last)
  const trunk = trunkOf(series)
  const letterless = { ...from, hasLetter: false }
  const lettered = { ...from, hasLetter: series.letter !== undefined }
  return [
    ...(trunk.points.length > 0 || !endsAside
      ? [line(trunk, endsAside ? letterless : lettered)]
      : []),
    ...branches(series, endsAside ? lettered : letterless),
  ]
}

function line(series: CurveSeries, from: Place & { readonly hasLetter: boolean }): ChartSeries {
  const { sheet, x, y } = from.drawing
  const { itemStyle, lineStyle, ...look } = seriesLook(series, from.place, sheet.theme)
  const every = Math.ceil(series.points.length / MARKERS)
  const isFaint = series.isFaint === true
  return {
    type: 'line',
    name: series.name,
    ...look,
    lineStyle: isFaint ? { ...lineStyle, width: 1.5, type: DOTS } : lineStyle,
    itemStyle: isFaint ? { ...itemStyle, color: sheet.theme.paper } : itemStyle,
    symbolSize: 6,
    showSymbol: true,
    clip: false,
    emphasis: { disabled: true },
    data: series.points.map((point, i) => ({
      value: [shown(point.x * x.scale.factor), shown(point.y * y.scale.factor)],
      ...told(series, point, from.drawing),
      ...(i % every === 0 || i === series.points.length - 1 ? {} : { symbol: 'none' }),
    })),
    endLabel: letter(series, from, look.color),
    z: 3,
  }
}

/** What a tooltip says of a point. */
const told = (series: CurveSeries, point: CurvePoint, { x, y, label, names }: Drawing) => ({
  at: point.at ?? names[point.x] ?? `${label} ${x.scale.text(point.x)}`,
  who: series.letter ?? series.name,
  text: textOf(point, y.scale),
})

const letter = (
  { letter: text = '' }: CurveSeries,
  { offset, hasLetter }: Place & { readonly hasLetter: boolean },
  color: string,
) => ({
  show: hasLetter,
  formatter: text,
  ...{ color, fontWeight: 600 as const, distance: 8, offset: [0, offset] },
})

/** Stars, dots to each from the line, and dots from the smallest to the largest run. */
function branches(
  series: CurveSeries,
  from: Place & { readonly hasLetter: boolean },
): readonly ChartSeries[] {
  const { sheet, x, y } = from.drawing
  const { color } = seriesLook(series, from.place, sheet.theme)
  const at = (point: CurvePoint, height: number | null): (number | null)[] => [
    shown(point.x * x.scale.factor),
    height === null ? null : shown(height * y.scale.factor),
  ]
  const data = series.points.flatMap((point, i) => {
    if (!isAside(point)) return []
    const start = series.points.slice(0, i).findLast((other) => !isAside(other))
    const bare = (place: (number | null)[]) => ({ value: place, symbol: 'none' })
    const reach = highOf(point) > lowOf(point) ? [lowOf(point), highOf(point), null] : []
    return [
      bare(at(point, null)),
      ...reach.map((height) => bare(at(point, height))),
      ...(start === undefined ? [] : [bare(at(start, start.y))]),
      { value: at(point, point.y), ...told(series, point, from.drawing) },
    ]
  })
  if (data.length === 0) return []
  return [
    {
      type: 'line',
      name: series.name,
      ...{
        symbol: STAR,
        symbolSize: 13,
        symbolKeepAspect: true,
        showSymbol: true,
        clip: false,
        z: 4,
        color,
      },
      emphasis: { disabled: true },
      lineStyle: { color, width: 1.5, type: DOTS },
      itemStyle: { color: sheet.theme.paper, borderColor: color, borderWidth: 1.5 },
      data,
      endLabel: { ...letter(series, from, color), distance: 11 },
    },
  ]
}

/** Two stacked lines without ink: up to the smallest run, and from there to the largest, filled. */
function band(
  series: CurveSeries,
  place: number,
  { sheet, x, y }: Drawing,
): readonly ChartSeries[] {
  if (!series.points.some((point) => highOf(point) > lowOf(point))) return []
  const { color } = seriesLook(series, place, sheet.theme)
  const part = (height: (point: CurvePoint) => number, opacity: number): ChartSeries => ({
    type: 'line',
    ...{ stack: `band ${place}`, stackStrategy: 'all', symbol: 'none', silent: true, z: 2 },
    ...{ lineStyle: { width: 0 }, itemStyle: { color }, tooltip: { show: false } },
    ...(opacity === 0 ? {} : { areaStyle: { color, opacity } }),
    data: series.points.map((point) => [
      shown(point.x * x.scale.factor),
      shown(height(point) * y.scale.factor),
    ]),
  })
  return [part(lowOf, 0), part((point) => highOf(point) - lowOf(point), 0.16)]
}

/** How far each line's letter moves up or down so that letters of lines that end together do not cover each other. */
function letterOffsets(
  series: readonly CurveSeries[],
  { sheet, margins, x, y }: Drawing,
): readonly number[] {
  const plot = sheet.height - margins.top - margins.bottom
  const ends = series.flatMap(({ points }, place): End[] => {
    const last = points.at(-1)
    if (last === undefined) return []
    const height = ((y.max - last.y * y.scale.factor) / (y.max - y.min)) * plot
    return [{ place, height, share: (last.x * x.scale.factor) / x.max }]
  })
  ends.sort((a, b) => a.height - b.height || a.place - b.place)
  const lowered = apart(ends, (end, above) =>
    Math.max(end.height, ...above.map(({ height }) => height + LETTER_HEIGHT)),
  )
  // The lowest may now stand on the axis below the plot: from there upwards again.
  const fitting = apart(lowered.toReversed(), (end, below) =>
    Math.min(end.height, plot, ...below.map(({ height }) => height - LETTER_HEIGHT)),
  )
  const fitted = new Map(fitting.map(({ place, height }) => [place, height]))
  const own = new Map(ends.map(({ place, height }) => [place, height]))
  return series.map((_, place) => Math.round((fitted.get(place) ?? 0) - (own.get(place) ?? 0)))
}

/** Moves one after the other away from those before it that end near the same place. */
function apart(
  ends: readonly End[],
  heightOf: (end: End, near: readonly End[]) => number,
): readonly End[] {
  const placed: End[] = []
  for (const end of ends) {
    const near = placed.filter(({ share }) => Math.abs(share - end.share) < 0.05)
    placed.push({ ...end, height: heightOf(end, near) })
  }
  return placed
}
interface End {
  readonly place: number
  readonly height: number
  /** Where the line ends, as a share of the width. */
  readonly share: number
}
