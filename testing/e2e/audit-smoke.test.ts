/** The smallest audit that shows something: gifd specification §20.5, with pinned seeds. The slow suite has the rest of §20.4. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditRow, SignedReport } from '#protocol/audit-report.js'
import { endAll, temporaryDirectory, tributary } from './harness.js'

describe('audit run --budget smoke', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let row: AuditRow
  const psnr = (name: string): number => {
    const { values } = row.methods.find((method) => method.name === name)!.chosen!.psnr
    return values.reduce((sum, value) => sum + value, 0) / values.length
  }

  beforeAll(async () => {
    directory = await temporaryDirectory()
    const out = join(directory.path, 'out')
    const { status, errorText } = await tributary(
      [
        ...['audit', 'run', '--config', 'gap', '--budget', 'smoke', '--workers', '2', '--out', out],
        ...['--set', 'seed=2', '--set', 'rows=[{"batchSize":1,"labels":"given"}]'],
        ...['--set', 'methods=["latent","gifd","ig"]'],
      ],
      { cwd: directory.path },
    )
    expect(status, errorText).toBe(0)
    const { report } = JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as SignedReport
    row = report.rows[0]!
  }, 240_000)
  afterAll(async () => {
    await endAll()
    await directory.remove()
  })

  it('GIFD is far ahead of a search among latents, which is ahead of a search among pixels', () => {
    expect(row.records).toBe(2)
    expect(psnr('gifd')).toBeGreaterThan(psnr('latent') + 2)
    expect(psnr('latent')).toBeGreaterThan(psnr('ig'))
  })

  it('later stages of GIFD add to the latent', () => {
    const { stages } = row.methods.find(({ name }) => name === 'gifd')!
    expect(stages.map(({ stage }) => stage)).toEqual([0, 1, 2, 3])
    expect(stages.at(-1)!.psnr).toBeGreaterThan(stages[0]!.psnr)
  })
})
