import { useMemo } from 'react'
import css from './echart.module.css'
import { Figure, type FigureProps } from './figure.js'
import { heatHeight, heatOption, heatRange, type Heat } from './heat-option.js'

export interface HeatMapProps extends FigureProps, Heat {}

/** Values in rows and columns as shades of one colour. */
export function HeatMap(props: HeatMapProps) {
  const { rows, columns, values, rowLabel, columnLabel, format } = props
  const { tick = format, range, isSquare = false, ...rest } = props
  const heat = useMemo(
    (): Heat => ({
      ...{ rows, columns, values, rowLabel, columnLabel, format, tick, isSquare },
      ...(range === undefined ? {} : { range }),
    }),
    [rows, columns, values, rowLabel, columnLabel, format, tick, range, isSquare],
  )
  const numbers = useMemo(
    () => ({
      columns: [
        { header: `${rowLabel} / ${columnLabel}` },
        ...columns.map((header) => ({ header, format })),
      ],
      rows: rows.map((name, i) => [name, ...columns.map((_, j) => values[i]?.[j] ?? null)]),
    }),
    [rows, columns, values, rowLabel, columnLabel, format],
  )
  const height = useMemo(() => (width: number) => heatHeight(heat, width), [heat])
  const draw = useMemo(() => heatOption(heat), [heat])
  const [low, high] = heatRange(heat)
  return (
    <Figure
      {...rest}
      {...{ numbers, height, draw }}
      legend={
        <span className={css['shades']}>
          {tick(low)}
          <span className={css['ramp']} aria-hidden="true" />
          {tick(high)}
        </span>
      }
    />
  )
}
