import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { madeResults, tinyAudit } from '#testing/tiny-audit.js'
import type { Hash } from '#protocol/ids.js'
import { CellFiles } from './cell-files.js'

describe('files of finished cells', () => {
  let out: string
  const [result] = madeResults(tinyAudit())
  const { key } = result!
  const files = (retainUntil: string | null = null) => new CellFiles(out, { retainUntil })
  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), 'tributary-cells-'))
  })
  afterAll(() => rm(out, { recursive: true, force: true }))

  it('give back what was put, and are for their owner alone', async () => {
    expect(await files().get(key)).toBeNull()
    await files().put(result!)
    expect(await files().get(key)).toEqual(result)
    const modes = [join(out, 'cells'), join(out, 'cells', `${key}.json`)].map(
      async (path) => (await stat(path)).mode & 0o777,
    )
    expect(await Promise.all(modes)).toEqual([0o700, 0o600])
  })

  it('hold pictures only where a day was named by which they are gone, and in a file of their own', async () => {
    const truth = 'data:image/png;base64,AA'
    const pictured = { ...result!, pictures: [{ record: 0, truth, reconstructions: [] }] }
    await files().put(pictured)
    expect(await readdir(join(out, 'cells'))).toEqual([`${key}.json`])
    expect(await files('2099-01-31').get(key)).toBeNull()

    await files('2099-01-31').put(pictured)
    expect(await readFile(join(out, 'cells', `${key}.json`), 'utf8')).not.toContain('data:image')
    expect(await files('2099-01-31').get(key)).toEqual(pictured)
    expect(await files().get(key)).toEqual(result)
    // They were to be gone by another day: computed again.
    expect(await files('2099-02-28').get(key)).toBeNull()
  })

  it.each(['', '{"key":', '{"key":"x"}'])('are computed again when they hold %j', async (text) => {
    await writeFile(join(out, 'cells', `${key}.json`), text)
    expect(await files().get(key)).toBeNull()
  })

  it('are computed again when they are those of another cell', async () => {
    const other = 'b'.repeat(64) as Hash
    await writeFile(join(out, 'cells', `${other}.json`), JSON.stringify(result))
    expect(await files().get(other)).toBeNull()
  })

  it('are not taken for absent when they cannot be read: hours would be spent again', async () => {
    const folder = 'c'.repeat(64) as Hash
    await mkdir(join(out, 'cells', `${folder}.json`))
    await expect(files().get(folder)).rejects.toMatchObject({ code: 'audit/unwritable' })
  })

  it('are gone once there is a report', async () => {
    await files().clear()
    expect(await readdir(out)).toEqual([])
    await files().clear()
  })
})
