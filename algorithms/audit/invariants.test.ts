import { describe, expect, it } from 'vitest'
import { labelsUnder, numbered } from '#testing/spec-labels.js'

const root = new URL('../../', import.meta.url)
const FOLDERS = ['algorithms/audit/', 'simulations/src/audit/', 'testing/slow/', 'testing/e2e/']

describe('invariants of the gifd specification (§19)', () => {
  it('each have a test with its number: A1 … A23', () => {
    const found = new Set(FOLDERS.flatMap((folder) => [...labelsUnder(new URL(folder, root))]))
    expect(numbered('A', 23).filter((label) => !found.has(label))).toEqual([])
  })
})
