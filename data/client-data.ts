import type { DataCard } from '#protocol/data-card.js'
import { FederationError } from '#protocol/errors.js'
import { createStreams } from '#protocol/random.js'
import { everyIndex, type ClientData, type Dataset } from './dataset.js'
import { makeCard } from './data-card.js'
import {
  datasetOf,
  findLoader,
  formatDataSource,
  openSource,
  parseDataSource,
} from './loaders/loader-list.js'
import type { LabelledRows } from './loaders/loader.js'
import { parsePartition, parseShard, partition } from './partitioners/partitioner-list.js'
import { checkShape, parseShift, type ShiftSpec } from './shifts/shift.js'
import { domainsOfRows } from './shifts/shift-domains.js'
import { shiftRows } from './shifts/shift-rows.js'

export interface ClientShare {
  readonly dataset: Dataset
  /** The client's rows of `dataset`. */
  readonly indices: Int32Array
  /** Share of them that is kept for testing, 0 … 0.9; rounded down to whole rows. */
  readonly testFraction: number
  readonly seed: number
  /** The client's place among those that share the data. */
  readonly slot: number
  /** How to make the same rows again; null for private data. */
  readonly source: DataCard['source'] | null
  /** Whether the card may state counts. */
  readonly shareCounts?: boolean
}

const MAX_TEST_FRACTION = 0.9

/**
 * One client's rows, split into training and test rows. Which row goes where depends on (seed, slot, number of rows) alone,
 * so that a node that holds nothing but its own rows splits them as a simulation that holds all.
 */
export function clientData(share: ClientShare): ClientData {
  const { dataset, indices, testFraction, seed, slot, source, shareCounts = false } = share
  if (!(testFraction >= 0 && testFraction <= MAX_TEST_FRACTION)) {
    throw new FederationError(
      'usage/bad-value',
      `Expected a test fraction from 0 to 0.9, got ${testFraction}`,
    )
  }
  const places = createStreams(seed)('client-split', 0, slot).shuffle(everyIndex(indices.length))
  const testCount = Math.floor(indices.length * testFraction)
  const rowsAt = (some: Int32Array): Int32Array =>
    some
      .slice()
      .sort()
      .map((place) => indices[place]!)
  const test = rowsAt(places.subarray(0, testCount))
  const train = rowsAt(places.subarray(testCount))
  const labels = indices.map((row) => dataset.labels[row]!)
  const counts = { train: train.length, test: test.length }
  return {
    train: { source: dataset, indices: train },
    test: { source: dataset, indices: test },
    card: makeCard({ dataset, ...counts, labels, source, shareCounts }),
  }
}

interface SharedRequest {
  /** A source such as `mnist` or `csv:table.csv:label=kind`. */
  readonly data: string
  /** The source's path, where `data` is the name alone. */
  readonly path?: string
  readonly testFraction: number
  /** Only the first so many rows of the source, before they are divided. */
  readonly limit?: number
  /** Domains that look different, such as `mixed:none,invert:seed=1`; a client's place decides which it has of them. */
  readonly shift?: string
  readonly shareCounts?: boolean
}
/** What a node says with `--data`, `--partition` and `--shard`. A card's `source` is one, too. */
export interface ClientDataRequest extends SharedRequest {
  /** Both or neither: without them the client owns the whole source. */
  readonly partition?: string
  /** `I/N`, I from 1. */
  readonly shard?: string
}
/** What a simulation says: the shares of all clients. */
export interface AllClientsRequest extends SharedRequest {
  readonly partition: string
  readonly clients: number
}

/** An opened source and the rows of each client. */
interface Shares {
  readonly request: SharedRequest & { readonly partition: string }
  readonly name: string
  readonly rows: LabelledRows
  readonly parts: readonly Int32Array[]
  readonly shift: ShiftSpec | null
}

/** The one place where a source is divided, for nodes and for simulations. */
async function openShares(request: Shares['request'], clients: number): Promise<Shares> {
  const { data, path, limit } = request
  parsePartition(request.partition)
  const shift = request.shift === undefined ? null : parseShift(request.shift)
  const source = { ...parseDataSource(data), ...(path === undefined ? {} : { path }) }
  const rows = await openSource({ ...source, ...(limit === undefined ? {} : { limit }) })
  if (shift !== null) checkShape(shift, rows.inputShape)
  const parts = partition(request.partition, rows.labels, { classes: rows.classes.length, clients })
  const asked = { ...request, data: formatDataSource(source) }
  return { request: asked, name: source.name, rows, parts, shift }
}

/** The named rows with their features, moved into their domains if there are any. */
async function openRows(
  { name, rows: source, shift }: Shares,
  rows: Int32Array,
  domainsOf: (shift: ShiftSpec) => Uint8Array,
): Promise<Dataset> {
  const dataset = await datasetOf(name, source, rows)
  if (shift === null) return dataset
  return shiftRows(dataset, shift, { rows, of: domainsOf(shift), split: 'train' })
}

const clientDomains = (shift: ShiftSpec, rows: Int32Array, slot: number): Uint8Array =>
  domainsOfRows(shift, rows, { slot, split: 'train' })

/** The domain of every row of the source, each as its owner finds it. */
function allDomains(shift: ShiftSpec, { rows, parts }: Shares): Uint8Array {
  const of = new Uint8Array(rows.labels.length)
  for (const [slot, part] of parts.entries()) {
    const own = clientDomains(shift, part, slot)
    part.forEach((row, i) => {
      of[row] = own[i]!
    })
  }
  return of
}

/** The client at `slot`, whose rows are `indices` of `dataset`. */
function clientAt(
  shares: Shares,
  slot: number,
  { dataset, indices }: { dataset: Dataset; indices: Int32Array },
): ClientData {
  const { request, name, parts } = shares
  const shard = `${slot + 1}/${parts.length}`
  if (indices.length === 0) {
    const message = `Shard ${shard} of partition "${request.partition}" holds no rows; use min=1 or fewer clients`
    throw new FederationError('data/bad-partition', message)
  }
  const { data, partition: spec, testFraction, limit, shift, shareCounts = false } = request
  const source = {
    data,
    partition: spec,
    shard,
    testFraction,
    ...(limit === undefined ? {} : { limit }),
    ...(shift === undefined ? {} : { shift }),
  }
  return clientData({
    dataset,
    indices,
    testFraction,
    seed: parsePartition(spec).seed,
    slot,
    source: findLoader(name).reproducible ? source : null,
    shareCounts,
  })
}

function placeOf({ partition: spec, shard }: ClientDataRequest): {
  spec: string
  index: number
  clients: number
} {
  if (spec === undefined && shard === undefined) return { spec: 'iid', index: 0, clients: 1 }
  if (spec !== undefined && shard !== undefined) return { spec, ...parseShard(shard) }
  const [given, missing] = spec === undefined ? ['shard', 'partition'] : ['partition', 'shard']
  throw new FederationError(
    'data/bad-partition',
    `A ${given} needs a ${missing} beside it: --partition iid --shard 1/4`,
  )
}

/**
 * What a node does with its flags: opens the source, finds its own rows, and keeps only these as floats. Throws the errors
 * of `loadDataset` and data/bad-partition.
 */
export async function openClientData(request: ClientDataRequest): Promise<ClientData> {
  const { spec, index, clients } = placeOf(request)
  const shares = await openShares({ ...request, partition: spec }, clients)
  const rows = shares.parts[index]!
  const own = await openRows(shares, rows, (shift) => clientDomains(shift, rows, index))
  return clientAt(shares, index, { dataset: own, indices: everyIndex(own.count) })
}

/** The same for every client of a simulation, over one copy of the data. Client i is shard i + 1 of a node. */
export async function openAllClients(request: AllClientsRequest): Promise<readonly ClientData[]> {
  const shares = await openShares(request, request.clients)
  const every = everyIndex(shares.rows.labels.length)
  const dataset = await openRows(shares, every, (shift) => allDomains(shift, shares))
  return shares.parts.map((indices, slot) => clientAt(shares, slot, { dataset, indices }))
}
