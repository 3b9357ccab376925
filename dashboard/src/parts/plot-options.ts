import type uPlot from 'uplot'
import type { CurvesProps } from './curves.js'
import { seriesLook } from './series-look.js'

export interface PlotSpec extends Pick<CurvesProps, 'lines' | 'xAxis' | 'yAxis'> {
  readonly yRange: readonly [number, number] | undefined
  readonly isLog: boolean
  readonly colors: ReadonlyMap<string, string>
  readonly width: number
  readonly height: number
  readonly hidden: ReadonlySet<string>
  /** The place that is pointed at; null: none. */
  readonly onPoint: (at: number | null) => void
}
const FONT = '500 11px "Inter Variable", system-ui, sans-serif'

export function plotOptions(spec: PlotSpec): uPlot.Options {
  const { lines, xAxis, yAxis, yRange, isLog, colors, width, height, hidden, onPoint } = spec
  const color = (name: string): string => colors.get(name) ?? ''
  const axis = (format: (value: number) => string): uPlot.Axis => ({
    ...{ stroke: color('--ink-3'), font: FONT, gap: 6 },
    grid: { stroke: color('--rule'), width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map((value) => (value === null ? '' : format(value))),
  })
  return {
    ...{ width, height, padding: [12, 12, 0, 0] },
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 7 },
      drag: { x: true, y: false },
    },
    scales: {
      x: { time: false },
      y: isLog ? { distr: 3 } : yRange === undefined ? {} : { range: [...yRange] },
    },
    axes: [
      { ...axis(xAxis.tick ?? xAxis.format), grid: { show: false }, size: 28 },
      { ...axis(yAxis.tick ?? yAxis.format), size: 56 },
    ],
    series: [
      { label: xAxis.label },
      ...lines.map(({ id, label, x }, i): uPlot.Series => {
        const { variable, dash } = seriesLook(i)
        return {
          ...{ label, stroke: color(variable), width: 1.5, dash: [...dash] },
          ...{ show: !hidden.has(id), spanGaps: true },
          // A single point is no line yet.
          points: { show: x.length < 2, size: 5, fill: color(variable) },
        }
      }),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  }
}
