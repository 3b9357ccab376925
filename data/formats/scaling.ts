import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import type { Scaling } from '#data/dataset.js'
import { corrupt, fileSize, readRange } from '#data/files.js'
import type { Table } from './table.js'

type Column = Scaling['columns'][number]

const statsSchema = z.object({
  columns: z.array(
    z.object({
      name: z.string(),
      offset: z.number(),
      divisor: z.number().refine((value) => value !== 0),
    }),
  ),
})
const MAX_STATS_BYTES = 10_000_000

function valuesOf({ columns, values }: Table, column: number): Float64Array {
  const count = values.length / columns.length
  return Float64Array.from({ length: count }, (_, row) => values[row * columns.length + column]!)
}

/** A constant column becomes zeros: its divisor is 1. */
const orOne = (divisor: number): number => (divisor > 0 ? divisor : 1)

function minmax(name: string, values: Float64Array): Column {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity)
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity)
  return { name, offset: low, divisor: orOne(high - low) }
}

/** Mean and population standard deviation. */
function standard(name: string, values: Float64Array): Column {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return { name, offset: mean, divisor: orOne(Math.sqrt(variance)) }
}

/** `minmax` maps each column to [0, 1], `standard` to mean 0 and variance 1, by the statistics of the rows read. */
export function measureScaling(kind: 'minmax' | 'standard', table: Table): Scaling {
  const measure = kind === 'minmax' ? minmax : standard
  return { kind, columns: table.columns.map((name, i) => measure(name, valuesOf(table, i))) }
}

/** Statistics from a JSON file, `{"columns":[{"name","offset","divisor"}]}`, so that many nodes scale alike. */
export async function readScaling(path: string, columns: readonly string[]): Promise<Scaling> {
  const size = await fileSize(path, 'the statistics of a scaling')
  if (size > MAX_STATS_BYTES) throw corrupt(path, `at most ${MAX_STATS_BYTES} bytes`, `${size}`)
  const text = new TextDecoder().decode(await readRange(path, 0, size))
  const given = parseStats(path, text).columns
  const chosen = columns.map((name) => {
    const column = given.find((one) => one.name === name)
    if (column === undefined) throw corrupt(path, `statistics of the column "${name}"`, 'none')
    return column
  })
  return { kind: 'given', columns: chosen }
}

function parseStats(path: string, text: string): z.infer<typeof statsSchema> {
  try {
    return statsSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new FederationError(
      'data/corrupt',
      `${path}: expected JSON {"columns":[{"name","offset","divisor"}]} with divisors other than zero`,
      { cause },
    )
  }
}

/** Scaled rows as 32-bit floats; without a scaling the values themselves. */
export function scaleTable({ columns, values }: Table, scaling: Scaling | null): Float32Array {
  if (scaling === null) return Float32Array.from(values)
  return Float32Array.from(values, (value, i) => {
    const { offset, divisor } = scaling.columns[i % columns.length]!
    return (value - offset) / divisor
  })
}
