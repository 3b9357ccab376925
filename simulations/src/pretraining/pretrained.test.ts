import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { parsePretrainOptions, type PretrainOptions } from '#protocol/pretrain-options.js'
import { unwrap } from '#protocol/result.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { readModelFile } from '#algorithms/model-file.js'
import { pretrainInChild } from './pretrain-child.js'
import { pretrainHere } from './pretrain-here.js'
import { pretrained, type PretrainedFile } from './pretrained.js'

const optionsOf = (input: object = {}): PretrainOptions =>
  unwrap(
    parsePretrainOptions(
      {
        data: { name: 'synthetic', path: 'blobs:count=60:classes=3:features=4' },
        model: { name: 'mlp', hidden: [5] },
        epochs: 2,
        batchSize: 8,
        keys: 2,
        compute: { backend: 'wasm' },
        ...input,
      },
      configCatalogue(),
    ),
  )

describe('a pre-trained bundle', () => {
  let directory: string
  let made: PretrainedFile
  const epochs: number[] = []
  const started = vi.fn()

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-cache-'))
    vi.stubEnv('XDG_CACHE_HOME', directory)
    made = await pretrained(optionsOf(), {
      train: pretrainHere,
      onStart: started,
      onEpoch: ({ epoch }) => epochs.push(epoch),
    })
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await rm(directory, { recursive: true, force: true })
  })

  it('is made in the cache, under its own hash', async () => {
    expect(made.isKept).toBe(false)
    expect(epochs).toEqual([1, 2])
    expect(started).toHaveBeenCalledExactlyOnceWith(optionsOf())
    const bytes = await readFile(made.path)
    expect(sha256(bytes)).toBe(made.hash)
    expect(made.path).toBe(join(directory, 'tributary', 'bundles', `${made.hash}.bundle`))
    expect(readModelFile(bytes).model.name).toBe('mlp')
  })

  it('is found again under its options, with its accuracy', async () => {
    const again = await pretrained(optionsOf(), { onStart: started })
    expect(again).toEqual({ ...made, isKept: true })
    expect(started).toHaveBeenCalledOnce()
  })

  it('is made again, to the same bytes, when its file was damaged', async () => {
    await writeFile(made.path, 'something else')
    expect(await pretrained(optionsOf(), { train: pretrainHere })).toEqual(made)
    expect(sha256(await readFile(made.path))).toBe(made.hash)
  })

  it('is another one for other data under the same name', async () => {
    const path = join(directory, 'table.csv')
    const rows = (label: (row: number) => string): string =>
      Array.from({ length: 20 }, (_, row) => `${row},${label(row)}\n`).join('')
    const data = { name: 'csv', path: `${path}:label=kind` }
    await writeFile(path, `size,kind\n${rows((row) => (row < 10 ? 'a' : 'b'))}`)
    const before = await pretrained(optionsOf({ data, epochs: 1 }), { train: pretrainHere })
    await writeFile(path, `size,kind\n${rows((row) => (row < 5 ? 'a' : 'b'))}`)
    const after = await pretrained(optionsOf({ data, epochs: 1 }), { train: pretrainHere })
    expect(after.isKept).toBe(false)
    expect(after.hash).not.toBe(before.hash)
  })

  it('is made in a process of its own, which tells of every epoch', async () => {
    const told: number[] = []
    const { bytes } = await pretrainInChild(optionsOf(), {
      onEpoch: ({ epoch }) => told.push(epoch),
    })
    expect(sha256(bytes)).toBe(made.hash)
    expect(told).toEqual([1, 2])
  })

  it('fails with the error of what failed there', async () => {
    const data = { name: 'idx', path: join(directory, 'nowhere') }
    await expect(pretrainInChild(optionsOf({ data }))).rejects.toMatchObject({
      code: 'data/not-found',
    })
  })

  it('is not made when it is interrupted', async () => {
    const abort = new AbortController()
    const interrupted = pretrainInChild(optionsOf({ epochs: 10_000 }), {
      signal: abort.signal,
      onEpoch: () => abort.abort(),
    })
    await expect(interrupted).rejects.toMatchObject({ code: 'pretrain/interrupted' })
    await expect(
      pretrainInChild(optionsOf({ epochs: 10_000 }), { signal: abort.signal }),
    ).rejects.toMatchObject({ code: 'pretrain/interrupted' })
  })
})
