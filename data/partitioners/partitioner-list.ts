import { FederationError } from '#protocol/errors.js'
import { createStreams, type Stream } from '#protocol/random.js'
import { countLabels } from '#data/dataset.js'
import { dirichlet } from './dirichlet.js'
import { iid } from './iid.js'
import { labelSkew } from './label-skew.js'
import { pathological } from './pathological.js'
import type { Partitioner, PartitionRequest } from './partitioner.js'
import { quantity } from './quantity.js'
import { shards } from './shards.js'

/** Every partitioner, in the order in which help lists them. A test holds it against the folder. */
export const PARTITIONERS: readonly Partitioner[] = [
  iid,
  dirichlet,
  labelSkew,
  shards,
  pathological,
  quantity,
]

/** A specification such as `dirichlet:0.5:min=10:seed=7`, read. */
export interface PartitionSpec {
  readonly partitioner: Partitioner
  /** NaN where the partitioner has none. */
  readonly parameter: number
  readonly min: number
  /** Infinity where the specification does not say. */
  readonly max: number
  readonly seed: number
}

const VALID = PARTITIONERS.map((one) => one.usage).join(', ')

function bad(message: string): FederationError {
  return new FederationError('data/bad-partition', message)
}

function wholeNumber(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
}

function parseParameter(
  spec: string,
  { name, parameter, usage }: Partitioner,
  text: string | undefined,
): number {
  if (parameter === null) return Number.NaN
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
  const fits =
    value > parameter.above &&
    value <= parameter.max &&
    (!parameter.whole || Number.isInteger(value))
  if (fits) return value
  const kind = parameter.whole ? 'a whole number' : 'a number'
  const range = `above ${parameter.above} and at most ${parameter.max}`
  throw bad(`Partition "${spec}": ${name} needs ${kind} ${range} as ${parameter.label}: ${usage}`)
}

function parseOptions(
  spec: string,
  partitioner: Partitioner,
  parts: readonly string[],
): Pick<PartitionSpec, 'min' | 'max' | 'seed'> {
  const { takesMin, takesMax = false, fewest = 1 } = partitioner
  const found = new Map<string, number>()
  for (const part of parts) {
    const [key = '', value = ''] = part.split('=', 2)
    const known = key === 'seed' || (key === 'min' && takesMin) || (key === 'max' && takesMax)
    if (!known || found.has(key) || Number.isNaN(wholeNumber(value))) {
      throw bad(`Partition "${spec}": cannot read "${part}"; expected ${partitioner.usage}`)
    }
    found.set(key, wholeNumber(value))
  }
  const { min = fewest, max = Infinity, seed = 0 } = Object.fromEntries(found)
  if (min < (partitioner.fewest ?? 0))
    throw bad(`Partition "${spec}": ${partitioner.name} needs a min of at least ${fewest}`)
  if (max < min) throw bad(`Partition "${spec}": max=${max} is less than min=${min}`)
  return { min, max, seed }
}

/** Reads `name[:PARAMETER][:min=N][:max=N][:seed=N]`; min is 1 (or the partitioner's fewest) and seed 0 where not said. Throws data/bad-partition. */
export function parsePartition(spec: string): PartitionSpec {
  const [name = '', ...rest] = spec.split(':')
  const partitioner = PARTITIONERS.find((one) => one.name === name)
  if (partitioner === undefined) throw bad(`No partition is called "${name}"; there are: ${VALID}`)
  const values = partitioner.parameter === null ? 0 : 1
  const parameter = parseParameter(spec, partitioner, rest[0])
  return { partitioner, parameter, ...parseOptions(spec, partitioner, rest.slice(values)) }
}

function checkRows(spec: string, partitioner: Partitioner, request: PartitionRequest): void {
  const { clients, labels, min } = request
  if (!Number.isInteger(clients) || clients < 1)
    throw bad(`Expected at least 1 client, got ${clients}`)
  const fewest = partitioner.fewestRows?.(request) ?? clients * min
  if (labels.length < fewest) {
    throw bad(
      `Partition "${spec}" among ${clients} clients needs ${fewest} rows, the data have ${labels.length}`,
    )
  }
  const refusal = partitioner.refusal?.(request) ?? null
  if (refusal !== null) throw bad(`Partition "${spec}" among ${clients} clients ${refusal}`)
}

/**
 * Row indices of every client, ascending. Disjoint; together all rows, but for partitioners that leave rows. A function of its arguments alone: equal
 * specification, labels and number of clients give equal rows on every machine. Throws data/bad-partition.
 */
export function partition(
  spec: string,
  labels: Int32Array,
  { classes, clients }: { readonly classes: number; readonly clients: number },
): readonly Int32Array[] {
  const { partitioner, parameter, min, max, seed } = parsePartition(spec)
  const streams = createStreams(seed)
  const stream = (index: number, slot: number): Stream =>
    streams(`partition-${partitioner.name}`, index, slot)
  const request = { labels, classes, clients, parameter, min, max, stream }
  checkRows(spec, partitioner, request)
  return partitioner.split(request).map((rows) => rows.slice().sort())
}

/** How many rows a client has, and how many of each class. */
export interface ShareCounts {
  readonly total: number
  readonly perClass: readonly number[]
}

/** The counts of every client, in order. */
export function describePartition(
  parts: readonly Int32Array[],
  labels: Int32Array,
  classes: number,
): ShareCounts[] {
  return parts.map((rows) => ({
    total: rows.length,
    perClass: countLabels(
      rows.map((row) => labels[row]!),
      classes,
    ),
  }))
}

/** Which of how many clients. `index` counts from 0. */
export interface Shard {
  readonly index: number
  readonly clients: number
}

/** Reads `I/N`, I from 1 to N. Throws data/bad-partition. */
export function parseShard(text: string): Shard {
  const [, place = '', clients = ''] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? []
  const shard = { index: Number(place) - 1, clients: Number(clients) }
  if (shard.index >= 0 && shard.index < shard.clients) return shard
  throw bad(`Shard "${text}": expected I/N with I from 1 to N, such as 2/4`)
}
