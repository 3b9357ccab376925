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
import { axisRange, scaleFor, type Scale } from './scale.js'

export interface CurvePoint extends ChartValue {
  readonly x: number
  /** What a tooltip calls this place; the axis and the value by default. */
  readonly at?: string
}
export interface CurveSeries extends Named {
  /** From left to right. */
  readonly points: readonly CurvePoint[]
}
export interface CurveChart {
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly CurveSeries[]
}
interface Drawing {
  readonly sheet: Sheet
  readonly margins: Margins
  readonly y: ValueAxis
  readonly x: { readonly max: number; readonly interval: number; readonly scale: Scale }
  readonly label: string
}

/** More markers than this hide their line. */
const MARKERS = 12
/** Bands of more series than this cover each other; their tooltips still tell the range. */
export const MOST_BANDS = 6
const LETTER_HEIGHT = 13

export function curveOption(chart: CurveChart, sheet: Sheet): ChartOption {
  const points = chart.series.flatMap((series) => series.points)
  const y = valueAxis(chart.y, points)
  const margins = marginsOf(sheet, y, chart.series)
  const x = horizontal(chart.x, points)
  const drawing: Drawing = { sheet, margins, y, x, label: chart.x.label }
  const offsets = letterOffsets(chart.series, drawing)
  const { axisLabel, ...look } = axisLook(sheet)
  return {
    ...frameOf(sheet, margins, { of: chart.series, shows: 'lines' }),
    tooltip: { trigger: 'axis', axisPointer: { lineStyle: { color: sheet.theme.muted } } },
    xAxis: {
      ...look,
      type: 'value',
      ...{ min: 0, max: x.max, interval: x.interval },
      ...{ name: chart.x.label, nameLocation: 'middle', nameGap: 28 },
      splitLine: { show: false },
      axisLabel: {
        ...axisLabel,
        formatter: `{value}${x.scale.suffix}`,
        // A last round that is no multiple of the step would stand too close to the label before it.
        showMaxLabel: Number.isInteger(shown(x.max / x.interval)),
      },
    },
    yAxis: yAxisOption(sheet, y, chart.y.label),
    series: chart.series.flatMap((series, place) => [
      ...(chart.series.length > MOST_BANDS ? [] : band(series, place, drawing)),
      line(series, { place, offset: offsets[place] ?? 0, drawing }),
    ]),
  }
}

/** Rounds and bytes begin at 0; the axis ends with the last point. */
function horizontal({ unit }: Axis, points: readonly CurvePoint[]): Drawing['x'] {
  const largest = Math.max(...points.map(({ x }) => x))
  const scale = scaleFor(unit, largest)
  const max = shown(largest * scale.factor) || 1
  const { interval } = axisRange(0, max)
  return { max, interval: unit === 'count' ? Math.max(1, Math.ceil(interval)) : interval, scale }
}

function line(
  series: CurveSeries,
  from: { readonly place: number; readonly offset: number; readonly drawing: Drawing },
): ChartSeries {
  const { sheet, x, y, label } = from.drawing
  const { color, ...look } = seriesLook(series, from.place, sheet.theme)
  const every = Math.ceil(series.points.length / MARKERS)
  return {
    type: 'line',
    name: series.name,
    ...look,
    symbolSize: 6,
    showSymbol: true,
    clip: false,
    emphasis: { disabled: true },
    data: series.points.map((point, i) => ({
      value: [shown(point.x * x.scale.factor), shown(point.y * y.scale.factor)],
      at: point.at ?? `${label} ${x.scale.text(point.x)}`,
      who: series.letter ?? series.name,
      text: textOf(point, y.scale),
      ...(i % every === 0 || i === series.points.length - 1 ? {} : { symbol: 'none' }),
    })),
    endLabel: {
      show: series.letter !== undefined,
      formatter: series.letter ?? '',
      ...{ color, fontWeight: 600, distance: 8, offset: [0, from.offset] },
    },
    z: 3,
  }
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
