/** The audits in docs/audits: signed, sound, about the files that they were made from, and of public records alone. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { settingsHash, settingsOf } from '#protocol/audit-settings.js'
import { assertAbout, assertGenuine } from '#algorithms/audit/reported-risk.js'
import { judgementOf } from '#algorithms/audit/soundness.js'
import { runIn } from '#simulations/audit/open-audit.js'
import { readReport } from '#simulations/audit/report-files.js'

const FOLDER = 'docs/audits'
const names = (await readdir(FOLDER, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

describe('committed audits', () => {
  it('are those of MNIST', () => {
    expect(names).toEqual(['mnist-cnn', 'mnist-lenet', 'mnist-mlp'])
  })

  it.each(names)('%s is genuine, sound and about its file', async (name) => {
    const signed = await readReport(join(FOLDER, name, 'report.json'))
    await assertGenuine(signed, null)
    const config = await runIn(`simulations/audits/${name}.json`, [])
    assertAbout(signed.report, config)
    expect(signed.report.settingsHash).toBe(settingsHash(settingsOf(config)))
    expect(await judgementOf(signed.report)).toMatchObject({ obstacles: [], laxities: [] })
    expect(signed.report.isSound).toBe(true)
    expect(signed.report.records.basis).toBe('public')
  })

  it.each(names)(
    '%s has a page of the same report, and the text tells its verdict',
    async (name) => {
      const { report, signature } = await readReport(join(FOLDER, name, 'report.json'))
      const page = await readFile(join(FOLDER, name, 'report.html'), 'utf8')
      expect(page).toContain(signature.publicKey)
      expect(page).toContain(report.settingsHash)
      const text = await readFile(join(FOLDER, 'README.md'), 'utf8')
      const row = text.split('\n').find((line) => line.startsWith(`| [${name}]`))
      expect(row).toContain(`**${report.verdict}**`)
    },
  )
})
