import { describe, expect, it } from 'vitest'
import type { Hash } from '#protocol/ids.js'
import type { CellResult } from '#algorithms/audit/run/cell-result.js'
import type { CellCheckpoints } from '#algorithms/audit/run/checkpoints.js'
import { cellsOf } from '#algorithms/audit/run/cells.js'
import { NO_CHECKPOINTS, tinyAudit, tinyRun } from '#testing/tiny-audit.js'
import { runCells, type RunCellsOptions } from './run-audit.js'

const spec = tinyAudit({ rows: [{ batchSize: 1 }, { batchSize: 2 }] })
const setup = { spec, generator: null, start: null, withPictures: false }
const OPTIONS: RunCellsOptions = { workers: 0, checkpoints: NO_CHECKPOINTS, resume: false }

/** Without what clocks say. */
const numbers = (results: readonly CellResult[]) =>
  results.map(({ methods, seconds: _seconds, ...result }) => ({
    ...result,
    methods: methods.map(({ seconds: _own, ...method }) => method),
  }))

class InMemory implements CellCheckpoints {
  readonly kept = new Map<Hash, CellResult>()
  get(key: Hash): Promise<CellResult | null> {
    return Promise.resolve(this.kept.get(key) ?? null)
  }
  put(result: CellResult): Promise<void> {
    this.kept.set(result.key, result)
    return Promise.resolve()
  }
}

describe('the cells of an audit', () => {
  it('A16: come to the same numbers in this process and in others', async () => {
    const here = await runCells(setup, OPTIONS)
    const there = await runCells(setup, { ...OPTIONS, workers: 2 })
    expect(numbers(there.results)).toEqual(numbers(here.results))
    expect(there.facts).toEqual(here.facts)
    expect(here.results.map(({ key }) => key)).toEqual(cellsOf(spec).map(({ key }) => key))
  })

  it('are kept one by one, and not computed again after an interruption', async () => {
    const checkpoints = new InMemory()
    const abort = new AbortController()
    const interrupted = runCells(setup, {
      ...OPTIONS,
      checkpoints,
      signal: abort.signal,
      onProgress: ({ cells }) => {
        if (cells === 1) abort.abort()
      },
    })
    await expect(interrupted).rejects.toMatchObject({ code: 'audit/interrupted' })
    expect(checkpoints.kept.size).toBe(1)
    const [first] = checkpoints.kept.values()
    const told: number[] = []
    const finished = await runCells(setup, {
      ...{ ...OPTIONS, checkpoints, resume: true },
      onProgress: ({ cells }) => told.push(cells),
    })
    expect([finished.resumed, told[0], told.at(-1)]).toEqual([1, 1, 3])
    expect(finished.results[0]).toBe(first)
    expect(numbers(finished.results)).toEqual(numbers((await runCells(setup, OPTIONS)).results))
  })

  it('are all computed again without --resume', async () => {
    const checkpoints = new InMemory()
    await runCells(setup, { ...OPTIONS, checkpoints })
    expect((await runCells(setup, { ...OPTIONS, checkpoints })).resumed).toBe(0)
  })

  it('fail with what one of them fails with, in any process', async () => {
    const adam = tinyRun({ training: { batchSize: 2, optimizer: { name: 'adam' } } })
    const other = { ...setup, spec: { ...setup.spec, run: adam } }
    for (const workers of [0, 1]) {
      await expect(runCells(other, { ...OPTIONS, workers })).rejects.toMatchObject({
        code: 'audit/not-auditable',
      })
    }
  })
})
