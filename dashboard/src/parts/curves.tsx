import { lazy, Suspense, useRef, useState, type ReactNode } from 'react'
import { toCsv } from './chart-files.js'
import { ChartPanel, type Drawn } from './chart-panel.js'
import { CurveTable } from './curve-table.js'
import { Busy } from './empty.js'
import { Segments } from './segments.js'

/** One line of a chart. `x` rises; null is a gap. */
export interface CurveLine {
  readonly id: string
  readonly label: string
  readonly x: readonly number[]
  readonly y: readonly (number | null)[]
  /** How it is drawn, as `seriesLook` has it; default: its place among the lines. */
  readonly look?: number
  /** One of many: thin and grey, without a place in the legend. */
  readonly isMuted?: boolean
  /** From where to where the values lie that `y` is the mean of; as long as `y`. */
  readonly band?: {
    readonly low: readonly (number | null)[]
    readonly high: readonly (number | null)[]
  }
}
/** What stands along an axis, and how its numbers are written. */
export interface Axis {
  readonly label: string
  readonly format: (value: number) => string
  /** Shorter, along the axis itself; default: `format`. */
  readonly tick?: (value: number) => string
  /** Only whole numbers stand along it. */
  readonly isWhole?: boolean
  /** How far apart the numbers along it may be; left out: whatever is round. */
  readonly steps?: readonly number[]
  /** It begins at 0, so that a small change looks small. */
  readonly isFromZero?: boolean
}
export interface CurvesProps {
  readonly title: string
  readonly note?: ReactNode | undefined
  readonly lines: readonly CurveLine[]
  readonly xAxis: Axis
  readonly yAxis: Axis
  /** What files are called, without what they end with. */
  readonly fileName: string
  /** May be shown on a scale of powers of ten. */
  readonly hasLogScale?: boolean
  /** Fixed ends of the upright axis: 0 and 1 of shares. */
  readonly yRange?: readonly [number, number]
  /** Above the chart: what it is drawn against. */
  readonly controls?: ReactNode
  /** A value holds until the next one. */
  readonly isStepped?: boolean
  /** Pixels; default: 260. */
  readonly height?: number
  /** In place of a chart without lines. */
  readonly nothing?: string
}

const Plot = lazy(async () => ({ default: (await import('./curves-plot.js')).CurvesPlot }))
const SCALES = [
  { id: 'linear', label: 'Linear' },
  { id: 'log', label: 'Log' },
] as const

/** Lines over rounds, time or bytes: to point at, to read as a table, to take along as a picture or as numbers. */
export function Curves(props: CurvesProps) {
  const { title, note, lines, xAxis, yAxis, fileName, controls, nothing } = props
  const { hasLogScale = false } = props
  const [scale, setScale] = useState<'linear' | 'log'>('linear')
  const drawn = useRef<Drawn>(null)
  return (
    <ChartPanel
      {...{ title, note, fileName, controls, drawn }}
      {...(nothing === undefined ? {} : { nothing })}
      isEmpty={lines.length === 0}
      chartControls={
        hasLogScale && <Segments label="Scale" items={SCALES} value={scale} onChange={setScale} />
      }
      table={() => <CurveTable caption={title} lines={lines} xAxis={xAxis} yAxis={yAxis} />}
      csv={() => toCsv(xAxis.label, lines)}
    >
      <Suspense fallback={<Busy label="Drawing …" />}>
        <Plot {...props} isLog={scale === 'log'} ref={drawn} />
      </Suspense>
    </ChartPanel>
  )
}
