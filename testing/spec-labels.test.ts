import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { labelsUnder, numbered, withoutTest } from './spec-labels.js'

function folderOf(files: Readonly<Record<string, string>>): URL {
  const path = mkdtempSync(join(tmpdir(), 'labels-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  return pathToFileURL(`${path}/`)
}

describe('labels of a description', () => {
  it('names those without a test, whichever file the others are in', () => {
    const folder = folderOf({
      'a.test.ts': "  it('I1: holds', () => {})\n  it.each([1, (2)])(\n    'I3: for %i', () => {})",
      'b.test.ts': 'it(`golden example: all of it`, async () => {})',
    })
    expect(withoutTest(folder, [...numbered('I', 3), 'golden example'])).toEqual(['I2'])
  })

  it('counts neither skipped tests, nor comments, nor other files, nor longer numbers', () => {
    const folder = folderOf({
      'a.test.ts': "it.skip('I1: x')\n// it('I2: x')\nit.todo('I3: x')\nit('I40: x')",
      'a.ts': "it('I5: x')",
    })
    expect(withoutTest(folder, numbered('I', 5))).toEqual(['I1', 'I2', 'I3', 'I4', 'I5'])
  })

  it('finds tests in all folders below', () => {
    const folder = folderOf({
      'a.test.ts': "it('I1: x')",
      'b/a.test.ts': "it('I2: x')",
      'b/c/a.test.ts': "it('I3: x')",
    })
    expect([...labelsUnder(folder)].sort()).toEqual(['I1', 'I2', 'I3'])
  })
})
