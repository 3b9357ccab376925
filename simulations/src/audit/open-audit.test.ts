import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settingsOf } from '#protocol/audit-settings.js'
import { cellsOf } from '#algorithms/audit/run/cells.js'
import { idxBytes } from '#testing/data-fixtures.js'
import { listAudits, openAudit, runIn } from './open-audit.js'

const RUN = { model: { name: 'gap' }, compute: { backend: 'cpu' } }
const DATA = { name: 'synthetic', path: 'stroke-digits:side=16:count=200', share: [0, 0.5] }
const FILE = { name: 'mine', run: RUN, records: { data: DATA, basis: 'canary' } }

describe('what is passed to audit run', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-audit-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))
  async function opened(file: object, options: Parameters<typeof openAudit>[1] = {}) {
    const path = join(directory, 'audit.json')
    await writeFile(path, JSON.stringify(file))
    return openAudit(path, options)
  }

  it('gets its task from the audited records, and public data from the rest of them', async () => {
    const { spec, generator, start } = await opened(FILE)
    expect(spec.run.task).toMatchObject({ inputShape: [16, 16, 1] })
    expect(spec.auxiliary).toEqual({ ...DATA, share: [0.5, 1], hash: null })
    expect([generator, start, spec.name, spec.budgetName]).toEqual([null, null, 'mine', 'standard'])
  })

  it('is changed by what else is said', async () => {
    const { spec } = await opened(FILE, {
      ...{ budget: 'smoke', overrides: ['records.count=1', 'seed=4'] },
    })
    expect([spec.budgetName, spec.records.count, spec.seed, spec.batches]).toEqual([
      ...['smoke', 1, 4, 2],
    ])
  })

  it.each(['a file', 'a run configuration'])(
    'has hashes of rows that a name does not fix, in %s, so that no audit mixes them',
    async (kind) => {
      const path = join(directory, 'pictures')
      await mkdir(path, { recursive: true })
      const labels = Array.from({ length: 60 }, (_, i) => i % 3)
      await writeFile(join(path, 'train-labels-idx1-ubyte'), idxBytes([60], labels))
      const records = { name: 'idx', path, share: [0, 0.5] }
      const run = { model: { name: 'mlp' }, compute: { backend: 'cpu' } }
      const task = { inputShape: [8, 8, 1], classes: ['0', '1', '2'] }
      const file =
        kind === 'a file'
          ? { name: 'mine', run, records: { data: records, basis: 'public' } }
          : { ...run, task, audit: { records: { ...records, basis: 'public' } } }
      const keysWith = async (first: number): Promise<readonly string[]> => {
        const pixels = Array.from({ length: 60 * 64 }, (_, i) => (first + i * i) % 251)
        await writeFile(join(path, 'train-images-idx3-ubyte'), idxBytes([60, 8, 8], pixels))
        const { spec } = await opened(file)
        expect(spec.records.data.hash).toMatch(/^[0-9a-f]{64}$/)
        expect(spec.auxiliary.hash).toMatch(/^[0-9a-f]{64}$/)
        return cellsOf(spec).map(({ key }) => key)
      }
      const before = await keysWith(0)
      expect(await keysWith(0)).toEqual(before)
      expect(await keysWith(1)).not.toEqual(before)
    },
  )

  it('names its generator by a path from where the file is, and by a hash', async () => {
    const { spec } = await opened({ ...FILE, generator: 'tiny' })
    expect(spec.generator).toMatchObject({ kind: 'tiny' })
    await expect(opened({ ...FILE, generator: { file: 'mine.bundle' } })).rejects.toThrow(
      join(directory, 'mine.bundle'),
    )
  })

  it('can be a run configuration, which is audited on canaries', async () => {
    const task = { inputShape: [16, 16, 1], classes: ['cat', 'dog'] }
    const { spec } = await opened({ ...RUN, task, training: { batchSize: 2 } }, { budget: 'smoke' })
    expect(spec.records.basis).toBe('canary')
    expect(spec.rows).toMatchObject([{ batchSize: 2, localSteps: 1, updates: [] }])
    expect(spec.budgetName).toBe('smoke')
  })

  it.each([
    [{ ...FILE, record: {} }, /record: unknown key.*did you mean records/],
    [{ ...FILE, records: { data: DATA } }, /Nobody said why synthetic:stroke-digits/],
    [{ ...FILE, records: { ...FILE.records, data: { ...DATA, share: [0, 1] } } }, /nothing left/],
    [{ ...FILE, run: { ...RUN, model: { name: 'gapp' } } }, /model.*gap/],
  ])('is refused with the reason: %#', async (file, message) => {
    await expect(opened(file)).rejects.toThrow(message)
  })

  it('is about the same run, asked for alone', async () => {
    const { spec } = await opened(FILE)
    const path = join(directory, 'audit.json')
    expect(settingsOf(await runIn(path))).toEqual(settingsOf(spec.run))
    expect((await runIn(path, ['run.training.batchSize=7'])).training.batchSize).toBe(7)
    await writeFile(path, JSON.stringify({ ...RUN, task: spec.run.task }))
    expect(settingsOf(await runIn(path))).toEqual(settingsOf(spec.run))
    expect((await runIn('mnist-fedprox-dirichlet')).method.name).toBe('fedprox')
  })

  it('can be the name of a shipped audit', async () => {
    expect(await listAudits()).toContain('gap')
    for (const name of ['gap', 'gap.json']) {
      expect((await openAudit(name)).spec.name).toBe('gap')
    }
    await expect(openAudit('nowhere')).rejects.toThrow(/no file nowhere.*there are .*gap/)
  })
})
