import { expect, it } from 'vitest'
import { labelsIn, numbered } from '#testing/spec-labels.js'

/** Where tests of the specification lie: of the method, of the programs around it, of the coordinator and of whole runs. */
const FOLDERS = [
  ...['./', '../../programs/', '../../../testing/e2e/', '../../../coordinator/src/fleet/'],
  ...['../../../coordinator/src/', '../../../simulations/src/'],
].map((path) => new URL(path, import.meta.url))

it('every invariant (§15) and every degenerate case (§12) has a test of its name', () => {
  const found = new Set(FOLDERS.flatMap((folder) => [...labelsIn(folder)]))
  const wanted = [...numbered('I', 27), ...numbered('D', 17)]
  expect(wanted.filter((label) => !found.has(label))).toEqual([])
})
