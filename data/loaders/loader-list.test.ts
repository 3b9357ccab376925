import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  findLoader,
  formatDataSource,
  loadDataset,
  LOADERS,
  openSource,
  parseDataSource,
  publicSourceName,
} from './loader-list.js'

describe('the list of loaders', () => {
  it('holds every file of the folder, by name', () => {
    const files = readdirSync(new URL('.', import.meta.url))
      .filter(
        (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('loader'),
      )
      .map((name) => name.replace('.ts', ''))
    expect(LOADERS.map((loader) => loader.name).sort()).toEqual(files.sort())
  })

  it('names what there is when a name is unknown', () => {
    expect(() => findLoader('mnits')).toThrow(/"mnits".* mnist, fashion-mnist, cifar10:DIRECTORY/)
  })
})

describe('sources', () => {
  it.each(['mnist', 'idx:some/where', 'csv:C:\\data\\table.csv:label=kind'])(
    'read %s and write it again',
    (text) => {
      expect(formatDataSource(parseDataSource(text))).toBe(text)
    },
  )

  it.each([
    ['images:/home/someone/photos:size=32', 'images'],
    ['synthetic:stroke-digits:seed=4', 'synthetic:stroke-digits:seed=4'],
    ['mnist', 'mnist'],
  ])('name %s without the path of files', (text, name) => {
    expect(publicSourceName(parseDataSource(text))).toBe(name)
  })

  it('split at the first colon', () => {
    expect(parseDataSource('csv:a:b:label=y')).toEqual({ name: 'csv', path: 'a:b:label=y' })
  })

  it.each([
    ['mnist:somewhere', /Expected mnist, got mnist:somewhere/],
    ['mnist:seed=1', /Cannot use seed=1 here; expected mnist/],
    ['idx', /Expected idx:DIRECTORY/],
    ['idx:', /Expected idx:DIRECTORY/],
    ['synthetic:count=3:count=4', /Cannot use count=3/],
  ])('refuse %s', async (text, message) => {
    await expect(openSource(parseDataSource(text))).rejects.toMatchObject({
      code: 'usage/bad-value',
    })
    await expect(openSource(parseDataSource(text))).rejects.toThrow(message)
  })

  it('keep colons that belong to the path', async () => {
    const opening = openSource({ name: 'csv', path: 'C:\\none\\t.csv:label=y' })
    await expect(opening).rejects.toThrow(/^C:\\none\\t\.csv: expected a CSV file/)
  })

  it.each([0, -1, 2.5, Number.NaN])('refuse the limit %s', async (limit) => {
    await expect(loadDataset({ name: 'synthetic', limit })).rejects.toThrow(/limit of at least 1/)
  })

  it('are moved into domains, at random whatever the mode, for they are no client’s', async () => {
    const source = { name: 'synthetic', path: 'count=40' }
    const load = (mode: string) =>
      loadDataset({ ...source, shift: `${mode}:none,scale=-1:seed=3`, split: 'test' })
    const mixed = await load('mixed')
    expect(mixed.domains?.names).toEqual(['none', 'scale=-1'])
    expect(new Set(mixed.domains?.of)).toEqual(new Set([0, 1]))
    expect(await load('split')).toEqual(mixed)
    expect(await load('skewed=0.1')).toEqual(mixed)
    const plain = await loadDataset({ ...source, split: 'test' })
    expect(plain.domains).toBeUndefined()
    const sign = (i: number): number => (mixed.domains?.of[Math.floor(i / 20)] === 1 ? -1 : 1)
    expect(mixed.features).toEqual(plain.features.map((value, i) => sign(i) * value))
  })

  it.each(LOADERS.map((loader) => [loader.name, loader] as const))(
    'describe %s with its own name',
    (name, loader) => {
      expect(loader.usage.split(/[:[]/)[0]).toBe(name)
      for (const option of loader.options) expect(loader.usage).toContain(`:${option}=`)
    },
  )
})
