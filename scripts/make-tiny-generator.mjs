/**
 * Makes the small generator that comes with the product, for pictures of 16 × 16 strokes: trains it with the command that
 * everyone has, and writes it into a module. About 8,000 numbers and the hashes of 3,000 drawn digits.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt, ROOT, run } from './ready.mjs'

/** Digits of a seed that nobody else draws: row i of a seed is the same however many rows there are. */
const DATA = 'synthetic:stroke-digits:side=16:count=3000:seed=160160'
const OPTIONS = ['--epochs', '20', '--batch-size', '64', '--seed', '1', '--backend', 'wasm']

const directory = await mkdtemp(join(tmpdir(), 'tiny-generator-'))
try {
  ensureBuilt()
  const file = join(directory, 'tiny.bundle')
  const command = ['bin/tributary.js', 'audit', 'train-generator', '--data', DATA, '--out', file]
  const status = run(process.execPath, [...command, ...OPTIONS])
  if (status === 0) {
    const text = (await readFile(file)).toString('base64')
    const target = join(ROOT, 'algorithms/audit/generator/tiny/tiny-generator-data.ts')
    const words = '/** Made by scripts/make-tiny-generator.mjs: a bundle in base64. */\n'
    await writeFile(target, `${words}export const TINY_GENERATOR =\n  '${text}'\n`)
    process.stderr.write(`${target}: ${text.length} characters\n`)
  }
  process.exitCode = status
} finally {
  await rm(directory, { recursive: true, force: true })
}
