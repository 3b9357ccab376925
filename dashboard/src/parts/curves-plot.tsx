import { useEffect, useImperativeHandle, useMemo, useRef, useState, type RefObject } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useIsDark } from '../look/theme.js'
import { FederationError } from '#protocol/errors.js'
import { classNames } from '../look/class-names.js'
import { alignedOf, rowsOf } from './curve-rows.js'
import type { Drawn } from './chart-panel.js'
import type { CurvesProps } from './curves.js'
import css from './curves.module.css'
import { framedPicture } from './picture.js'
import { placesOf, plotOptions } from './plot-options.js'
import { LineKey } from './line-key.js'
import { readColors, seriesLook } from './series-look.js'

const HEIGHT = 260
const GROUND = ['--ink', '--ink-3', '--rule', '--rule-strong', '--surface'] as const

export interface CurvesPlotProps extends CurvesProps {
  readonly isLog: boolean
  readonly ref: RefObject<Drawn | null>
}

/** The chart itself. What is pointed at is told in the legend below it. */
export function CurvesPlot({ ref, ...props }: CurvesPlotProps) {
  const { title, lines, xAxis, yAxis, isLog, yRange, height = HEIGHT } = props
  const { isStepped = false } = props
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(null)
  const [at, setAt] = useState<number | null>(null)
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const isDark = useIsDark()
  const rows = useMemo(() => rowsOf(lines), [lines])
  const aligned = useMemo(() => alignedOf(lines) as unknown as uPlot.AlignedData, [lines])
  // What a chart is made of, but for its points: those change all the time, and are only set.
  const shape = shapeOf(lines)
  const latest = useRef({ lines, aligned, hidden })
  useEffect(() => {
    latest.current = { lines, aligned, hidden }
  })

  useEffect(() => {
    const element = box.current
    if (element === null) return
    const { lines: drawnLines, aligned: data, hidden: hiddenNow } = latest.current
    const names = drawnLines.map(({ look }, i) => seriesLook(look ?? i).variable)
    const colors = readColors([...GROUND, ...names])
    const options = plotOptions({
      ...{ lines: drawnLines, xAxis, yAxis, isLog, yRange, colors },
      stepped: isStepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined,
      ...{ width: element.clientWidth, height, hidden: hiddenNow },
      onPoint: setAt,
    })
    const made = new uPlot(options, data, element)
    plot.current = made
    const follow = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    follow.observe(element)
    return () => {
      follow.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [shape, xAxis, yAxis, isLog, yRange, isDark, height, isStepped])
  useEffect(() => {
    plot.current?.setData(aligned)
  }, [aligned])
  useImperativeHandle(ref, () => ({
    picture: () => pictureOf(plot.current, { title, lines, hidden }),
  }))

  const toggle = (id: string, i: number): void => {
    const next = new Set(hidden)
    if (!next.delete(id)) next.add(id)
    setHidden(next)
    for (const place of placesOf(lines, i)) plot.current?.setSeries(place, { show: !next.has(id) })
  }
  return (
    <figure>
      <div ref={box} className={css['plot']} style={{ height: `${height}px` }} aria-hidden="true" />
      <figcaption className={css['legend']}>
        <span className={css['at']}>
          {at === null ? 'Latest' : `${xAxis.label} ${xAxis.format(rows.x[at] ?? 0)}`}
        </span>
        {lines.map(({ id, label, look, isMuted }, i) =>
          isMuted === true ? null : (
            <button
              key={id}
              type="button"
              className={classNames(css['series'])}
              aria-pressed={!hidden.has(id)}
              onClick={() => toggle(id, i)}
            >
              <LineKey look={look ?? i} />
              <span className={css['label']}>{label}</span>
              <span className={css['value']}>
                {valueAt(rows.columns[i] ?? [], at, yAxis.format)}
              </span>
            </button>
          ),
        )}
      </figcaption>
    </figure>
  )
}

const shapeOf = (lines: CurvesProps['lines']): string =>
  lines
    .map(({ id, label, look, band }) => `${id} ${label} ${look ?? ''} ${band !== undefined}`)
    .join('\n')

function valueAt(
  column: readonly (number | null)[],
  at: number | null,
  format: (value: number) => string,
): string {
  const value = at === null ? column.findLast((one) => one !== null) : column[at]
  return value === null || value === undefined ? '–' : format(value)
}

async function pictureOf(
  plot: uPlot | null,
  {
    title,
    lines,
    hidden,
  }: Pick<CurvesProps, 'title' | 'lines'> & { readonly hidden: ReadonlySet<string> },
): Promise<Blob> {
  if (plot === null)
    throw new FederationError('internal/bug', 'There is no chart to take a picture of')
  const keys = lines.flatMap(({ id, label, look, isMuted }, i) =>
    hidden.has(id) || isMuted === true ? [] : [{ label, ...seriesLook(look ?? i) }],
  )
  return framedPicture(plot.ctx.canvas, { title, keys })
}
