import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { MUTANTS } from './mutants.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** The threats whose tests the reliability specification wants to see fail without their controls. */
const REQUIRED = ['T1', 'T4', 'T5', 'T6', 'T7', 'T8', 'T9', 'T16', 'T17', 'T18', 'T22']

interface Outcome {
  readonly threat: string
  readonly failed: readonly string[]
  readonly errors: readonly string[]
}

describe('the tests of threats', () => {
  it('all fail when the control is taken away', async ({ task }) => {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-mutants-'))
    const out = join(directory, 'outcome.json')
    const args = [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--config',
      'testing/security/mutants.config.ts',
    ]
    const env = { ...process.env, TRIBUTARY_MUTANTS_OUT: out }
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'ignore' })
    await once(child, 'exit')
    const outcomes = JSON.parse(await readFile(out, 'utf8')) as readonly Outcome[]
    await rm(directory, { recursive: true })
    for (const { threat } of MUTANTS) {
      const own = outcomes.find((outcome) => outcome.threat === threat)
      const shown = own?.failed.some((name) => name.includes(`SEC-${threat}:`)) ?? false
      expect([threat, shown, own?.errors]).toEqual([threat, true, []])
    }
    Object.assign(task.meta, { controls: MUTANTS.length })
  }, 600_000)
  it('are all among those that are tried without', () => {
    const tried = new Set(MUTANTS.map(({ threat }) => threat))
    expect(REQUIRED.filter((threat) => !tried.has(threat))).toEqual([])
  })
  it('need no switch: the product can take none of its controls away', async () => {
    const files = await readdir(root, { recursive: true })
    const sources = files.filter(
      (name) =>
        /^(protocol|data|algorithms|coordinator|client|simulations|cli)\/.*\.ts$/.test(name) &&
        !name.endsWith('.test.ts'),
    )
    expect(sources.length).toBeGreaterThan(300)
    for (const name of sources)
      expect([
        name,
        /TRIBUTARY_(MUTANT|DISABLE|SKIP|UNSAFE)|withoutControl/.test(
          await readFile(join(root, name), 'utf8'),
        ),
      ]).toEqual([name, false])
  })
})
