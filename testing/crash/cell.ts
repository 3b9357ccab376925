/**
 * One cell of the matrix: a real coordinator process dies where it is told to, and is started again, until its run is over;
 * five synthetic nodes come back by themselves. Everything that was seen is judged (history.ts).
 */
import { readdir, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { decodeBundle } from '#protocol/bundle.js'
import type { RoundRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { roundsOf } from '#coordinator/run-record.js'
import { openStore } from '#coordinator/store/open-store.js'
import type { Store } from '#coordinator/store/store.js'
import { start, type Running } from '../e2e/harness.js'
import { fingerprintOf, History, judge, type Fingerprint, type Verdict } from './history.js'
import { NODES, prepareFederation, type Durability, type Federation } from './prepare.js'
import { SyntheticNode, witnessIn } from './synthetic-node.js'

export interface Cell {
  readonly name: string
  /** `TRIBUTARY_FAULT` of one coordinator after the other; those after the last have none. */
  readonly faults: readonly string[]
  readonly durability: Durability
  /** Of a database of its own; undefined: SQLite. */
  readonly storeUrl?: string | undefined
}
export interface CellResult extends Verdict {
  readonly name: string
  /** Faults that did not happen. */
  readonly missed: readonly string[]
  readonly records: readonly RoundRecord[]
  readonly fingerprint: Fingerprint
}

/** Files that are there whatever happened. */
const EXPECTED =
  /^(tributary\.db(-wal|-shm)?|operator\.json|signing-secret|vault\/id|staging|vault)$/
/** More than any cell needs: a run that never ends must say so. */
const MOST_BOOTS = 8

export async function runCell(cell: Cell, golden: Fingerprint | null): Promise<CellResult> {
  const federation = await prepareFederation(cell.durability, cell.storeUrl)
  try {
    return await new CellRun(cell, federation).run(golden)
  } finally {
    await rm(federation.directory, { recursive: true, force: true })
  }
}

class CellRun {
  readonly #cell: Cell
  readonly #federation: Federation
  readonly #history = new History()
  readonly #nodes: readonly SyntheticNode[]
  readonly #missed: string[] = []

  constructor(cell: Cell, federation: Federation) {
    this.#cell = cell
    this.#federation = federation
    this.#nodes = federation.members.map(
      ({ name, identity }) => new SyntheticNode(name, identity, this.#history),
    )
  }

  async run(golden: Fingerprint | null): Promise<CellResult> {
    const { name, faults, durability } = this.#cell
    for (let boot = 0; ; boot += 1) {
      if (boot === MOST_BOOTS) throw new Error(`${name}: the run goes on after ${boot} deaths`)
      const fault = faults[boot] ?? ''
      const isOver = await this.#live(fault)
      if (isOver && boot >= faults.length) break
      if (isOver) {
        this.#missed.push(...faults.slice(boot))
        break
      }
      this.#history.add('harness', { op: 'restart' })
    }
    const { records, orphans } = await this.#afterwards()
    const exclusion = null
    const verdict = judge(this.#history.lines, { records, durability, golden, orphans, exclusion })
    return { name, ...verdict, missed: this.#missed, records, fingerprint: fingerprintOf(records) }
  }

  /** One coordinator, from its start to its end. True: the run is over. */
  async #live(fault: string): Promise<boolean> {
    const coordinator = this.#start(fault)
    const url = await urlOf(coordinator)
    const served = url === null ? [] : this.#nodes.map((node) => node.serve(url))
    const isOver = await Promise.race([
      coordinator.ended.then(() => false),
      Promise.all(served).then((ends) => url !== null && ends.every((end) => end === 'over')),
    ])
    if (isOver) {
      await coordinator.kill('SIGTERM')
      const { status, errorText } = await coordinator.ended
      if (status !== 0) throw new Error(`${this.#cell.name}: did not end well: ${errorText}`)
      return true
    }
    const { errorText } = await coordinator.ended
    await Promise.all(served)
    this.#history.add('coordinator', { op: 'kill', point: fault })
    if (!hasStruck(errorText, fault))
      throw new Error(`${this.#cell.name}: died of something else: ${errorText}`)
    await this.#withStore(async (store) => {
      const head = await store.head(this.#federation.runId)
      this.#history.add('harness', { op: 'observe', committed: (head?.round ?? 1) - 1 })
    })
    return false
  }

  #start(fault: string): Running {
    const { dataDir, directory, storeUrl } = this.#federation
    const store = storeUrl === undefined ? [] : ['--store', storeUrl]
    return start(['coordinator', 'start', '--data-dir', dataDir, '--port', '0', ...store], {
      env: { TRIBUTARY_HOME: join(directory, 'home'), TRIBUTARY_FAULT: fault },
    })
  }

  /** What is there in the end, and what of it nothing explains. */
  async #afterwards() {
    return this.#withStore(async (store) => {
      const { dataDir, runId } = this.#federation
      const head = await store.head(runId)
      if (head?.state !== 'DONE')
        throw new Error(`${this.#cell.name}: the run is ${head?.state}: ${head?.reason}`)
      const records = await roundsOf(store, head)
      const last = await store.blobs.get(head.modelHash)
      this.#addSums(records, witnessIn(unwrap(decodeBundle(last ?? new Uint8Array()))))
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
    })
  }
  /** A round's sum is what the witness coordinate moved by, times the members that it is the mean of. */
  #addSums(records: readonly RoundRecord[], last: number): void {
    const seen = new Map(this.#nodes.flatMap(({ witnesses }) => [...witnesses]))
    for (const { round, accepted } of records.slice(1)) {
      const [before, after] = [seen.get(round), seen.get(round + 1) ?? last]
      if (before === undefined) continue
      const members = accepted.length === 0 ? NODES : accepted.length
      const value = Math.round((after - before) * members)
      this.#history.add('harness', { op: 'sum', round, value })
    }
  }
  async #withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
    const store = await openStore(this.#federation.dataDir, { url: this.#federation.storeUrl })
    try {
      return await use(store)
    } finally {
      await store.close()
    }
  }
}

/** Null when it ended before it listened. */
const urlOf = (coordinator: Running): Promise<string | null> =>
  coordinator.event('coordinator:listening').then(
    (line) => String(line['url']),
    () => null,
  )
function hasStruck(errorText: string, fault: string): boolean {
  const [point = ''] = fault.split(':')
  return fault !== '' && errorText.includes(`{"fault":"${point}"`)
}
