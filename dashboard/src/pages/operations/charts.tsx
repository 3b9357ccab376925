import { useMemo } from 'react'
import type { OperationsSample } from '#protocol/server-views.js'
import { bytes, count, number } from '../../look/format.js'
import { Curves, type Axis } from '../../parts/curves.js'
import css from './operations.module.css'
import { linesOf, type Measure } from './sample-lines.js'

const HEIGHT = 180
const atTime = (seconds: number, timeStyle: 'short' | 'medium'): string =>
  new Date(seconds * 1000).toLocaleTimeString('en-GB', { timeStyle })
const TIME: Axis = {
  label: 'Time',
  format: (seconds) => atTime(seconds, 'medium'),
  tick: (seconds) => atTime(seconds, seconds % 60 === 0 ? 'short' : 'medium'),
  steps: [15, 30, 60, 120, 300, 600, 900, 1800, 3600],
}
const MS: Axis = {
  ...{ label: 'ms', isFromZero: true },
  format: (value) => `${number(Number(value.toFixed(1)))} ms`,
}
const BYTES: Axis = { label: 'Bytes', format: bytes, isFromZero: true }
const COUNT: Axis = { label: 'Number', format: count, isWhole: true, isFromZero: true }

interface Chart {
  readonly title: string
  readonly fileName: string
  readonly axis: Axis
  readonly measures: readonly Measure[]
}
const CHARTS: readonly Chart[] = [
  {
    ...{ title: 'Event loop lag', fileName: 'lag', axis: MS },
    measures: [{ label: '99th percentile', of: ({ lagMs }) => lagMs }],
  },
  {
    ...{ title: 'Memory', fileName: 'memory', axis: BYTES },
    measures: [
      { label: 'resident', of: ({ rssBytes }) => rssBytes },
      { label: 'heap', of: ({ heapBytes }) => heapBytes },
    ],
  },
  {
    ...{ title: 'Connections', fileName: 'connections', axis: COUNT },
    measures: [
      { label: 'connections', of: ({ connections }) => connections },
      { label: 'nodes online', of: ({ nodesOnline }) => nodesOnline },
    ],
  },
  {
    ...{ title: 'Store', fileName: 'store', axis: BYTES },
    measures: [{ label: 'data directory', of: ({ storeBytes }) => storeBytes }],
  },
  {
    ...{ title: 'Disk', fileName: 'disk', axis: BYTES },
    measures: [{ label: 'free', of: ({ freeBytes }) => freeBytes }],
  },
  {
    ...{ title: 'Uploads', fileName: 'uploads', axis: COUNT },
    measures: [
      { label: 'under way', of: ({ uploadsActive }) => uploadsActive },
      { label: 'waiting', of: ({ uploadsWaiting }) => uploadsWaiting },
    ],
  },
]

/** The last hour. */
export function Charts({ samples }: { readonly samples: readonly OperationsSample[] }) {
  const charts = useMemo(
    () => CHARTS.map((chart) => ({ ...chart, lines: linesOf(samples, chart.measures) })),
    [samples],
  )
  return (
    <div className={css['charts']}>
      {charts.map(({ title, fileName, axis, lines }) => (
        <Curves
          key={title}
          title={title}
          lines={samples.length < 2 ? [] : lines}
          xAxis={TIME}
          yAxis={axis}
          fileName={`operations-${fileName}`}
          height={HEIGHT}
          nothing="A sample is taken every 5 seconds"
        />
      ))}
    </div>
  )
}
