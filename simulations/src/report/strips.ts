/** Every client as a dot, a strip of them for each subject: the box holds their middle half, the line in it is their mean. */
import { categoryAxes } from './bars.js'
import { shortLabel, turnOf } from './category-labels.js'
import {
  frameOf,
  marginsOf,
  seriesLook,
  shown,
  valueAxis,
  yAxisOption,
  type Axis,
  type ChartOption,
  type ChartSeries,
  type Named,
  type Sheet,
  type ValueAxis,
} from './chart.js'
import { quantile } from './numbers.js'

export interface StripDot {
  readonly y: number
  /** What a tooltip calls it. */
  readonly at: string
}
export interface Strip extends Named {
  readonly dots: readonly StripDot[]
}
export interface StripChart {
  /** What the strips are. */
  readonly label: string
  readonly y: Axis
  readonly strips: readonly Strip[]
}

/** More dots than this are one black bar: of more, some from the lowest to the highest at equal steps stand for all. */
export const MOST_DOTS = 150
/** More of the full size cover each other. */
const MOST_LARGE = 60
/** Shares of a strip's room that its dots and its box take up. */
const [DOTS_WIDTH, BOX_WIDTH] = [0.44, 0.6]
/** Steps of the golden section spread any number of dots evenly, neighbours in height far apart. */
const GOLDEN = 0.618034

export function stripOption({ label, y: axis, strips }: StripChart, sheet: Sheet): ChartOption {
  const y = valueAxis(
    axis,
    strips.flatMap(({ dots }) => dots),
  )
  const categories = strips.map(({ letter, name }) => shortLabel(letter ?? name))
  const margins = marginsOf(sheet, y, [])
  const turned = turnOf(categories, sheet, margins)
  return {
    ...frameOf(
      sheet,
      { ...margins, bottom: margins.bottom + turned.extra },
      { of: [], shows: 'patches' },
    ),
    tooltip: { trigger: 'item' },
    xAxis: categoryAxes({ label, categories, hasRules: true }, sheet, turned),
    yAxis: yAxisOption(sheet, y, axis.label),
    series: strips.flatMap((strip, place) => stripSeries(strip, { place, sheet, y })),
  }
}

interface Drawing {
  readonly place: number
  readonly sheet: Sheet
  readonly y: ValueAxis
}

function stripSeries(strip: Strip, drawing: Drawing): readonly ChartSeries[] {
  const sorted = strip.dots.toSorted((a, b) => a.y - b.y)
  if (sorted.length === 0) return []
  const values = sorted.map(({ y }) => y)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const [low, high] = [quantile(values, 0.25), quantile(values, 0.75)]
  return [
    level(strip, drawing, { height: low, style: 'bare', stack: true }),
    level(strip, drawing, { height: high - low, style: 'filled', stack: true }),
    dots(strip, thinned(sorted), drawing),
    level(strip, drawing, { height: mean, style: 'line', stack: false }),
  ]
}

interface Level {
  readonly height: number
  readonly style: 'bare' | 'filled' | 'line'
  /** On top of the one before: two without ink are a box. */
  readonly stack: boolean
}
/** A level stroke across a strip. */
function level(strip: Strip, drawing: Drawing, { height, style, stack }: Level): ChartSeries {
  const { place, sheet, y } = drawing
  const { color } = seriesLook(strip, place, sheet.theme)
  const at = (side: -1 | 1) => [
    shown(place + 0.5 + (side * BOX_WIDTH) / 2),
    shown(height * y.scale.factor),
  ]
  return {
    type: 'line',
    xAxisIndex: 1,
    ...{ symbol: 'none', silent: true, tooltip: { show: false }, z: style === 'line' ? 4 : 2 },
    ...(stack ? { stack: `box ${place}`, stackStrategy: 'all' as const } : {}),
    lineStyle: { color, width: style === 'line' ? 2.5 : 0 },
    itemStyle: { color },
    ...(style === 'filled' ? { areaStyle: { color, opacity: 0.16 } } : {}),
    data: [at(-1), at(1)],
  }
}

function dots(strip: Strip, shownDots: readonly StripDot[], drawing: Drawing): ChartSeries {
  const { place, sheet, y } = drawing
  const { symbol, itemStyle } = seriesLook(strip, place, sheet.theme)
  const x = (i: number) => place + 0.5 + ((((i + 1) * GOLDEN) % 1) - 0.5) * DOTS_WIDTH
  return {
    type: 'scatter',
    name: strip.name,
    xAxisIndex: 1,
    ...{ symbol, symbolSize: shownDots.length > MOST_LARGE ? 4 : 6, clip: false, z: 3 },
    itemStyle: { ...itemStyle, borderWidth: 1, opacity: 0.75 },
    emphasis: { disabled: true },
    data: shownDots.map((dot, i) => ({
      value: [shown(x(i)), shown(dot.y * y.scale.factor)],
      at: dot.at,
      who: strip.letter ?? strip.name,
      text: y.scale.text(dot.y),
    })),
  }
}

/** With the lowest and the highest. */
function thinned(sorted: readonly StripDot[]): readonly StripDot[] {
  if (sorted.length <= MOST_DOTS) return sorted
  const step = (sorted.length - 1) / (MOST_DOTS - 1)
  const places = Array.from({ length: MOST_DOTS }, (_, i) => Math.round(i * step))
  return places.flatMap((place) => sorted[place] ?? [])
}
