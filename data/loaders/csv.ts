import { FederationError } from '#protocol/errors.js'
import type { Scaling } from '#data/dataset.js'
import { corrupt } from '#data/files.js'
import { parseClassNames, sortedClasses } from '#data/formats/class-names.js'
import { pickFloats } from '#data/formats/floats.js'
import { measureScaling, readScaling, scaleTable } from '#data/formats/scaling.js'
import { readTable, type Table } from '#data/formats/table.js'
import type { Loader, LoadRequest } from './loader.js'

function labelColumn(options: LoadRequest['options']): string {
  const label = options['label']
  if (label !== undefined && label !== '') return label
  throw new FederationError('usage/bad-value', `Expected the label column: ${csv.usage}`)
}

async function scalingOf(options: LoadRequest['options'], table: Table): Promise<Scaling | null> {
  const { scale, stats } = options
  if (stats !== undefined && scale === undefined) return readScaling(stats, table.columns)
  const kind = scale ?? 'standard'
  if (stats === undefined && kind === 'none') return null
  if (stats === undefined && (kind === 'minmax' || kind === 'standard'))
    return measureScaling(kind, table)
  throw new FederationError(
    'usage/bad-value',
    `Expected one of scale=standard, scale=minmax, scale=none and stats=FILE, got scale=${kind}${stats === undefined ? '' : ' and stats'}`,
  )
}

/**
 * A table of comma-separated values: a header line, one label column, every other column a feature.
 *
 * `label=COLUMN` names the label; its values become the class names, sorted. `classes=a,b,c` fixes them instead, which a
 * node needs that may lack a class. `ignore=a,b` leaves columns out. Features are scaled column by column:
 * `scale=standard` (the default), `minmax` or `none`, by the statistics of the rows read, which `data inspect` states;
 * `stats=FILE` takes them from a file instead, so that all nodes of a federation scale alike.
 * A file has no splits: both mean all its rows.
 */
export const csv: Loader = {
  name: 'csv',
  usage:
    'csv:FILE:label=COLUMN[:classes=a,b,c][:ignore=a,b][:scale=standard|minmax|none][:stats=FILE]',
  summary: 'a table of numbers with a label column',
  path: 'required',
  options: ['label', 'classes', 'ignore', 'scale', 'stats'],
  reproducible: false,
  open: async ({ path, options, limit }) => {
    const given = options['classes'] === undefined ? null : parseClassNames(options['classes'])
    const ignore = options['ignore']?.split(',') ?? []
    const table = await readTable(path, {
      label: labelColumn(options),
      ignore,
      classes: given,
      limit,
    })
    const scaling = await scalingOf(options, table)
    const classes = given ?? sortedClasses(table.labels)
    if (classes.length < 2)
      throw corrupt(path, 'at least two different labels', `${classes.length}`)
    const places = new Map(classes.map((name, i) => [name, i]))
    const values = scaleTable(table, scaling)
    return {
      inputShape: [table.columns.length],
      classes,
      labels: Int32Array.from(table.labels, (label) => places.get(label)!),
      features: async (indices) => pickFloats(values, table.columns.length, indices),
      ...(scaling === null ? {} : { scaling }),
    }
  },
}
