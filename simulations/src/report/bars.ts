/** Values by category (class, client, domain, pool entry): bars from zero, or markers on an axis of their own range. */
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
  type Named,
  type Sheet,
  type ValueAxis,
} from './chart.js'
import { shortLabel, turnOf, type Turn } from './category-labels.js'
import { markOf } from './look.js'

export interface BarSeries extends Named {
  /** One for each category; null where there is none. */
  readonly values: readonly (ChartValue | null)[]
}
export interface BarChart {
  readonly categories: readonly string[]
  /** What the categories are. */
  readonly label: string
  readonly y: Axis
  readonly series: readonly BarSeries[]
  /** Bars compare amounts and begin at 0; markers show small differences of large values. */
  readonly form: 'bars' | 'markers'
  /** Where each category is a subject of its own: what `look` is for series. Bars only. */
  readonly looks?: readonly number[]
}

/** Share of a category's room that its series take up together. */
const USED = 0.7

export function barOption(chart: BarChart, sheet: Sheet): ChartOption {
  const isBars = chart.form === 'bars'
  const values = chart.series.flatMap((series) => series.values).filter((value) => value !== null)
  const y = valueAxis({ ...chart.y, fromZero: isBars || chart.y.fromZero === true }, values)
  const labels = chart.categories.map(shortLabel)
  const margins = marginsOf(sheet, y, chart.series)
  const turned = turnOf(labels, sheet, margins)
  const roomy = { ...margins, bottom: margins.bottom + turned.extra }
  return {
    ...frameOf(sheet, roomy, { of: chart.series, shows: 'patches' }),
    tooltip: isBars
      ? { trigger: 'axis', axisPointer: { type: 'shadow', shadowStyle: { opacity: 0.2 } } }
      : { trigger: 'item' },
    xAxis: categoryAxes(
      { label: chart.label, categories: labels, hasRules: !isBars },
      sheet,
      turned,
    ),
    yAxis: yAxisOption(sheet, y, chart.y.label),
    series: chart.series.flatMap((series, place) => {
      const { categories, looks = [] } = chart
      const drawing = { place, of: chart.series.length, sheet, y, categories, looks }
      return [
        isBars ? bars(series, drawing) : markers(series, drawing),
        ...whiskers(series, drawing, isBars),
      ]
    }),
  }
}

/** The axis that people read, and behind it one of numbers on which markers stand side by side within a category. */
export function categoryAxes(
  { categories, label, hasRules }: CategoryAxis,
  sheet: Sheet,
  { degrees, extra }: Turn,
): NonNullable<ChartOption['xAxis']> {
  const { axisLabel, axisTick: _, ...look } = axisLook(sheet)
  return [
    {
      ...look,
      type: 'category',
      data: [...categories],
      ...{ name: label, nameLocation: 'middle', nameGap: 28 + extra },
      axisTick: { show: false },
      axisLabel: { ...axisLabel, rotate: degrees },
      splitLine: { show: hasRules, interval: 0, lineStyle: { color: sheet.theme.rule } },
    },
    { type: 'value', min: 0, max: categories.length, show: false },
  ]
}
export interface CategoryAxis extends Pick<BarChart, 'categories' | 'label'> {
  /** A rule between categories. */
  readonly hasRules: boolean
}

interface Drawing {
  readonly place: number
  /** How many series share a category. */
  readonly of: number
  readonly sheet: Sheet
  readonly y: ValueAxis
  readonly categories: readonly string[]
  readonly looks: readonly number[]
}
const position = (category: number, { place, of }: Drawing): number =>
  shown(category + 0.5 - USED / 2 + ((place + 0.5) * USED) / of)

function bars(series: BarSeries, { place, sheet, y, categories, looks }: Drawing): ChartSeries {
  const { color } = seriesLook(series, place, sheet.theme)
  return {
    type: 'bar',
    name: series.name,
    barGap: '0%',
    barCategoryGap: `${Math.round((1 - USED) * 100)}%`,
    itemStyle: { color, borderColor: sheet.theme.paper, borderWidth: 0.5, ...hatch(place, sheet) },
    emphasis: { disabled: true },
    data: series.values.map((value, i) =>
      value === null
        ? null
        : {
            value: shown(value.y * y.scale.factor),
            at: categories[i] ?? '',
            who: series.letter ?? series.name,
            text: textOf(value, y.scale),
            ...ownColor(looks[i], sheet),
          },
    ),
  }
}

const ownColor = (look: number | undefined, { theme }: Sheet) =>
  look === undefined ? {} : { itemStyle: { color: markOf(look, theme).color } }

/** The first series is solid, the second hatched, the third dotted, the fourth hatched the other way. */
function hatch(place: number, { theme }: Sheet): BarSeriesDecal {
  const color = theme.paper
  const line = { symbol: 'rect', color, dashArrayX: [1, 0], dashArrayY: [1.5, 5], symbolSize: 1 }
  const patterns = [
    {},
    { decal: { ...line, rotation: Math.PI / 4 } },
    {
      decal: {
        symbol: 'circle',
        color,
        dashArrayX: [
          [5, 5],
          [0, 5, 5, 0],
        ],
        dashArrayY: [5, 0],
        symbolSize: 0.7,
      },
    },
    { decal: { ...line, rotation: -Math.PI / 4 } },
  ]
  return patterns[place % patterns.length] ?? {}
}
type BarSeriesDecal = { readonly decal?: object }

function markers(series: BarSeries, drawing: Drawing): ChartSeries {
  const { symbol, itemStyle } = seriesLook(series, drawing.place, drawing.sheet.theme)
  const { y, categories } = drawing
  return {
    type: 'scatter',
    name: series.name,
    xAxisIndex: 1,
    ...{ symbol, itemStyle: { ...itemStyle, opacity: 1 }, symbolSize: 8, clip: false, z: 4 },
    emphasis: { disabled: true },
    data: series.values.flatMap((value, i) =>
      value === null
        ? []
        : [
            {
              value: [position(i, drawing), shown(value.y * y.scale.factor)],
              at: categories[i] ?? '',
              who: series.letter ?? series.name,
              text: textOf(value, y.scale),
            },
          ],
    ),
  }
}

/** From the smallest to the largest run, where they differ. */
function whiskers(series: BarSeries, drawing: Drawing, isOnBars: boolean): readonly ChartSeries[] {
  const { sheet, y, place } = drawing
  const { color } = seriesLook(series, place, sheet.theme)
  const data = series.values.flatMap((value, i) => {
    if (value === null || highOf(value) <= lowOf(value)) return []
    const x = position(i, drawing)
    const end = (height: number) => [x, shown(height * y.scale.factor)]
    return [end(lowOf(value)), end(highOf(value)), [x, null]]
  })
  if (data.length === 0) return []
  return [
    {
      type: 'line',
      xAxisIndex: 1,
      ...{ symbol: 'none', silent: true, clip: false, tooltip: { show: false }, z: 3, data },
      lineStyle: { color: isOnBars ? sheet.theme.ink : color, width: 1.25 },
      itemStyle: { color },
    },
  ]
}
