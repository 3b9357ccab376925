import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parseRunConfig } from '#protocol/run-config.js'
import { unwrap } from '#protocol/result.js'
import { CATALOGUE, configCatalogue } from '#algorithms/catalogue.js'
import { COMMAND, configurationDoc, EXAMPLE } from './configuration-doc.js'
import { methodDoc } from './method-docs.js'

describe('docs/configuration.md', () => {
  const text = configurationDoc(configCatalogue())
  /** Cells of the row of a key, without the code marks. */
  const rowOf = (key: string): readonly string[] => {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${key}\` |`)) ?? ''
    return row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('`', ''))
  }

  it('is what the schema says now', async () => {
    const path = new URL('../docs/configuration.md', import.meta.url)
    expect(await readFile(path, 'utf8'), `Out of date: run ${COMMAND}`).toBe(text)
  })

  it('shows an example that is accepted', () => {
    const task = { inputShape: [28, 28, 1], classes: ['0', '1'] }
    const config = unwrap(parseRunConfig(EXAMPLE, configCatalogue(), { task }))
    expect(config).toMatchObject({ method: { mu: 0.1 }, cohort: { take: { size: 10 } } })
  })

  it('names every choice, and gives each option its type, default and meaning', () => {
    for (const { name } of [...CATALOGUE.methods, ...CATALOGUE.models])
      expect(text).toMatch(new RegExp(`^\\| \`(method|model)\` \\|.*\\b${name}\\b`, 'm'))
    expect(rowOf('rounds').slice(1, 4)).toEqual(['rounds', 'integer', '10'])
    expect(rowOf('rounds')[4]).toMatch(/^Number of training rounds/)
    expect(rowOf('calibration(ccvr).minCount').slice(2, 4)).toEqual(['integer', '1'])
    expect(rowOf('method(fedprox).mu').slice(2, 4)).toEqual(['number', '0.01'])
    expect(rowOf('compute.backend')[2]).toContain('"cpu" \\| "wasm"')
    expect(rowOf('startFrom.pretrain.epochs').slice(2, 4)).toEqual(['integer', '10'])
    expect(rowOf('startFrom.pretrain.data.shift')[4]).toContain('domains')
  })

  it('leaves no key without a meaning', () => {
    const keys = text.split('\n').filter((line) => line.startsWith('| `'))
    expect(keys.length).toBeGreaterThan(60)
    expect(keys.filter((line) => line.endsWith('| |'))).toEqual([])
  })
})

describe('docs/methods', () => {
  it('have options as the schema says, and results as they are committed', async () => {
    const folder = new URL('../docs/methods/', import.meta.url)
    const names = await readdir(folder)
    expect(names).toContain('fedins.md')
    for (const name of names) {
      const page = await readFile(new URL(name, folder), 'utf8')
      expect(page, `Out of date: run ${COMMAND}`).toBe(await methodDoc(page, configCatalogue()))
    }
    expect(await readFile(new URL('fedins.md', folder), 'utf8')).toContain('| `poolSize` |')
  })
})
