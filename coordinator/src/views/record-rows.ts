import type { Hash, RunId } from '#protocol/ids.js'
import type { RoundRecord } from '#protocol/record.js'
import { walkRecords } from '#coordinator/store/reachable.js'
import type { BlobStore } from '#coordinator/store/store.js'

/** What is kept of each closed round. */
export interface Extract<Row> {
  readonly rowOf: (record: RoundRecord, hash: Hash) => Row
  /** Roughly how many numbers a row holds. */
  readonly size: (row: Row) => number
  /** Most numbers that are kept of all runs together; the run that was looked at the longest ago is forgotten first. */
  readonly most: number
}
interface Known<Row> {
  readonly rows: readonly Row[]
  readonly hashes: readonly Hash[]
  readonly size: number
}

/**
 * What people look at of the closed rounds of runs, in memory: the record of a round never changes, so it is read once. Of a run
 * that went on, what is new is read.
 */
export class RecordRows<Row> {
  readonly #blobs: BlobStore
  readonly #extract: Extract<Row>
  /** The latest looked at is the last. */
  readonly #known = new Map<RunId, Known<Row>>()
  /** Two who look at the same time read once. */
  readonly #turns = new Map<RunId, Promise<unknown>>()

  constructor(blobs: BlobStore, extract: Extract<Row>) {
    this.#blobs = blobs
    this.#extract = extract
  }

  /** A row for each closed round up to that of the record `latest`, first to last. */
  async of(runId: RunId, latest: Hash | null): Promise<readonly Row[]> {
    const look = (): Promise<readonly Row[]> => this.#look(runId, latest)
    const turn = (this.#turns.get(runId) ?? Promise.resolve()).then(look, look)
    this.#turns.set(runId, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(runId) === turn) this.#turns.delete(runId)
    }
  }

  async #look(runId: RunId, latest: Hash | null): Promise<readonly Row[]> {
    const known = this.#known.get(runId) ?? { rows: [], hashes: [], size: 0 }
    const place = latest === null ? -1 : known.hashes.lastIndexOf(latest)
    if (latest === null || (place >= 0 && place < known.hashes.length - 1))
      return known.rows.slice(0, place + 1)
    const now = place < 0 ? await this.#extended(known, latest) : known
    this.#known.delete(runId)
    this.#known.set(runId, now)
    this.#forgetOldest()
    return now.rows
  }

  async #extended(known: Known<Row>, latest: Hash): Promise<Known<Row>> {
    const [rows, hashes]: [Row[], Hash[]] = [[], []]
    const end = known.hashes.at(-1) ?? null
    let isKnown = false
    for await (const { hash, record } of walkRecords(this.#blobs, latest)) {
      rows.push(this.#extract.rowOf(record, hash))
      hashes.push(hash)
      isKnown = end !== null && record.previous === end
      if (isKnown) break
    }
    const before = isKnown ? known : { rows: [], hashes: [], size: 0 }
    const size = rows.reduce((sum, row) => sum + this.#extract.size(row), before.size)
    return {
      rows: [...before.rows, ...rows.reverse()],
      hashes: [...before.hashes, ...hashes.reverse()],
      size,
    }
  }

  #forgetOldest(): void {
    let size = [...this.#known.values()].reduce((sum, known) => sum + known.size, 0)
    for (const [runId, known] of this.#known) {
      if (size <= this.#extract.most || this.#known.size === 1) return
      this.#known.delete(runId)
      size -= known.size
    }
  }
}
