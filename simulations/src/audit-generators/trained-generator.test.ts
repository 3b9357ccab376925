import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { wholeDataset } from '#data/dataset.js'
import { openShare } from '#data/share.js'
import { generatorOptionsSchema } from '#algorithms/audit/generator/generator-options.js'
import { assertUnseen } from '#algorithms/audit/generator/record-hash.js'
import { openGenerator } from './open-generator.js'
import { describeShare, trainedGenerator, type GeneratorFile } from './trained-generator.js'

const SOURCE = { name: 'synthetic', path: 'stroke-digits:side=8:classes=3:count=120:seed=4' }
const SMALL = { epochs: 1, latentDim: 2, features: 4, hidden: 8, heldOut: 2 }
const requestOf = (changed: object = {}) => ({
  data: { ...SOURCE, share: [0, 0.5] as const },
  options: generatorOptionsSchema.parse({ ...SMALL, ...changed }),
  compute: { backend: 'wasm' as const, threads: 1 },
})

describe('a generator in the cache', () => {
  let directory: string
  let made: GeneratorFile
  const onStart = vi.fn()

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-cache-'))
    vi.stubEnv('XDG_CACHE_HOME', directory)
    made = await trainedGenerator(requestOf(), { onStart })
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await rm(directory, { recursive: true, force: true })
  })

  it('is made once, under its own hash', async () => {
    expect(made).toMatchObject({ isKept: false })
    expect(sha256(await readFile(made.path))).toBe(made.hash)
    expect(await trainedGenerator(requestOf(), { onStart })).toEqual({ ...made, isKept: true })
    expect(onStart).toHaveBeenCalledExactlyOnceWith(60)
  })

  it('is another one for other options, another part, other data', async () => {
    const other = await trainedGenerator(requestOf({ seed: 1 }))
    const part = await trainedGenerator({
      ...requestOf(),
      data: { ...SOURCE, share: [0.5, 1] as const },
    })
    expect(new Set([made.hash, other.hash, part.hash]).size).toBe(3)
    expect([other, part].every(({ isKept }) => !isKept)).toBe(true)
  })

  it('is made again when the file was damaged', async () => {
    await writeFile(made.path, 'damaged')
    expect(await trainedGenerator(requestOf())).toEqual(made)
    expect(sha256(await readFile(made.path))).toBe(made.hash)
  })

  it('is refused for records that it was trained on, and taken for those of another part', async () => {
    const generator = await openGenerator({ file: made.path })
    const rows = async (share: readonly [number, number]) =>
      wholeDataset(await openShare({ ...SOURCE, share }))
    const [own, others] = [await rows([0, 0.5]), await rows([0.5, 1])]
    expect(() => assertUnseen(generator!, others)).not.toThrow()
    expect(() => assertUnseen(generator!, own)).toThrow(
      expect.objectContaining({ code: 'audit/record-known' }),
    )
    generator?.dispose()
  })

  it('is not made when its maker is interrupted', async () => {
    const signal = AbortSignal.abort()
    await expect(trainedGenerator(requestOf({ seed: 2 }), { signal })).rejects.toMatchObject({
      code: 'pretrain/interrupted',
    })
  })

  it('says which data it was trained on, without the path of files', () => {
    expect(made.trainedOn).toBe(
      'synthetic:stroke-digits:side=8:classes=3:count=120:seed=4, 0–50 % of the shuffled training split, 58 pictures',
    )
    const files = { name: 'images', path: '/home/someone/photos', limit: 50 }
    expect(describeShare({ ...files, share: [0.5, 1] })).toBe(
      'images, 50–100 % of the shuffled training split, of the first 50 rows',
    )
  })
})
