import type { ChartOption, Saying, Sheet } from './echart.js'
import { short } from './heat-option.js'

export interface BarSeries {
  readonly label: string
  /** One for each category; null where there is none. */
  readonly values: readonly (number | null)[]
  /** Its colour; default: its place among the series. */
  readonly look?: number
}
export interface BarsShown {
  readonly categories: readonly string[]
  /** What the categories are. */
  readonly label: string
  readonly series: readonly BarSeries[]
  readonly format: (value: number) => string
  /** Shorter, along the axis. */
  readonly tick?: (value: number) => string
  /** Of the bars' room, in pixels; default: 200. */
  readonly room?: number
  /** Where the axis ends, at least. */
  readonly max?: number
  /** A rule across: a mean, what would be even. */
  readonly line?: { readonly at: number; readonly label: string }
}

const [PLOT, TOP, LEFT, RIGHT, AXIS_NAME] = [200, 14, 54, 8, 20]
const CHARACTER = 6.4

function layoutOf({ categories }: BarsShown, width: number) {
  const room = (width - LEFT - RIGHT) / Math.max(1, categories.length)
  const longest = Math.max(0, ...categories.map((name) => [...short(name)].length)) * CHARACTER
  const isTurned = longest > 34 && longest + 8 > room
  return { room, longest, isTurned, bottom: (isTurned ? longest : 14) + 10 + AXIS_NAME }
}
export const barHeight = (bars: BarsShown, width: number): number =>
  Math.ceil(TOP + (bars.room ?? PLOT) + layoutOf(bars, width).bottom)

type Bar = Saying & { readonly value: number }

export const barOption =
  (bars: BarsShown) =>
  (sheet: Sheet): ChartOption => {
    const { room, longest, isTurned, bottom } = layoutOf(bars, sheet.width)
    const { categories, label, series, format, tick = format, max, line } = bars
    const text = { color: sheet.muted, fontSize: 11, hideOverlap: true } as const
    const largest = series
      .flatMap(({ values }) => values)
      .reduce<number>((most, value) => Math.max(most, value ?? 0), max ?? 0)
    return {
      grid: { left: LEFT, right: RIGHT, top: TOP, height: bars.room ?? PLOT },
      xAxis: {
        ...{ type: 'category', data: categories.map(short), name: label, nameLocation: 'middle' },
        nameGap: bottom - AXIS_NAME + 2,
        nameTextStyle: { color: sheet.muted, fontSize: 11 },
        axisLine: { lineStyle: { color: sheet.rule } },
        axisTick: { show: false },
        axisLabel: {
          ...text,
          rotate: isTurned ? 90 : 0,
          interval: Math.max(1, Math.ceil((isTurned ? 13 : longest + 8) / room)) - 1,
        },
      },
      yAxis: {
        ...{ type: 'value', min: 0, ...(max === undefined ? {} : endAt(Math.max(max, largest))) },
        axisLabel: { ...text, formatter: (value: number) => tick(value) },
        splitLine: { lineStyle: { color: sheet.rule } },
        splitNumber: 4,
      },
      series: series.map(({ label: name, values, look }, i) => ({
        ...{ type: 'bar', name, barGap: '8%', barCategoryGap: room < 12 ? '15%' : '34%' },
        barMaxWidth: 36,
        itemStyle: {
          color: sheet.series[(look ?? i) % sheet.series.length] ?? sheet.ink,
          borderRadius: room < 12 ? 0 : ([2, 2, 0, 0] as [number, number, number, number]),
        },
        data: values.map((value, at): Bar | '-' =>
          value === null
            ? '-'
            : {
                value,
                said: `${categories[at] ?? ''}${series.length > 1 ? ` · ${name}` : ''}: ${format(value)}`,
              },
        ) as unknown as number[],
        ...(line === undefined || i > 0 ? {} : { markLine: ruleAt(line, sheet) }),
      })),
    }
  }

/** Four steps to where the axis ends. */
const endAt = (max: number) => ({ max, interval: max / 4 })

const ruleAt = ({ at, label }: NonNullable<BarsShown['line']>, sheet: Sheet) => ({
  ...{ silent: true, symbol: 'none', data: [{ yAxis: at }] },
  lineStyle: { color: sheet.ink, type: 'dashed' as const, width: 1 },
  label: {
    ...{ formatter: label, position: 'insideStartTop' as const, color: sheet.ink, fontSize: 11 },
    ...{ backgroundColor: sheet.paper, padding: [1, 3], borderRadius: 2 },
  },
})
