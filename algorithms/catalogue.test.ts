import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ZodType } from 'zod'
import { CATALOGUE, configCatalogue } from './catalogue.js'

const here = (path: string): URL => new URL(path, import.meta.url)
const namesOf = (entries: readonly { readonly name: string }[]): readonly string[] =>
  entries.map((entry) => entry.name).toSorted()

/** Plug-ins of a folder: its files less tests, its interface and what the plug-ins share. */
const plugIns = (folder: string, shared: readonly string[]): readonly string[] =>
  readdirSync(here(folder))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => file.replace(/\.ts$/, ''))
    .filter((name) => !shared.includes(name))
    .toSorted()

describe('the catalogue lists what the folders hold', () => {
  it.each([
    ['methods', CATALOGUE.methods],
    ['calibration', CATALOGUE.calibrations],
  ])('%s: one folder each, with a file and a test of that name', (kind, entries) => {
    const folders = readdirSync(here(`./${kind}`), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
    expect(folders.toSorted()).toEqual(namesOf(entries))
    for (const name of folders) {
      for (const file of [`${name}.ts`, `${name}.test.ts`]) {
        expect(existsSync(here(`./${kind}/${name}/${file}`)), `${name}/${file}`).toBe(true)
      }
    }
  })

  it('server optimizers', () => {
    expect(
      plugIns('./server-optimizers', ['server-optimizer', 'adaptive', 'moments', 'options']),
    ).toEqual(namesOf(CATALOGUE.serverOptimizers))
  })

  it('samplers', () => expect(plugIns('./samplers', [])).toEqual(namesOf(CATALOGUE.samplers)))

  it('aggregation rules', () => {
    const shared = ['aggregator', 'fixed-point', 'fold', 'gather', 'grid', 'validate']
    expect(plugIns('./aggregators', shared)).toEqual(namesOf(CATALOGUE.aggregators))
  })

  it('update transforms', () => {
    const shared = [
      'update-transform',
      'apply',
      'norm',
      'codes',
      'bit-packing',
      'packed',
      'reasons',
    ]
    expect(plugIns('./update-transforms', shared)).toEqual(namesOf(CATALOGUE.updateTransforms))
  })

  it('models and client optimizers: a file of that name', () => {
    for (const name of namesOf(CATALOGUE.models))
      expect(existsSync(here(`./models/${name}.ts`)), name).toBe(true)
    for (const name of namesOf(CATALOGUE.clientOptimizers)) {
      expect(existsSync(here(`./training/${name}.ts`)), name).toBe(true)
    }
  })
})

describe('every catalogue entry', () => {
  // Papers call some by several words: those are joined by hyphens. Names are also names of folders and of keys on the
  // command line, so there is nothing else in them.
  it('has a name of lower-case words with hyphens between them', () => {
    const kinds: (readonly { readonly name: string }[])[] = Object.values({ ...CATALOGUE })
    for (const name of kinds.flatMap(namesOf)) {
      expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
    }
  })

  it('opens with its idea, its paper, its rule, its symbols and what it costs', () => {
    const files = [
      ...CATALOGUE.methods.map(({ name }) => `./methods/${name}/${name}.ts`),
      ...CATALOGUE.calibrations.map(({ name }) => `./calibration/${name}/${name}.ts`),
      ...CATALOGUE.serverOptimizers.map(({ name }) => `./server-optimizers/${name}.ts`),
      ...CATALOGUE.aggregators.map(({ name }) => `./aggregators/${name}.ts`),
      ...CATALOGUE.samplers.map(({ name }) => `./samplers/${name}.ts`),
      ...CATALOGUE.updateTransforms.map(({ name }) => `./update-transforms/${name}.ts`),
    ]
    for (const file of files) {
      const header = readFileSync(here(file), 'utf8').split('*/')[0] ?? ''
      for (const word of ['Paper:', 'https://', 'Rule:', 'Symbols:', 'Costs:'])
        expect(header, file).toContain(word)
    }
  })

  it('gives the configuration a schema of its own options, with a default for each', () => {
    for (const schemas of Object.values(configCatalogue())) {
      for (const [name, schema] of Object.entries(schemas as Record<string, ZodType>)) {
        expect(schema.safeParse({}).success, name).toBe(true)
        expect(schema.safeParse({ noSuchOption: 1 }).success, name).toBe(false)
      }
    }
  })
})
