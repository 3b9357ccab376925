/** What is there when a run is over and nobody runs, and what of it nothing explains. */
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { decodeBundle } from '#protocol/bundle.js'
import type { RoundRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { roundsOf } from '#coordinator/run-record.js'
import { openStore } from '#coordinator/store/open-store.js'
import type { History } from './history.js'
import { NODES, type Federation } from './prepare.js'
import { witnessIn, type SyntheticNode } from './synthetic-node.js'

/** Files that are there whatever happened. */
const EXPECTED =
  /^(tributary\.db(-wal|-shm)?|operator\.json|signing-secret|audit-key|vault\/id|staging|vault)$/

export interface Afterwards {
  readonly records: readonly RoundRecord[]
  /** Files of the data directory that nothing explains. */
  readonly orphans: readonly string[]
}

/** Throws when the run is not done. Adds the sums of the rounds to the history. */
export async function lookAfterwards(
  { dataDir, storeUrl, runId }: Federation,
  nodes: readonly SyntheticNode[],
  history: History,
): Promise<Afterwards> {
  const store = await openStore(dataDir, { url: storeUrl })
  try {
    const head = await store.head(runId)
    if (head?.state !== 'DONE') throw new Error(`The run is ${head?.state}: ${head?.reason}`)
    const records = await roundsOf(store, head)
    const last = await store.blobs.get(head.modelHash)
    const seen = new Map(nodes.flatMap(({ witnesses }) => [...witnesses]))
    addSums(history, {
      records,
      seen,
      last: witnessIn(unwrap(decodeBundle(last ?? new Uint8Array()))),
    })
    await store.collectGarbage(0)
    const known = new Set<string>()
    for await (const hash of store.blobs.list(0)) known.add(store.blobs.path(hash) ?? '')
    const files = await readdir(dataDir, { recursive: true, withFileTypes: true })
    const orphans = files
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !known.has(path))
      .map((path) => relative(dataDir, path))
      .filter((path) => !EXPECTED.test(path))
    return { records, orphans }
  } finally {
    await store.close()
  }
}

/** A round's sum is what the witness coordinate moved by, times the members that it is the mean of. */
function addSums(
  history: History,
  found: {
    readonly records: readonly RoundRecord[]
    /** With which value of the coordinate a node saw each round begin. */
    readonly seen: ReadonlyMap<number, number>
    readonly last: number
  },
): void {
  for (const { round, accepted } of found.records.slice(1)) {
    const [before, after] = [found.seen.get(round), found.seen.get(round + 1) ?? found.last]
    const isLast = round === found.records.at(-1)?.round
    // Where no node read the next round's beginning, its sum cannot be told from the one after it.
    if (before === undefined || (!isLast && !found.seen.has(round + 1))) continue
    const members = accepted.length === 0 ? NODES : accepted.length
    history.add('harness', { op: 'sum', round, value: Math.round((after - before) * members) })
  }
}
