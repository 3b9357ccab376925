import type uPlot from 'uplot'
import type { Axis, CurveLine, CurvesProps } from './curves.js'
import { seriesLook } from './series-look.js'

export interface PlotSpec extends Pick<CurvesProps, 'lines' | 'xAxis' | 'yAxis'> {
  readonly yRange: readonly [number, number] | undefined
  readonly isLog: boolean
  /** How points are joined; undefined: by straight lines. */
  readonly stepped: uPlot.Series.PathBuilder | undefined
  readonly colors: ReadonlyMap<string, string>
  readonly width: number
  readonly height: number
  readonly hidden: ReadonlySet<string>
  /** The place that is pointed at; null: none. */
  readonly onPoint: (at: number | null) => void
}
const FONT = '500 11px "Inter Variable", system-ui, sans-serif'

/** Between whole numbers, up to a billion. */
const WHOLE_STEPS: readonly number[] = Array.from({ length: 28 }, (_, i) =>
  [1, 2, 5].map((step) => step * 10 ** i),
)
  .flat()
  .slice(0, 28)

export function plotOptions(spec: PlotSpec): uPlot.Options {
  const { lines, xAxis, yAxis, colors, width, height, hidden, onPoint } = spec
  const { stepped } = spec
  const color = (name: string): string => colors.get(name) ?? ''
  const axis = ({ format, tick = format, isWhole = false, steps }: Axis): uPlot.Axis => ({
    ...(steps === undefined && !isWhole ? {} : { incrs: [...(steps ?? WHOLE_STEPS)] }),
    ...{ stroke: color('--ink-3'), font: FONT, gap: 6 },
    grid: { stroke: color('--rule'), width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map((value) => (value === null ? '' : tick(value))),
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
      x: { time: false, range: ({ data: [x] }, min, max) => placesFrom(x, min, max) },
      y: scaleOf(spec),
    },
    axes: [
      { ...axis(xAxis), grid: { show: false }, size: 28 },
      { ...axis(yAxis), size: 56 },
    ],
    series: [
      { label: xAxis.label },
      ...lines.map(({ id, label, x, look, isMuted = false }, i): uPlot.Series => {
        const { variable, dash } = isMuted ? MUTED : seriesLook(look ?? i)
        return {
          ...{ label, stroke: color(variable), width: isMuted ? 1 : 1.5, dash: [...dash] },
          ...{ show: !hidden.has(id), spanGaps: true },
          ...(stepped === undefined ? {} : { paths: stepped }),
          // A single point is no line yet.
          points: { show: x.length < 2 || stepped !== undefined, size: 5, fill: color(variable) },
        }
      }),
      ...bandEnds(lines, hidden),
    ],
    bands: bandsOf(lines, color),
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  }
}

/** From the first place to the last. One alone stands at the left, where others will follow it. */
export function placesFrom(
  places: ArrayLike<number>,
  first: number | null,
  last: number | null,
): [number, number] {
  const from = (places.length === 1 ? places[0] : first) ?? 0
  return [from, places.length < 2 || last === null || last <= from ? from + 1 : last]
}

function scaleOf({
  isLog,
  yRange,
  yAxis,
}: Pick<PlotSpec, 'isLog' | 'yRange' | 'yAxis'>): uPlot.Scale {
  if (isLog) return { distr: 3 }
  if (yRange !== undefined) return { range: [...yRange] }
  return yAxis.isFromZero === true ? { range: (_, __, max) => [0, roomAbove(max)] } : {}
}
/** Above the largest value; something also where all are 0. */
export const roomAbove = (largest: number | null): number =>
  largest === null || largest <= 0 ? 1 : largest * 1.1

const MUTED: ReturnType<typeof seriesLook> = { variable: '--rule-strong', dash: [] }

/** Numbers of the series that belong to a line: its own, and the ends of its band. */
export function placesOf(lines: readonly CurveLine[], line: number): readonly number[] {
  const isBanded = lines[line]?.band !== undefined
  const before = lines.slice(0, line).filter(({ band }) => band !== undefined).length
  const upper = lines.length + 1 + 2 * before
  return isBanded ? [line + 1, upper, upper + 1] : [line + 1]
}

/** Ends of bands are not drawn: they bound what is filled. */
const bandEnds = (lines: readonly CurveLine[], hidden: ReadonlySet<string>): uPlot.Series[] =>
  lines.flatMap(({ id, label, band }) => {
    if (band === undefined) return []
    const end = { label, width: 0, show: !hidden.has(id), spanGaps: true, points: { show: false } }
    return [end, { ...end }]
  })

function bandsOf(lines: readonly CurveLine[], color: (name: string) => string): uPlot.Band[] {
  return lines.flatMap(({ look }, i) => {
    const [, upper, lower] = placesOf(lines, i)
    if (upper === undefined || lower === undefined) return []
    const fill = withOpacity(color(seriesLook(look ?? i).variable), BAND_OPACITY)
    return [{ series: [upper, lower], fill }]
  })
}
const BAND_OPACITY = 0.16
/** A colour as browsers tell computed ones: `rgb(1, 2, 3)`. */
export const withOpacity = (color: string, opacity: number): string =>
  color.replace(/^rgb\((.*)\)$/, `rgba($1, ${opacity})`)
