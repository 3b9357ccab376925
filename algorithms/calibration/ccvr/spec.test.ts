import { expect, it } from 'vitest'
import { labelsIn, numbered } from '#testing/spec-labels.js'

it('every invariant and the fixture of the specification have a test of their name', () => {
  const folders = ['./', '../../diagnostics/'].map((path) => new URL(path, import.meta.url))
  const found = new Set(folders.flatMap((folder) => [...labelsIn(folder)]))
  expect(['F1', ...numbered('I', 24)].filter((label) => !found.has(label))).toEqual([])
})
