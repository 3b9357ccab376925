/** What charts of every kind share: their types, their frame, and room for letters and legends. */
import type {
  BarSeriesOption,
  GridComponentOption,
  LegendComponentOption,
  LineSeriesOption,
  ScatterSeriesOption,
  TitleComponentOption,
  TooltipComponentOption,
} from 'echarts'
import type { ComposeOption } from 'echarts/core'
import { markOf, type Theme } from './look.js'
import { axisRange, scaleFor, type AxisRange, type Scale, type Unit } from './scale.js'

/** Serialisable: no functions, so that a page can draw the same chart again. */
export type ChartOption = ComposeOption<
  | BarSeriesOption
  | GridComponentOption
  | LegendComponentOption
  | LineSeriesOption
  | ScatterSeriesOption
  | TitleComponentOption
  | TooltipComponentOption
>
export type ChartSeries = LineSeriesOption | ScatterSeriesOption | BarSeriesOption

/** A value, and how far apart the runs lie that it is the mean of. */
export interface ChartValue {
  readonly y: number
  readonly low?: number
  readonly high?: number
}
export interface Axis {
  readonly label: string
  readonly unit: Unit
  /** The axis begins at 0, whatever the values are. */
  readonly fromZero?: boolean
  /** The axis reaches this at least: what makes neighbouring charts comparable. */
  readonly upTo?: number
}
/** What every series of a chart has. */
export interface Named {
  readonly name: string
  /** Chooses colour, dash and marker; its place among the series by default. */
  readonly look?: number
  /** Stands at the series where a legend is elsewhere. */
  readonly letter?: string
}
export interface Sheet {
  readonly theme: Theme
  readonly width: number
  readonly height: number
  /** Stands above a chart that stands alone, which then has its own legend too. */
  readonly title?: string
}
export interface Margins {
  readonly top: number
  readonly right: number
  readonly bottom: number
  readonly left: number
}
/** An axis of values: its scale, its ends, and how wide its labels are. */
export interface ValueAxis extends AxisRange {
  readonly scale: Scale
  readonly labelWidth: number
}

const FONT_SIZE = 12
const CHARACTER = 6.7
const LEGEND_LINE = 23
const LEGEND_MARK = 46

/** Seven digits are more than any picture shows. */
export const shown = (value: number): number => Number(value.toPrecision(7))
export const lowOf = ({ y, low }: ChartValue): number => low ?? y
export const highOf = ({ y, high }: ChartValue): number => high ?? y
/** As tables and tooltips write it: the mean, and behind it the ends of the range where there is one. */
export function textOf(value: ChartValue, { text }: Scale): string {
  if (highOf(value) <= lowOf(value)) return text(value.y)
  const high = text(highOf(value))
  const unit = / \S+$/.exec(high)?.[0] ?? ''
  const low = text(lowOf(value))
  const lowNumber = low.endsWith(unit) ? low.slice(0, low.length - unit.length) : low
  return `${text(value.y)} (${lowNumber}–${high})`
}

export function valueAxis(
  { unit, fromZero, upTo = -Infinity }: Axis,
  values: readonly ChartValue[],
): ValueAxis {
  const highest = values.reduce((max, value) => Math.max(max, highOf(value)), upTo)
  const lowest = values.reduce((min, value) => Math.min(min, lowOf(value)), Infinity)
  const scale = scaleFor(unit, highest)
  const from = fromZero === true ? Math.min(0, lowest) : lowest
  const range = axisRange(from * scale.factor, highest * scale.factor)
  const ticks = [range.min, range.max, shown(range.min + range.interval)]
  const characters = Math.max(...ticks.map((tick) => `${tick}${scale.suffix}`.length))
  return { ...range, scale, labelWidth: Math.ceil(characters * CHARACTER) }
}

/** Where the plot lies on its sheet: beside the labels, below the title and above the legend. */
export function marginsOf(
  { width, title }: Sheet,
  axis: ValueAxis,
  series: readonly Named[],
): Margins {
  const isAlone = title !== undefined
  return {
    top: isAlone ? 66 : 14,
    right: series.some(({ letter }) => letter !== undefined) ? 30 : 18,
    bottom: 46 + (isAlone ? legendHeight(series, width) : 0),
    left: axis.labelWidth + 14,
  }
}

function legendHeight(series: readonly Named[], width: number): number {
  if (series.length === 0) return 0
  let lines = 1
  let used = 0
  for (const { name } of series) {
    const entry = LEGEND_MARK + name.length * CHARACTER
    if (used > 0 && used + entry > width - 16) {
      lines += 1
      used = 0
    }
    used += entry
  }
  return lines * LEGEND_LINE + 12
}

/** Title, legend and grid of a chart; the legend shows pieces of lines, or patches. */
export function frameOf(
  { theme, title }: Sheet,
  margins: Margins,
  legend: { readonly of: readonly Named[]; readonly shows: 'lines' | 'patches' },
): Pick<ChartOption, 'animation' | 'textStyle' | 'grid' | 'title' | 'legend'> {
  const frame = {
    animation: false,
    textStyle: { fontFamily: theme.font, fontSize: FONT_SIZE },
    grid: { ...margins, outerBoundsMode: 'none' as const },
  }
  if (title === undefined) return frame
  return {
    ...frame,
    title: {
      text: title,
      ...{ left: 8, top: 10, padding: [5, 0] },
      textStyle: { color: theme.ink, fontSize: 15, fontWeight: 600, fontFamily: theme.font },
    },
    legend: {
      data: legend.of.map(({ name }) => name),
      ...{ left: 8, right: 8, bottom: 8, padding: 0 },
      ...{
        itemWidth: legend.shows === 'lines' ? 32 : 14,
        itemHeight: 9,
        itemGap: 14,
        selectedMode: false,
      },
      textStyle: { color: theme.ink },
    },
  }
}

/** Axis lines, labels and grid, in the theme's colours. */
export function axisLook({ theme }: Sheet) {
  return {
    axisLine: { show: true, onZero: false, lineStyle: { color: theme.muted } },
    axisTick: { lineStyle: { color: theme.muted } },
    axisLabel: { color: theme.muted, fontSize: FONT_SIZE },
    nameTextStyle: { color: theme.muted, fontSize: FONT_SIZE },
  }
}

export function yAxisOption(
  sheet: Sheet,
  axis: ValueAxis,
  label: string,
): NonNullable<ChartOption['yAxis']> {
  const { axisLabel, ...look } = axisLook(sheet)
  return {
    ...look,
    type: 'value',
    ...{ min: axis.min, max: axis.max, interval: axis.interval },
    // A page has the label as a heading; alone, it lies level above its axis, where nobody has to turn their head.
    ...(sheet.title === undefined
      ? {}
      : {
          name: label,
          nameLocation: 'end' as const,
          nameTextStyle: {
            ...look.nameTextStyle,
            align: 'left' as const,
            padding: [0, 0, 0, -axis.labelWidth - 6],
          },
        }),
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { ...axisLabel, formatter: `{value}${axis.scale.suffix}` },
    splitLine: { lineStyle: { color: sheet.theme.rule } },
  }
}

/** Colours of a series' line and markers. */
export function seriesLook(series: Named, place: number, theme: Theme) {
  const mark = markOf(series.look ?? place, theme)
  return {
    symbol: mark.symbol,
    color: mark.color,
    lineStyle: {
      color: mark.color,
      width: 2,
      type: mark.dash.length === 0 ? ('solid' as const) : [...mark.dash],
    },
    itemStyle: {
      color: mark.isHollow ? theme.paper : mark.color,
      borderColor: mark.color,
      borderWidth: 1.5,
    },
  }
}
