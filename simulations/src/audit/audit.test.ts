import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newKeyPair } from '#protocol/proof.js'
import { tinyAudit } from '#testing/tiny-audit.js'
import { runAudit } from './audit.js'

describe('an audit', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-audit-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('is not begun where its report cannot be written', async () => {
    const file = join(directory, 'file')
    await writeFile(file, '')
    const told: number[] = []
    const audit = { spec: tinyAudit(), generator: null, start: null }
    for (const out of [file, join(file, 'within')]) {
      const running = runAudit(audit, {
        ...{ workers: 0, out, resume: false, retainUntil: null },
        ...{ privateKey: newKeyPair().privateKey, onProgress: ({ cells }) => told.push(cells) },
      })
      await expect(running).rejects.toMatchObject({ code: 'audit/unwritable' })
    }
    expect(told).toEqual([])
  })
})
