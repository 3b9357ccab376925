import type { ChartOption, Saying, Sheet } from './echart.js'
import { mix } from './heat-option.js'

export interface ScatterPoint extends Saying {
  readonly name: string
  readonly x: number
  readonly y: number
  /** From 0 to 1: by area; null: not known. */
  readonly size: number | null
}
export interface Scattered {
  readonly points: readonly ScatterPoint[]
  readonly xLabel: string
  readonly yLabel: string
}

export const SCATTER_HEIGHT = 340
const [SMALLEST, LARGEST] = [7, 46]
const ROOMY = 18

export const scatterOption =
  ({ points, xLabel, yLabel }: Scattered) =>
  (sheet: Sheet): ChartOption => {
    const largest = points.reduce((most, { size }) => Math.max(most, size ?? 0), 0)
    const diameter = ({ size }: ScatterPoint): number =>
      size === null || largest === 0
        ? (SMALLEST + LARGEST) / 4
        : SMALLEST + (LARGEST - SMALLEST) * Math.sqrt(size / largest)
    const axis = (name: string) => ({
      ...{ type: 'value' as const, scale: true, name, nameLocation: 'middle' as const },
      nameTextStyle: { color: sheet.muted, fontSize: 11 },
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { show: false },
      splitLine: { lineStyle: { color: sheet.rule } },
      splitNumber: 4,
      boundaryGap: ['12%', '12%'] as [string, string],
    })
    const color = sheet.series[0] ?? sheet.ink
    return {
      grid: { left: 26, right: 8, top: 8, bottom: 26 },
      xAxis: { ...axis(xLabel), nameGap: 10 },
      yAxis: { ...axis(yLabel), nameGap: 10 },
      series: [
        {
          type: 'scatter',
          data: points.map((point) => ({
            ...{ value: [point.x, point.y], said: point.said, symbolSize: diameter(point) },
            label: {
              ...{ show: true, formatter: point.name, fontSize: 11, color: sheet.ink },
              position: diameter(point) >= ROOMY ? ('inside' as const) : ('right' as const),
            },
          })),
          itemStyle: {
            color: mix(color, sheet.paper, 0.35),
            borderColor: color,
            borderWidth: 1.25,
          },
          labelLayout: { hideOverlap: true },
          emphasis: { itemStyle: { borderColor: sheet.ink, borderWidth: 2 } },
        },
      ],
    }
  }
