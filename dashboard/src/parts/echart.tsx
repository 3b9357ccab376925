import { BarChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, MarkLineComponent, VisualMapContinuousComponent } from 'echarts/components'
import { init, use as register, type ComposeOption, type EChartsType } from 'echarts/core'
import { LabelLayout } from 'echarts/features'
import { CanvasRenderer } from 'echarts/renderers'
import type {
  BarSeriesOption,
  GridComponentOption,
  HeatmapSeriesOption,
  LineSeriesOption,
  MarkLineComponentOption,
  ScatterSeriesOption,
  VisualMapComponentOption,
} from 'echarts'
import {
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
  type ReactNode,
  type RefObject,
} from 'react'
import { FederationError } from '#protocol/errors.js'
import { useIsDark } from '../look/theme.js'
import type { Drawn } from './chart-panel.js'
import css from './echart.module.css'
import { framedPicture, type PictureKey } from './picture.js'
import { readColors, SERIES_VARIABLES } from './series-look.js'

register([
  BarChart,
  HeatmapChart,
  LineChart,
  ScatterChart,
  GridComponent,
  MarkLineComponent,
  VisualMapContinuousComponent,
  LabelLayout,
  CanvasRenderer,
])

export type ChartOption = ComposeOption<
  | BarSeriesOption
  | GridComponentOption
  | HeatmapSeriesOption
  | LineSeriesOption
  | MarkLineComponentOption
  | ScatterSeriesOption
  | VisualMapComponentOption
>
/** What a chart is drawn on, and with. */
export interface Sheet {
  /** Pixels. */
  readonly width: number
  readonly ink: string
  readonly muted: string
  readonly rule: string
  readonly paper: string
  readonly series: readonly string[]
  readonly font: string
}
/** What an item of a series says when it is pointed at. */
export interface Saying {
  readonly said: string
}

export interface EChartProps {
  readonly title: string
  readonly height: (width: number) => number
  /** Another function is another chart. */
  readonly draw: (sheet: Sheet) => ChartOption
  readonly keys: readonly PictureKey[]
  readonly legend: ReactNode
  readonly hint: ReactNode
  readonly ref: RefObject<Drawn | null>
}

const GROUND = ['--ink', '--ink-3', '--rule', '--surface'] as const

/** The chart itself. No tooltips, which would be markup with styles of its own: what is pointed at is told below. */
export function EChart({ title, height, draw, keys, legend, hint, ref }: EChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<EChartsType>(null)
  const [width, setWidth] = useState(0)
  const [said, setSaid] = useState<string | null>(null)
  const isDark = useIsDark()
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const follow = new ResizeObserver(() => setWidth(element.clientWidth))
    follow.observe(element)
    return () => follow.disconnect()
  }, [])
  useEffect(() => {
    const element = box.current
    if (element === null || width === 0) return
    const made = init(element, null, { width, height: height(width) })
    chart.current = made
    made.setOption({ ...base(), ...draw(sheetOf(width)) })
    made.on('mouseover', ({ data }) => setSaid(saidBy(data)))
    made.on('mouseout', () => setSaid(null))
    return () => {
      chart.current = null
      made.dispose()
    }
    // Colours are read anew when the page turns dark.
  }, [width, height, draw, isDark])
  useImperativeHandle(ref, () => ({ picture: () => pictureOf(chart.current, { title, keys }) }))
  return (
    <figure>
      <div
        ref={box}
        className={css['chart']}
        style={{ height: `${width === 0 ? 200 : height(width)}px` }}
        aria-hidden="true"
      />
      <figcaption className={css['caption']}>
        {keys.map(({ label, variable }) => (
          <span key={label} className={css['key']}>
            <svg width="10" height="10" aria-hidden="true">
              <rect width="10" height="10" rx="2" fill={`var(${variable})`} />
            </svg>
            {label}
          </span>
        ))}
        {legend}
        <span className={css['said']} aria-hidden="true">
          {said}
        </span>
        {hint !== undefined && <span className={css['hint']}>{hint}</span>}
      </figcaption>
    </figure>
  )
}

const FONT = '"Inter Variable", system-ui, sans-serif'
const base = (): ChartOption => ({ animation: false, textStyle: { fontFamily: FONT } })

function sheetOf(width: number): Sheet {
  const colors = readColors([...GROUND, ...SERIES_VARIABLES])
  const color = (name: string): string => colors.get(name) ?? ''
  return {
    width,
    ...{ ink: color('--ink'), muted: color('--ink-3'), rule: color('--rule') },
    paper: color('--surface'),
    series: SERIES_VARIABLES.map(color),
    font: FONT,
  }
}

const saidBy = (data: unknown): string | null =>
  typeof data === 'object' && data !== null && 'said' in data && typeof data.said === 'string'
    ? data.said
    : null

async function pictureOf(
  chart: EChartsType | null,
  frame: { readonly title: string; readonly keys: readonly PictureKey[] },
): Promise<Blob> {
  if (chart === null)
    throw new FederationError('internal/bug', 'There is no chart to take a picture of')
  const ratio = 2
  return framedPicture(chart.renderToCanvas({ pixelRatio: ratio }), { ...frame, ratio })
}
