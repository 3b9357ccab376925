import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { cellResultSchema, type CellResult } from './cell-result.js'
import { loadStudy } from './load-study.js'
import { accuracyPicture, curvesPicture, gainPicture } from './pictures.js'
import { clientsDrawn, resultsMarkdown } from './results-page.js'
import { readCellResult } from './results-directory.js'
import { studyTables } from './table.js'

const directory = new URL('../../results/', import.meta.url)
const names = await readdir(directory)

describe('committed results', () => {
  it.each(names)('%s: the page and its pictures are those of its cells', async (name) => {
    const folder = new URL(`${name}/`, directory)
    const kept = (file: string) => readFile(new URL(file, folder), 'utf8')
    const page = await kept('README.md')
    const command = /^Written by `(.+?)`/m.exec(page)?.[1] ?? ''
    const seeds = /--seeds ([\d,]+)/.exec(command)?.[1]?.split(',').map(Number) ?? [0]
    // Whatever they start from takes minutes to make.
    const study = await loadStudy(name, { seeds, startOf: () => Promise.resolve(sha256('')) })
    const results: CellResult[] = []
    for (const cell of study.cells) {
      const result = await readCellResult(folder.pathname, cell)
      results.push(cellResultSchema.parse(result))
    }

    const machine = { version: '', commit: null, cpu: '', cores: 1, node: '', load: 0 }
    const tables = studyTables(results, study)
    const made = resultsMarkdown({ study, results, machine, command }, tables)
    const part = (text: string): string => text.slice(0, text.indexOf('## Fingerprint'))
    expect(part(page)).toBe(part(made))
    expect(await kept('accuracy.svg')).toBe(accuracyPicture(study.name, results))
    for (const { setting } of tables) {
      const own = results.filter((result) => result.setting === setting)
      const curves = curvesPicture(`${study.name}: ${setting}`, own)
      expect(await kept(`curves-${setting}.svg`)).toBe(curves)
      const clients = clientsDrawn({ study, results, machine, command }, setting)
      if (clients !== null) expect(await kept(`clients-${setting}.svg`)).toBe(clients)
    }
    if (study.baseline !== null) expect(await kept('gain.svg')).toBe(gainPicture(study, results))
  })
})
