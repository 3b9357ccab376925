import type { DataSource } from '#protocol/run-config.js'
import { FederationError } from '#protocol/errors.js'
import { everyIndex, type Dataset } from '#data/dataset.js'
import { asMixed, parseShift } from '#data/shifts/shift.js'
import { domainsOfRows } from '#data/shifts/shift-domains.js'
import { shiftRows } from '#data/shifts/shift-rows.js'
import { cifar10 } from './cifar10.js'
import { cifar100 } from './cifar100.js'
import { csv } from './csv.js'
import { fashionMnist } from './fashion-mnist.js'
import { idx } from './idx.js'
import { images } from './images.js'
import { jsonl } from './jsonl.js'
import type { LabelledRows, Loader, LoadRequest, Split } from './loader.js'
import { mnist } from './mnist.js'
import { synthetic } from './synthetic.js'

/** Every loader, in the order in which help lists them. A test holds it against the folder. */
export const LOADERS: readonly Loader[] = [
  mnist,
  fashionMnist,
  cifar10,
  cifar100,
  idx,
  images,
  csv,
  jsonl,
  synthetic,
]

export type SplitSource = DataSource & { readonly split?: Split }

/** `csv:table.csv:label=kind` → { name: 'csv', path: 'table.csv:label=kind' }. */
export function parseDataSource(text: string): DataSource {
  const colon = text.indexOf(':')
  return colon < 0 ? { name: text } : { name: text.slice(0, colon), path: text.slice(colon + 1) }
}

/** The inverse of `parseDataSource`; limit and shift are not part of it. */
export const formatDataSource = ({ name, path }: DataSource): string =>
  path === undefined ? name : `${name}:${path}`

export function findLoader(name: string): Loader {
  const loader = LOADERS.find((one) => one.name === name)
  if (loader !== undefined) return loader
  const names = LOADERS.map((one) => one.usage).join(', ')
  throw new FederationError(
    'config/unknown-name',
    `No data loader is called "${name}"; there are: ${names}`,
  )
}

/** For what is handed on: without the path of someone's files. */
export const publicSourceName = (source: DataSource): string =>
  findLoader(source.name).reproducible ? formatDataSource(source) : source.name

const OPTION = /^([a-z]+)=(.*)$/

/** Splits the `key=value` parts off the end of a path, which may itself hold colons (`C:\data`). */
function splitOptions(loader: Loader, path: string): Pick<LoadRequest, 'path' | 'options'> {
  const parts = path.split(':')
  const fewest = loader.path === 'required' ? 1 : 0
  const options: Record<string, string> = {}
  for (let last = parts.at(-1); parts.length > fewest && last !== undefined; last = parts.at(-1)) {
    const match = OPTION.exec(last)
    if (match === null) break
    const [, key = '', value = ''] = match
    if (!loader.options.includes(key) || Object.hasOwn(options, key)) {
      throw new FederationError(
        'usage/bad-value',
        `Cannot use ${key}=${value} here; expected ${loader.usage}`,
      )
    }
    options[key] = value
    parts.pop()
  }
  return { path: parts.join(':'), options }
}

function requestOf(loader: Loader, source: SplitSource): LoadRequest {
  const { path, options } = splitOptions(loader, source.path ?? '')
  const fits = loader.path === 'optional' || (loader.path === 'required') === (path !== '')
  if (!fits) {
    throw new FederationError(
      'usage/bad-value',
      `Expected ${loader.usage}, got ${formatDataSource(source)}`,
    )
  }
  const limit = source.limit ?? Infinity
  if (source.limit !== undefined && (!Number.isInteger(limit) || limit < 1)) {
    throw new FederationError('usage/bad-value', `Expected a limit of at least 1 row, got ${limit}`)
  }
  return { path, options, split: source.split ?? 'train', limit }
}

/** Labels now, features on demand: for who needs only some of the rows. */
export async function openSource(source: SplitSource): Promise<LabelledRows> {
  const loader = findLoader(source.name)
  return loader.open(requestOf(loader, source))
}

/** The named rows of an opened source as a data set of their own. */
export async function datasetOf(
  name: string,
  rows: LabelledRows,
  indices: Int32Array,
): Promise<Dataset> {
  const { inputShape, classes, scaling } = rows
  return {
    name,
    inputShape,
    classes,
    count: indices.length,
    features: await rows.features(indices),
    labels: indices.map((row) => rows.labels[row]!),
    ...(scaling === undefined ? {} : { scaling }),
  }
}

/**
 * A whole split in memory (by default `train`), at most `limit` rows of it. It belongs to no client, so a `shift` deals its
 * domains to every row at random, whatever its mode. Throws config/unknown-name, usage/bad-value, data/not-found,
 * data/corrupt or data/bad-shift.
 */
export async function loadDataset(source: SplitSource): Promise<Dataset> {
  const { name, split = 'train', shift: spec } = source
  const shift = spec === undefined ? null : asMixed(parseShift(spec))
  const opened = await openSource(source)
  const rows = everyIndex(opened.labels.length)
  const dataset = await datasetOf(name, opened, rows)
  if (shift === null) return dataset
  return shiftRows(dataset, shift, {
    rows,
    of: domainsOfRows(shift, rows, { slot: 0, split }),
    split,
  })
}
