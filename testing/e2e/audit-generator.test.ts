import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { endAll, temporaryDirectory, tributary, type Finished } from './harness.js'

const DIGITS = 'synthetic:stroke-digits:side=8:classes=3:count=400:seed=4'

describe('audit train-generator', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let made: Finished
  const train = (...more: readonly string[]): Promise<Finished> =>
    tributary(['audit', 'train-generator', ...more], {
      cwd: directory.path,
      env: { XDG_CACHE_HOME: join(directory.path, 'cache') },
    })
  const small = ['--data', DIGITS, '--share', '0,0.5', '--epochs', '3', '--held-out', '4'] as const
  const wasm = ['--latent', '4', '--features', '6', '--backend', 'wasm'] as const

  beforeAll(async () => {
    directory = await temporaryDirectory()
    made = await train(...small, ...wasm)
  })
  afterAll(async () => {
    await endAll()
    await directory.remove()
  })

  it('writes a generator, tells its progress and how good it is', async () => {
    expect(made.errorText).toBe('')
    expect(made.status).toBe(0)
    expect(made.result).toMatchObject({
      event: 'audit:train-generator:finished',
      file: 'generator.bundle',
      isKept: false,
      trainedOn: expect.stringContaining('0–50 % of the shuffled training split') as unknown,
    })
    const { projection } = made.result as unknown as { projection: Record<string, number> }
    expect(projection['stages']).toBeGreaterThan(projection['latent']!)
    const phases = made.lines.flatMap(({ event, phase }) =>
      event === 'generator:progress' ? [phase] : [],
    )
    expect(new Set(phases)).toEqual(new Set(['training', 'measuring']))
    const bytes = await readFile(join(directory.path, 'generator.bundle'))
    expect(sha256(bytes)).toBe(made.result['hash'])
  })

  it('takes it from the cache the second time, wherever it is to go', async () => {
    const again = await train(...small, ...wasm, '--out', 'again.bundle')
    expect(again.result).toMatchObject({ hash: made.result['hash'], isKept: true })
    const other = await train(...small, ...wasm, '--unconditional')
    expect(other.result).toMatchObject({ isKept: false })
    expect(other.result['hash']).not.toBe(made.result['hash'])
  })

  it.each([
    ['a share that is none', ['--data', DIGITS, '--share', '0.5,0.2'], 'usage/bad-value'],
    ['data that are no pictures', ['--data', 'synthetic:blobs'], 'model/does-not-fit'],
    ['too few pictures', ['--data', DIGITS, '--limit', '20'], 'config/impossible'],
    ['an unknown backend', ['--data', DIGITS, '--backend', 'abacus'], 'usage/bad-value'],
    ['no place to write', [...small, ...wasm, '--out', 'nowhere/g.bundle'], 'usage/bad-value'],
  ])('refuses %s', async (_what, args, code) => {
    const refused = await train(...args)
    expect(refused).toMatchObject({ status: 2, result: { event: 'error', code } })
  })
})
