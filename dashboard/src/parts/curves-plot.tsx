import { useEffect, useImperativeHandle, useMemo, useRef, useState, type RefObject } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useIsDark } from '../look/theme.js'
import { FederationError } from '#protocol/errors.js'
import { classNames } from '../look/class-names.js'
import { rowsOf } from './curve-rows.js'
import type { CurvesProps, Drawn } from './curves.js'
import css from './curves.module.css'
import { plotOptions } from './plot-options.js'
import { readColors, seriesLook } from './series-look.js'

const HEIGHT = 260
const GROUND = ['--ink', '--ink-3', '--rule', '--surface'] as const

export interface CurvesPlotProps extends CurvesProps {
  readonly isLog: boolean
  readonly ref: RefObject<Drawn | null>
}

/** The chart itself. What is pointed at is told in the legend below it. */
export function CurvesPlot({ ref, ...props }: CurvesPlotProps) {
  const { lines, xAxis, yAxis, isLog, yRange } = props
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(null)
  const [at, setAt] = useState<number | null>(null)
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const isDark = useIsDark()
  const rows = useMemo(() => rowsOf(lines), [lines])
  // What a chart is made of, but for its points: those change all the time, and are only set.
  const shape = lines.map(({ id, label }) => `${id} ${label}`).join('\n')
  const latest = useRef({ lines, rows, hidden })
  useEffect(() => {
    latest.current = { lines, rows, hidden }
  })

  useEffect(() => {
    const element = box.current
    if (element === null) return
    const { lines: drawnLines, rows: drawnRows, hidden: hiddenNow } = latest.current
    const names = drawnLines.map((_, i) => seriesLook(i).variable)
    const colors = readColors([...GROUND, ...names])
    const options = plotOptions({
      ...{ lines: drawnLines, xAxis, yAxis, isLog, yRange, colors },
      ...{ width: element.clientWidth, height: HEIGHT, hidden: hiddenNow },
      onPoint: setAt,
    })
    const made = new uPlot(
      options,
      [drawnRows.x, ...drawnRows.columns] as unknown as uPlot.AlignedData,
      element,
    )
    plot.current = made
    const follow = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: HEIGHT }),
    )
    follow.observe(element)
    return () => {
      follow.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [shape, xAxis, yAxis, isLog, yRange, isDark])
  useEffect(() => {
    plot.current?.setData([rows.x, ...rows.columns] as unknown as uPlot.AlignedData)
  }, [rows])
  useImperativeHandle(ref, () => ({ picture: () => pictureOf(plot.current) }), [])

  const toggle = (id: string, i: number): void => {
    const next = new Set(hidden)
    if (!next.delete(id)) next.add(id)
    setHidden(next)
    plot.current?.setSeries(i + 1, { show: !next.has(id) })
  }
  return (
    <figure>
      <div ref={box} className={css['plot']} aria-hidden="true" />
      <figcaption className={css['legend']}>
        <span className={css['at']}>
          {at === null ? 'Latest' : `${xAxis.label} ${xAxis.format(rows.x[at] ?? 0)}`}
        </span>
        {lines.map(({ id, label }, i) => (
          <button
            key={id}
            type="button"
            className={classNames(css['series'])}
            aria-pressed={!hidden.has(id)}
            onClick={() => toggle(id, i)}
          >
            <Key index={i} />
            <span className={css['label']}>{label}</span>
            <span className={css['value']}>{valueAt(rows.columns[i] ?? [], at, yAxis.format)}</span>
          </button>
        ))}
      </figcaption>
    </figure>
  )
}

/** How the line looks, drawn small. */
function Key({ index }: { readonly index: number }) {
  const { variable, dash } = seriesLook(index)
  return (
    <svg width="18" height="8" aria-hidden="true">
      <line
        x1="0"
        y1="4"
        x2="18"
        y2="4"
        stroke={`var(${variable})`}
        strokeWidth="2"
        strokeDasharray={dash.join(' ')}
      />
    </svg>
  )
}

function valueAt(
  column: readonly (number | null)[],
  at: number | null,
  format: (value: number) => string,
): string {
  const value = at === null ? column.findLast((one) => one !== null) : column[at]
  return value === null || value === undefined ? '–' : format(value)
}

/** The chart on the page's ground, as its letters need it. */
async function pictureOf(plot: uPlot | null): Promise<Blob> {
  const source = plot?.ctx.canvas
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d')
  if (source === undefined || context === null)
    throw new FederationError('internal/bug', 'There is no chart to take a picture of')
  canvas.width = source.width
  canvas.height = source.height
  context.fillStyle = readColors(['--surface']).get('--surface') ?? ''
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.drawImage(source, 0, 0)
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => {
      if (blob === null) reject(new FederationError('internal/bug', 'The browser made no picture'))
      else resolve(blob)
    }, 'image/png'),
  )
}
