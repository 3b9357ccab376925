import { lazy, Suspense, useMemo, useRef, type ReactNode } from 'react'
import { ChartPanel, type Drawn } from './chart-panel.js'
import type { ChartOption, Sheet } from './echart.js'
import { Busy } from './empty.js'
import { numbersCsv, NumbersTable, type Numbers } from './numbers-table.js'
import type { PictureKey } from './picture.js'

export interface FigureProps {
  readonly title: string
  readonly note?: ReactNode | undefined
  /** What files are called, without what they end with. */
  readonly fileName: string
  /** In place of a chart without numbers. */
  readonly nothing?: string
  readonly controls?: ReactNode
  /** What colours mean; of a single one nothing is said. */
  readonly keys?: readonly PictureKey[]
  /** Stands at the end of the legend: a scale of shades. */
  readonly legend?: ReactNode
  /** How to read it, below. */
  readonly hint?: ReactNode | undefined
}
export interface DrawnFigureProps extends FigureProps {
  /** What is drawn, in numbers: empty rows are an empty chart. */
  readonly numbers: Numbers
  /** Of a chart as wide as that, in pixels. */
  readonly height: (width: number) => number
  readonly draw: (sheet: Sheet) => ChartOption
}

const Chart = lazy(async () => ({ default: (await import('./echart.js')).EChart }))

/** A chart that is no line over rounds: the same frame, drawn by ECharts, which is fetched when there is one to draw. */
export function Figure(props: DrawnFigureProps) {
  const { title, note, fileName, nothing, controls, numbers, keys = [] } = props
  const { legend, hint, height, draw } = props
  const drawn = useRef<Drawn>(null)
  const shownKeys = useMemo(() => (keys.length > 1 ? keys : []), [keys])
  return (
    <ChartPanel
      {...{ title, note, fileName, controls, drawn }}
      {...(nothing === undefined ? {} : { nothing })}
      isEmpty={numbers.rows.length === 0}
      table={() => <NumbersTable caption={title} numbers={numbers} />}
      csv={() => numbersCsv(numbers)}
    >
      <Suspense fallback={<Busy label="Drawing …" />}>
        <Chart {...{ title, height, draw, legend, hint }} keys={shownKeys} ref={drawn} />
      </Suspense>
    </ChartPanel>
  )
}
