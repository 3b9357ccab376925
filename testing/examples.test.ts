import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const EXAMPLES = fileURLToPath(new URL('../docs/examples', import.meta.url))

describe('the examples of the library', () => {
  it.each(readdirSync(EXAMPLES))('%s runs to its end and prints a model hash', async (name) => {
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, [
      '--conditions=source',
      '--import',
      'tsx',
      `${EXAMPLES}/${name}`,
    ])
    expect(stdout).toMatch(/[0-9a-f]{64}/)
  })
})
