import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endAll } from '../../e2e/harness.js'
import { runCell, type CellResult } from '../cell.js'
import { goldenRun } from '../matrix.js'

/**
 * What the disk refuses, and which coordinators have to end because of it: after a failed fsync nobody knows what is there,
 * and who cannot begin says why. All others go on by themselves.
 */
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ['a full disk under a chunk of an update', ['chunk.written:2:enospc']],
  ['a broken disk under the name of an update', ['blob.renamed:1:eio']],
  ['a failed fsync of an update', ['staged.before_fsync:1:eio']],
  ['a full disk under the record of an update that is to count', ['accept.before_commit:2:enospc']],
  ['a full disk under what a close writes', ['freeze.committed', 'model.tmp_written:2:enospc']],
  ['a broken disk in a collection of garbage at the start', ['commit.before', 'gc.mid:1:eio']],
]

describe('a disk that fails', () => {
  let golden: CellResult
  beforeAll(async () => {
    golden = await goldenRun()
  }, 120_000)
  afterAll(endAll)

  it.concurrent.each(CASES)('%s', async (name, faults) => {
    const result = await runCell({ name, faults, durability: 'durable' }, golden.fingerprint)
    expect(result).toMatchObject({
      ...{ problems: [], missed: [], lost: 0, doubled: 0, sameResult: true },
    })
    // An answer may be lost with the coordinator, and its round be over before it is asked for again.
    expect(result.acked).toBeGreaterThan(10)
  })
})
