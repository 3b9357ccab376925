import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { overClients } from '#algorithms/evaluation/over-clients.js'
import type { CellResult } from './cell-result.js'
import { readCellResult, writeCellResult } from './results-directory.js'
import { writeResults } from './results-page.js'
import { isShare, tableText, valueText } from './table-text.js'
import { studyTables, type Compared } from './table.js'

const root = await mkdtemp(join(tmpdir(), 'tributary-client-table-'))
afterAll(() => rm(root, { recursive: true, force: true }))

const cell = (
  variant: string,
  seed: number,
  accuracies: readonly number[],
  more: Record<string, number> = {},
): CellResult => {
  const over = Object.entries({ ...overClients(accuracies)!, singleClass: 0, ...more })
  return {
    ...{ format: 1, study: 's', setting: 'reference', variant, seed, version: '1' },
    ...{ configHash: 'c'.repeat(64) as never, modelHash: null, measure: 'clients/accuracy' },
    metrics: {
      ...Object.fromEntries(over.map(([name, value]) => [`clients/${name}`, value])),
      ...{ 'federated/lowestAccuracy': 0, 'federated/highestAccuracy': 1 },
    },
    curve: { '0': 0.1, '1': 0.5 },
    clients: accuracies.map((accuracy, slot) => ({ slot, accuracy, examples: 8 })),
    engine: { backend: 'wasm', version: 'tfjs', threads: 1 },
    ...{ rounds: 2, bytesUp: 1000, bytesDown: 3000, seconds: 4 },
  }
}
const variants = [
  { name: 'fedd2s', overrides: {} },
  { name: 'alone', overrides: { method: { name: 'local-only' } } },
  { name: 'shallow', overrides: { method: { droppingSet: ['a'] } } },
]
const STUDY: Compared = { base: 'fedd2s', baseline: 'alone', variants }
const alone = [cell('alone', 0, [0.5, 0.5, 0.5]), cell('alone', 1, [0.75, 0.25, 0.5])]
const textOf = (results: readonly CellResult[], study = STUDY) =>
  tableText(studyTables(results, study)[0]!)
const HEAD = ['deviation between clients', 'worst client', 'worst 10 %']

describe('the table of a study about clients', () => {
  it('tells how evenly they are served and how many beat training alone, seed by seed and slot by slot', () => {
    const { head, rows } = textOf([
      cell('fedd2s', 0, [0.75, 0.5, 0.25]),
      cell('fedd2s', 1, [1, 0.5, 0.5]),
      ...alone,
    ])
    expect(head).toEqual([
      ...['variant', 'mean over clients', 'gain over alone', ...HEAD, 'beat local training'],
      ...['seeds', 'up', 'down', 'seconds'],
    ])
    // Seed 0: one of three wins, one is equal; seed 1: 1 > 0.75 and 0.5 > 0.25, 0.5 is equal. A half of a third and two.
    const deviation = (Math.sqrt(0.125 / 3) + Math.sqrt(1 / 18)) / 2
    expect(rows[0]?.slice(3, 7)).toEqual([
      ...[`${(100 * deviation).toFixed(2)} %`, '37.50 %', '37.50 %', '50.00 %'],
    ])
    // 0.5 and 2/3, spread over seeds (1/6) / √2.
    expect(rows[0]?.[1]).toBe('58.33 % ± 11.79 %')
    expect(rows[1]?.[6]).toBe('–')
  })

  it('knows local training by its method, and compares with nothing where there is none', () => {
    const { beatsLocal } = studyTables([cell('fedd2s', 0, [1, 1, 1]), ...alone], STUDY)[0]!.rows[0]!
      .clients!
    expect(beatsLocal).toBe(1)
    const without = [
      textOf([cell('fedd2s', 0, [1, 1, 1])]),
      textOf([cell('fedd2s', 0, [1, 1, 1]), ...alone], { base: 'fedd2s', baseline: 'alone' }),
      // Of another seed.
      textOf([cell('fedd2s', 7, [1, 1, 1]), ...alone]),
    ]
    for (const { head } of without) expect(head).not.toContain('beat local training')
    const base = { base: 'local-only', baseline: null, variants: [] }
    const named = (name: string, overrides: object = {}) => ({ name, overrides: { ...overrides } })
    const { head, rows } = textOf(
      [cell('fedavg', 0, [1, 0.5, 0.5]), cell('local-only', 0, [0.5, 0.5, 0.5])],
      {
        ...base,
        variants: [named('local-only'), named('fedavg', { method: { name: 'fedavg' } })],
      },
    )
    expect(rows[0]?.[head.indexOf('beat local training')]).toBe('33.33 %')
  })

  it('has the mean without clients of one class, and over those with a model, where that differs', () => {
    const more = {
      ...{ singleClass: 1, 'severalClasses/accuracy': 0.5 },
      ...{ trained: 2, 'trained/accuracy': 0.875 },
    }
    const { head, rows } = textOf([cell('fedd2s', 0, [1, 0.5, 0.5], more), cell('fedavg', 0, [1])])
    const at = head.indexOf('worst 10 %') + 1
    expect(head.slice(at, at + 2)).toEqual([
      ...['mean without clients of one class', 'mean over clients with own model'],
    ])
    expect(rows.map((row) => row.slice(at, at + 2))).toEqual([
      ['50.00 %', '87.50 %'],
      ['–', '–'],
    ])
    const { head: plain } = textOf([
      cell('fedd2s', 0, [1], { ...more, singleClass: 0, trained: 1 }),
    ])
    expect(plain.join()).not.toMatch(/one class|own model/)
  })

  it('by another measure over clients still has their mean', () => {
    const results = [{ ...cell('fedd2s', 0, [1, 0.5]), measure: 'clients/deviation' }]
    const { head, rows } = textOf(results)
    expect(head.slice(0, 3)).toEqual(['variant', 'clients/deviation', 'mean over clients'])
    expect(rows[0]?.slice(1, 3)).toEqual(['25.00 % ± –', '75.00 % ± –'])
    for (const name of ['deviation', 'worst', 'worst10', 'trained/accuracy'])
      expect(isShare(`clients/${name}`)).toBe(true)
    expect(valueText('clients/jain', 0.9)).toBe('0.9000')
  })
})

describe('the results of a study about clients', () => {
  const page = (results: readonly CellResult[]) => ({
    study: { name: 's', measure: null, seeds: [0, 1], settings: [], ...STUDY, variants },
    results,
    machine: { version: '1', commit: null, cpu: 'cpu', cores: 2, node: 'v20', load: 0 },
    command: 'tributary simulate s',
  })
  it('have a picture of every client, and say how to read it', async () => {
    const directory = join(root, 'clients')
    const results = [cell('fedd2s', 0, [0.75, 0.5, 0.25]), ...alone]
    await writeResults(directory, page(results))
    expect(await readdir(directory)).toContain('clients-reference.svg')
    const picture = await readFile(join(directory, 'clients-reference.svg'), 'utf8')
    for (const word of ['fedd2s', 'alone', 'accuracy of a client']) expect(picture).toContain(word)
    const text = await readFile(join(directory, 'README.md'), 'utf8')
    expect(text).toContain('(clients-reference.svg)')
    expect(text).toContain('*Beat local training* is the share')
  })

  it('about other measures have none, whatever is known of clients', async () => {
    const directory = join(root, 'others')
    const other = { ...cell('fedd2s', 0, [0.75]), measure: 'federated/accuracy' }
    await writeResults(directory, page([other]))
    expect(await readdir(directory)).not.toContain('clients-reference.svg')
    const text = await readFile(join(directory, 'README.md'), 'utf8')
    expect(text).not.toMatch(/counts once|clients-reference/)
    const { clients: _, ...bare } = cell('fedd2s', 0, [0.75])
    await writeResults(directory, page([bare]))
    expect(await readdir(directory)).not.toContain('clients-reference.svg')
  })

  it('keep a line for each client, and read it back', async () => {
    const result = cell('fedd2s', 0, [0.75, 0.1 + 0.2])
    await writeCellResult(root, result)
    const path = join(root, 'cells', 'reference--fedd2s--0.json')
    const lines = (await readFile(path, 'utf8')).split('\n')
    expect(lines).toContain('    { "slot": 0, "accuracy": 0.75, "examples": 8 },')
    const config = {} as never
    const place = { setting: 'reference', variant: 'fedd2s', seed: 0, startsFrom: null, config }
    expect(await readCellResult(root, place)).toEqual(result)
  })
})
