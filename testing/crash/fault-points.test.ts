import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  AUDIT_FAULT_POINTS,
  CLIENT_FAULT_POINTS,
  COORDINATOR_FAULT_POINTS,
} from '#protocol/fault-points.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Names of the fault points that the sources of a folder pass. */
async function passedIn(folder: string): Promise<readonly string[]> {
  const files = await readdir(join(ROOT, folder), { recursive: true })
  const sources = files.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  const texts = await Promise.all(sources.map((name) => readFile(join(ROOT, folder, name), 'utf8')))
  const names = texts.flatMap((text) => [...text.matchAll(/\bfaultPoint\(\s*'([^']+)'/g)])
  return [...new Set(names.map(([, name = '']) => name))].sort()
}

describe('the fault points', () => {
  it('are passed by the code of their side, and no others are', async () => {
    expect(await passedIn('coordinator')).toEqual(
      [...COORDINATOR_FAULT_POINTS, ...AUDIT_FAULT_POINTS].sort(),
    )
    expect(await passedIn('client')).toEqual([...CLIENT_FAULT_POINTS].sort())
    for (const folder of ['protocol', 'data', 'algorithms', 'simulations', 'cli'])
      expect(await passedIn(folder)).toEqual([])
  })

  it('are in the table of docs/reliability.md, in their order', async () => {
    const page = await readFile(join(ROOT, 'docs/reliability.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `([a-z]+\.[a-z_]+)` +\|/gm)].map(([, name]) => name)
    expect(rows).toEqual([
      ...COORDINATOR_FAULT_POINTS,
      ...CLIENT_FAULT_POINTS,
      ...AUDIT_FAULT_POINTS,
    ])
  })
})
