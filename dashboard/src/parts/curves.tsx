import { ChartLine, Download, Image, Rows3 } from 'lucide-react'
import { lazy, Suspense, useRef, useState } from 'react'
import { IconButton } from './button.js'
import { save, toCsv } from './chart-files.js'
import { CurveTable } from './curve-table.js'
import css from './curves.module.css'
import { Busy } from './empty.js'
import { Panel } from './panel.js'
import { Segments } from './segments.js'

/** One line of a chart. `x` rises; null is a gap. */
export interface CurveLine {
  readonly id: string
  readonly label: string
  readonly x: readonly number[]
  readonly y: readonly (number | null)[]
}
/** What stands along an axis, and how its numbers are written. */
export interface Axis {
  readonly label: string
  readonly format: (value: number) => string
  /** Shorter, along the axis itself; default: `format`. */
  readonly tick?: (value: number) => string
}
export interface CurvesProps {
  readonly title: string
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
  readonly controls?: React.ReactNode
}
/** What can be had of a chart that is drawn. */
export interface Drawn {
  /** As it is seen, with its ground. */
  readonly picture: () => Promise<Blob>
}

const Plot = lazy(async () => ({ default: (await import('./curves-plot.js')).CurvesPlot }))
const SCALES = [
  { id: 'linear', label: 'Linear' },
  { id: 'log', label: 'Log' },
] as const

/** Lines over rounds, time or bytes: to point at, to read as a table, to take along as a picture or as numbers. */
export function Curves(props: CurvesProps) {
  const { title, lines, xAxis, yAxis, fileName, hasLogScale = false, controls } = props
  const [isTable, setIsTable] = useState(false)
  const [scale, setScale] = useState<'linear' | 'log'>('linear')
  const drawn = useRef<Drawn>(null)
  const savePicture = async (): Promise<void> => {
    if (drawn.current !== null) save(await drawn.current.picture(), `${fileName}.png`)
  }
  const actions = (
    <>
      {hasLogScale && !isTable && (
        <Segments label="Scale" items={SCALES} value={scale} onChange={setScale} />
      )}
      {controls}
      <IconButton
        label={isTable ? 'Show as a chart' : 'Show as a table'}
        icon={isTable ? ChartLine : Rows3}
        onPress={() => setIsTable(!isTable)}
      />
      <IconButton
        label="Save as PNG"
        icon={Image}
        isDisabled={isTable || lines.length === 0}
        onPress={() => void savePicture()}
      />
      <IconButton
        label="Save as CSV"
        icon={Download}
        isDisabled={lines.length === 0}
        onPress={() => save(toCsv(xAxis.label, lines), `${fileName}.csv`)}
      />
    </>
  )
  return (
    <Panel title={title} actions={actions}>
      {lines.length === 0 ? (
        <p className={css['nothing']}>Nothing to draw yet</p>
      ) : isTable ? (
        <CurveTable caption={title} lines={lines} xAxis={xAxis} yAxis={yAxis} />
      ) : (
        <Suspense fallback={<Busy label="Drawing …" />}>
          <Plot {...props} isLog={scale === 'log'} ref={drawn} />
        </Suspense>
      )}
    </Panel>
  )
}
