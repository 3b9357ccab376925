import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { MUTANTS } from './mutants.js'

const here = new URL('./', import.meta.url)
const document = readFileSync(new URL('../../docs/threat-model.md', here), 'utf8')
/** Nothing of the product is concerned yet; docs/threat-model.md says so. */
const OPEN = ['T13']
const ALL = Array.from({ length: 27 }, (_, i) => `T${i + 1}`)

/** Threats named in the titles of tests, by file. */
const files = readdirSync(here).filter((name) => /^t\d+-.*\.test\.ts$/.test(name))
const tested = new Map(
  files.map((name) => {
    const titles = readFileSync(new URL(name, here), 'utf8').matchAll(/['"`]SEC-(T\d+): /g)
    return [name, new Set([...titles].map(([, threat = '']) => threat))] as const
  }),
)
/** Cells of the rows of the table of threats, by threat. */
const rows = new Map(
  [...document.matchAll(/^\| (T\d+) \| (.*) \|$/gm)].map(([, threat = '', cells = '']) => [
    threat,
    cells.split(' | '),
  ]),
)

describe('the threats of the reliability specification', () => {
  it('have a test each, but for those that are open', () => {
    const named = new Set([...tested.values()].flatMap((threats) => [...threats]))
    expect(ALL.filter((threat) => !named.has(threat))).toEqual(OPEN)
  })
  it('have a file each, and no file tests another', () => {
    for (const [name, threats] of tested) {
      const [, number = ''] = /^t(\d+)-/.exec(name) ?? []
      expect([name, [...threats]]).toEqual([name, [`T${Number(number)}`]])
    }
  })
  it('have a row each in docs/threat-model.md, with the control, where it is, and the test', () => {
    expect([...rows.keys()]).toEqual(ALL)
    for (const [threat, cells] of rows) {
      if (OPEN.includes(threat)) {
        expect([threat, cells.join(' ')]).toEqual([threat, expect.stringMatching(/open/) as string])
        continue
      }
      expect([threat, cells.length, cells.every((cell) => cell.trim() !== '')]).toEqual([
        threat,
        4,
        true,
      ])
      const [, , where = '', test = ''] = cells
      const [file = ''] = files.filter(
        (name) => Number(/^t(\d+)-/.exec(name)?.[1]) === Number(threat.slice(1)),
      )
      expect(test).toContain(`\`${file}\``)
      for (const [, path = ''] of where.matchAll(/`([^`]+\/[^`]+)`/g))
        expect(() => readdirOrFile(path)).not.toThrow()
    }
  })
  it('are shown to matter where the document says so', () => {
    const tried = new Set(MUTANTS.map(({ threat }) => threat))
    for (const [threat, cells] of rows)
      expect([threat, tried.has(threat)]).toEqual([
        threat,
        cells.at(-1)?.includes('without it') ?? false,
      ])
  })
})

/** Throws unless there is such a file or folder of the project. */
function readdirOrFile(path: string): void {
  const url = new URL(`../../${path}`, here)
  if (path.endsWith('/')) readdirSync(url)
  else readFileSync(url)
}
