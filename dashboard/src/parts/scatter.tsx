import { useMemo } from 'react'
import { Figure, type FigureProps } from './figure.js'
import { SCATTER_HEIGHT, scatterOption, type Scattered } from './scatter-option.js'

export interface ScatterProps extends Omit<FigureProps, 'keys'>, Scattered {
  /** What names, places and sizes are, in the table. */
  readonly headers: readonly [name: string, x: string, y: string, size: string]
}

/** Things by where they lie, and how large they are. */
export function Scatter({ points, xLabel, yLabel, headers, ...rest }: ScatterProps) {
  const numbers = useMemo(
    () => ({
      columns: headers.map((header) => ({ header })),
      rows: points.map(({ name, x, y, size }) => [name, x, y, size]),
    }),
    [points, headers],
  )
  const draw = useMemo(() => scatterOption({ points, xLabel, yLabel }), [points, xLabel, yLabel])
  return <Figure {...rest} {...{ numbers, draw }} height={heightOf} />
}
const heightOf = (): number => SCATTER_HEIGHT
