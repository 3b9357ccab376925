import { describe, expect, it } from 'vitest'
import { sorted, sortOf, sortText } from './sorting.js'

const rows = [
  { name: 'run 10', accuracy: 0.5 },
  { name: 'Run 9', accuracy: null },
  { name: 'run 2', accuracy: 0.9 },
  { name: 'a', accuracy: 0.5 },
]
const names = (of: readonly { readonly name: string }[]): readonly string[] =>
  of.map(({ name }) => name)

describe('the order of rows', () => {
  it('takes numbers in names as numbers, and leaves what was given as it was', () => {
    expect(names(sorted(rows, (row) => row.name, false))).toEqual(['a', 'run 2', 'Run 9', 'run 10'])
    expect(rows[0]?.name).toBe('run 10')
  })
  it('has what has nothing to go by last, both ways, and equal rows as they stood', () => {
    const by = (row: { readonly accuracy: number | null }): number | null => row.accuracy
    expect(names(sorted(rows, by, false))).toEqual(['run 10', 'a', 'run 2', 'Run 9'])
    expect(names(sorted(rows, by, true))).toEqual(['run 2', 'run 10', 'a', 'Run 9'])
  })
  it('stands in an address and comes back from it', () => {
    for (const text of ['name', '-updated']) expect(sortText(sortOf(text))).toBe(text)
    expect(sortOf('-updated')).toEqual({ by: 'updated', isDescending: true })
  })
})
