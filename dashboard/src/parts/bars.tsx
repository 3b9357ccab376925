import { useMemo } from 'react'
import { barHeight, barOption, type BarsShown } from './bar-option.js'
import { Figure, type FigureProps } from './figure.js'
import { seriesLook } from './series-look.js'

export interface BarsProps extends Omit<FigureProps, 'keys'>, BarsShown {}

/** Amounts by name, from zero; several beside each other where they are to be compared. */
export function Bars(props: BarsProps) {
  const { categories, label, series, format, tick = format, max, line, room, ...rest } = props
  const shown = useMemo(
    (): BarsShown => ({
      ...{ categories, label, series, format, tick },
      ...(max === undefined ? {} : { max }),
      ...(line === undefined ? {} : { line }),
      ...(room === undefined ? {} : { room }),
    }),
    [categories, label, series, format, tick, max, line, room],
  )
  const numbers = useMemo(
    () => ({
      columns: [{ header: label }, ...series.map((one) => ({ header: one.label, format }))],
      rows: categories.map((name, i) => [name, ...series.map(({ values }) => values[i] ?? null)]),
    }),
    [categories, label, series, format],
  )
  const keys = useMemo(
    () =>
      series.map((one, i) => ({ label: one.label, variable: seriesLook(one.look ?? i).variable })),
    [series],
  )
  const height = useMemo(() => (width: number) => barHeight(shown, width), [shown])
  const draw = useMemo(() => barOption(shown), [shown])
  return <Figure {...rest} {...{ numbers, keys, height, draw }} />
}
