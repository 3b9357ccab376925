import { createReadStream } from 'node:fs'
import { parse } from 'csv-parse'
import { FederationError } from '#protocol/errors.js'
import { corrupt, fileSize } from '#data/files.js'

export interface TableRequest {
  /** Name of the label column. */
  readonly label: string
  /** Columns that are neither features nor label. */
  readonly ignore: readonly string[]
  /** Allowed labels; null: any. */
  readonly classes: readonly string[] | null
  readonly limit: number
}

export interface Table {
  /** Feature columns, in the order of the file. */
  readonly columns: readonly string[]
  /** Row by row. */
  readonly values: readonly number[]
  readonly labels: readonly string[]
}

interface Layout {
  readonly header: readonly string[]
  readonly labelAt: number
  readonly featuresAt: readonly number[]
}
interface Line {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/** The longest class name that a data card can hold. */
const MAX_LABEL_LENGTH = 100
const OPTIONS = {
  bom: true,
  info: true,
  relax_column_count: true,
  skip_empty_lines: true,
  trim: true,
} as const

function layoutOf(
  path: string,
  header: readonly string[],
  { label, ignore }: TableRequest,
): Layout {
  const repeated = header.find((name, i) => header.indexOf(name) !== i)
  if (repeated !== undefined)
    throw corrupt(path, 'a header of different names', `"${repeated}" twice`)
  for (const name of [label, ...ignore]) {
    if (!header.includes(name)) {
      const message = `${path}: no column "${name}" in the header; its columns are: ${header.join(', ')}`
      throw new FederationError('usage/bad-value', message)
    }
  }
  const featuresAt = header.flatMap((name, i) =>
    name === label || ignore.includes(name) ? [] : [i],
  )
  if (featuresAt.length === 0) throw corrupt(path, `a column beside "${label}"`, 'none')
  return { header, labelAt: header.indexOf(label), featuresAt }
}

function labelOf(
  path: string,
  { record, info }: Line,
  { at, classes }: Pick<TableRequest, 'classes'> & { readonly at: number },
): string {
  const label = record[at] ?? ''
  const where = `in line ${info.lines}`
  if (label === '' || label.length > MAX_LABEL_LENGTH) {
    throw corrupt(
      path,
      `a label of 1 to ${MAX_LABEL_LENGTH} characters ${where}`,
      `one of ${label.length}`,
    )
  }
  if (classes !== null && !classes.includes(label)) {
    throw corrupt(path, `one of the labels ${classes.join(', ')} ${where}`, `"${label}"`)
  }
  return label
}

function numberAt(
  path: string,
  { record, info }: Line,
  { header, at }: { header: readonly string[]; at: number },
): number {
  const text = record[at] ?? ''
  const value = text === '' ? Number.NaN : Number(text)
  if (Number.isFinite(Math.fround(value))) return value
  throw corrupt(path, `a number in line ${info.lines}, column "${header[at]}"`, `"${text}"`)
}

/** Parsed records with their line numbers. Stops reading when the consumer stops. */
async function* linesOf(path: string): AsyncGenerator<Line> {
  const source = createReadStream(path)
  const parser = parse(OPTIONS)
  source.once('error', (error) => parser.destroy(error))
  try {
    for await (const line of source.pipe(parser)) yield line as Line
  } catch (error) {
    throw corrupt(
      path,
      'comma-separated values',
      error instanceof Error ? error.message : String(error),
    )
  } finally {
    source.destroy()
  }
}

/** Comma-separated values with a header line: one label column, every other column a number. */
export async function readTable(path: string, request: TableRequest): Promise<Table> {
  await fileSize(path, 'a CSV file')
  const values: number[] = []
  const labels: string[] = []
  let layout: Layout | null = null
  for await (const line of linesOf(path)) {
    if (layout === null) {
      layout = layoutOf(path, line.record, request)
      continue
    }
    if (labels.length >= request.limit) break
    const { header, labelAt, featuresAt } = layout
    if (line.record.length !== header.length) {
      throw corrupt(
        path,
        `${header.length} fields in line ${line.info.lines}`,
        `${line.record.length}`,
      )
    }
    labels.push(labelOf(path, line, { at: labelAt, classes: request.classes }))
    for (const at of featuresAt) values.push(numberAt(path, line, { header, at }))
  }
  if (layout === null || labels.length === 0)
    throw corrupt(path, 'a header and at least one row', 'none')
  const { header, featuresAt } = layout
  return { columns: featuresAt.map((at) => header[at]!), values, labels }
}
