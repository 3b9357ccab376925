import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cellResultSchema } from '#algorithms/audit/run/cell-result.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { idxBytes } from '#testing/data-fixtures.js'
import { forkAudit } from './fork-audit.js'

const configWith = (change: object = {}): RunConfig =>
  unwrap(
    parseRunConfig(
      {
        task: { inputShape: [8, 8, 1], classes: ['a', 'b', 'c'] },
        model: { name: 'mlp', hidden: [8], activation: 'softplus' },
        training: { batchSize: 1 },
        compute: { backend: 'wasm' },
        audit: { budget: 'smoke', count: 2 },
        ...change,
      },
      configCatalogue(),
    ),
  )

describe('an audit in a process of its own', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fork-audit-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  it('computes cell by cell and makes a report of what it is given back', async () => {
    const session = forkAudit(configWith(), directory)
    const { cells } = await session.plan()
    expect(cells).toHaveLength(2)
    const found = []
    for (const { key } of cells)
      found.push({ result: await session.cell(key, () => undefined), seconds: 1 })
    expect(cellResultSchema.parse(found[0]!.result).pictures).toBeNull()
    await session.end()
    // Another process, as after a crash: nothing of the first is needed but its results.
    const later = forkAudit(configWith(), directory)
    const at = '2026-01-01T00:00:00.000Z'
    const report = await later.report(found, at)
    expect(report).toMatchObject({ verdict: 'certain', isSound: true, seconds: 2, pictures: null })
    expect(report).toMatchObject({ createdAt: at, records: { basis: 'canary' }, budget: 'smoke' })
    await later.end()
  })

  it('takes files that changed between two starts for other records: their cells are others', async () => {
    const path = join(directory, 'files')
    await mkdir(path)
    const write = async (first: number): Promise<void> => {
      const pixels = Array.from({ length: 12 * 64 }, (_, i) => (i === 0 ? first : i % 256))
      await writeFile(join(path, 'train-images-idx3-ubyte'), idxBytes([12, 8, 8], pixels))
    }
    await write(1)
    const labels = Array.from({ length: 12 }, (_, i) => i % 3)
    await writeFile(join(path, 'train-labels-idx1-ubyte'), idxBytes([12], labels))
    const records = { name: 'idx', path, basis: 'public', share: [0, 1] }
    const keys = async (): Promise<readonly string[]> => {
      const session = forkAudit(configWith({ audit: { count: 2, records } }), directory)
      const { cells } = await session.plan()
      await session.end()
      return cells.map(({ key }) => key)
    }
    const before = await keys()
    expect(await keys()).toEqual(before)
    await write(2)
    expect(await keys()).not.toEqual(before)
  })

  it('says at once, and before anything is stored, what cannot be audited', async () => {
    for (const [change, why] of [
      [{ method: { name: 'fedd2s' } }, /fedd2s/],
      [{ audit: { records: { name: 'idx', path: '/nowhere', basis: 'public' } } }, /nowhere/],
    ] as const) {
      const session = forkAudit(configWith(change), directory)
      await expect(session.plan()).rejects.toThrow(why)
      await session.end()
    }
  })
})

describe('attacks', () => {
  const root = fileURLToPath(new URL('../', import.meta.url))
  const importsIn = async (folder: string): Promise<readonly (readonly [string, string])[]> => {
    const names = await readdir(folder, { recursive: true })
    const sources = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    const texts = await Promise.all(sources.map((name) => readFile(join(folder, name), 'utf8')))
    return texts.flatMap((text, i) =>
      [...text.matchAll(/from '([^']+)'/g)].map(([, what = '']) => [sources[i]!, what] as const),
    )
  }

  it('are in the process of the audit alone: the coordinator itself only reads reports', async () => {
    const found = (await importsIn(root)).filter(([, what]) =>
      what.startsWith('#algorithms/audit/'),
    )
    const others = found.filter(([file]) => !/audit-gate\/(audit-main|gate-spec)\.ts$/.test(file))
    expect(others).toEqual([['audit-gate/audit-gate.ts', '#algorithms/audit/reported-risk.js']])
  })

  it('reach neither rounds, nor members, nor what members sent', async () => {
    const found = (await importsIn(join(root, 'audit-gate'))).map(([, what]) => what)
    const reached = found.filter((what) => /fleet|vault|transport|round|run-context/.test(what))
    expect(reached).toEqual([])
    const rounds = await readFile(join(root, 'round.ts'), 'utf8')
    expect(rounds).not.toMatch(/audit|gate/i)
  })
})
