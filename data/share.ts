import type { Hash } from '#protocol/ids.js'
import type { DataSource } from '#protocol/run-config.js'
import { createStreams } from '#protocol/random.js'
import { everyIndex, type Dataset } from './dataset.js'
import { datasetHash } from './dataset-hash.js'
import { datasetOf, LOADERS, openSource } from './loaders/loader-list.js'

/** A part of a source: [from, to) of its rows after one shuffle. 0 ≤ from < to ≤ 1. */
export interface SharedSource extends DataSource {
  readonly share: readonly [number, number]
}

/**
 * The places of a part among `count` rows. The shuffle depends on `count` alone, so parts of one source that do not overlap
 * never share a row: audits rely on it to keep what is audited apart from what an attacker is trained on.
 */
export function rowsOfShare(count: number, [from, to]: SharedSource['share']): Int32Array {
  const order = createStreams(0)('audit-share', 0, 0).shuffle(everyIndex(count))
  return order.slice(Math.floor(from * count), Math.floor(to * count))
}

/** The rows of a part of the training split, in the order of the shuffle. Throws as `loadDataset` does. */
export async function openShare({ share, ...source }: SharedSource): Promise<Dataset> {
  const opened = await openSource(source)
  return datasetOf(source.name, opened, rowsOfShare(opened.labels.length, share))
}

/** Of the rows of a part, which a file may hold others of tomorrow. Null: the name alone fixes them, and nothing is read. */
export async function rowsHash(source: SharedSource): Promise<Hash | null> {
  const isFixed = LOADERS.some(({ name, reproducible }) => name === source.name && reproducible)
  return isFixed ? null : datasetHash(await openShare(source))
}
