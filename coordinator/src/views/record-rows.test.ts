import { beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest'
import { newRunId, type Hash, type RunId } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import { MemoryBlobs } from '#coordinator/store/memory-blobs.js'
import { RecordRows } from './record-rows.js'

describe('what is kept of closed rounds', () => {
  let blobs: MemoryBlobs
  let reads: MockInstance<MemoryBlobs['get']>
  let rows: RecordRows<number>
  beforeEach(() => {
    blobs = new MemoryBlobs()
    reads = vi.spyOn(blobs, 'get')
    rows = rowsOf(10)
  })
  const rowsOf = (most: number): RecordRows<number> =>
    new RecordRows(blobs, { rowOf: ({ round }) => round, size: () => 1, most })
  /** Records of rounds `from` to `to`; returns the hash of each. */
  async function chain(runId: RunId, to: number, before: readonly Hash[] = []): Promise<Hash[]> {
    const hashes = [...before]
    for (let round = hashes.length; round <= to; round += 1) {
      const record = { runId, round, previous: hashes.at(-1) ?? null }
      hashes.push(await blobs.put(Buffer.from(canonicalJson(record))))
    }
    return hashes
  }
  const [RUN, OTHER] = [newRunId(), newRunId()]

  it('is read once, first to last, and of a run that went on what is new', async () => {
    const hashes = await chain(RUN, 4)
    expect(await rows.of(RUN, null)).toEqual([])
    expect(await rows.of(RUN, hashes[4]!)).toEqual([0, 1, 2, 3, 4])
    expect(reads).toHaveBeenCalledTimes(5)
    expect(await rows.of(RUN, hashes[4]!)).toEqual([0, 1, 2, 3, 4])
    expect(reads).toHaveBeenCalledTimes(5)
    const longer = await chain(RUN, 6, hashes)
    expect(await rows.of(RUN, longer[6]!)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(reads).toHaveBeenCalledTimes(7)
  })
  it('goes back with a head that was read before, and reads nothing for it', async () => {
    const hashes = await chain(RUN, 4)
    await rows.of(RUN, hashes[4]!)
    reads.mockClear()
    expect(await rows.of(RUN, hashes[2]!)).toEqual([0, 1, 2])
    expect(await rows.of(RUN, hashes[4]!)).toEqual([0, 1, 2, 3, 4])
    expect(reads).not.toHaveBeenCalled()
  })
  it('is read once for two who look at the same time', async () => {
    const hashes = await chain(RUN, 4)
    const both = await Promise.all([rows.of(RUN, hashes[4]!), rows.of(RUN, hashes[4]!)])
    expect(both).toEqual([
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
    ])
    expect(reads).toHaveBeenCalledTimes(5)
  })
  it('forgets the run that was looked at the longest ago', async () => {
    rows = rowsOf(9)
    const [mine, others] = [await chain(RUN, 4), await chain(OTHER, 4)]
    await rows.of(RUN, mine[4]!)
    await rows.of(OTHER, others[4]!)
    reads.mockClear()
    await rows.of(OTHER, others[4]!)
    expect(reads).not.toHaveBeenCalled()
    expect(await rows.of(RUN, mine[4]!)).toEqual([0, 1, 2, 3, 4])
    expect(reads).toHaveBeenCalledTimes(5)
  })
  it('is looked for again after a blob could not be read', async () => {
    const hashes = await chain(RUN, 4)
    reads.mockRejectedValueOnce(new Error('The disk is away'))
    await expect(rows.of(RUN, hashes[4]!)).rejects.toThrow('away')
    expect(await rows.of(RUN, hashes[4]!)).toHaveLength(5)
  })
})
