import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { countLabels } from '#data/dataset.js'
import {
  describePartition,
  parsePartition,
  parseShard,
  partition,
  PARTITIONERS,
} from './partitioner-list.js'

const SPECS = [
  'iid',
  'dirichlet:0.5',
  'dirichlet:0.01',
  'label-skew:0.5',
  'label-skew:0.01:max=25',
  'shards:2',
  'pathological:2',
  'quantity:0.5',
  'quantity:0.01',
]

/** Labels in a random order, some classes perhaps absent, and enough rows for two shards each. */
const cases = fc
  .record({
    spec: fc.constantFrom(...SPECS),
    seed: fc.nat(1000),
    classes: fc.integer({ min: 2, max: 6 }),
    clients: fc.integer({ min: 1, max: 8 }),
    rows: fc.integer({ min: 16, max: 200 }),
  })
  .map(({ spec, seed, classes, clients, rows }) => {
    const stream = createStreams(seed)('test-labels', 0, 0)
    const labels = Int32Array.from({ length: rows }, () => stream.integer(classes))
    return { spec: `${spec}:seed=${seed}`, labels, classes, clients }
  })
  // Everyone as many rows as the specification says.
  .filter(
    ({ spec, labels, clients }) =>
      !spec.startsWith('label-skew') || labels.length >= clients * (spec.includes('max') ? 25 : 11),
  )
  // Exactly two classes for everyone: that takes enough clients for all classes and enough rows of each class.
  .filter(
    ({ spec, labels, classes, clients }) =>
      !spec.startsWith('pathological') ||
      (2 * clients >= classes && countLabels(labels, classes).every((count) => count >= clients)),
  )

describe('the list of partitioners', () => {
  it('holds a file of the folder for every name', () => {
    const files = readdirSync(new URL('.', import.meta.url))
    for (const { name } of PARTITIONERS) expect(files).toContain(`${name}.ts`)
    const catalogued = PARTITIONERS.map((one) => `${one.name}.ts`)
    const parts = [
      'at-least.ts',
      'by-class.ts',
      'cut.ts',
      'gamma.ts',
      'partitioner.ts',
      'partitioner-list.ts',
    ]
    expect(files.filter((name) => !name.endsWith('.test.ts')).sort()).toEqual(
      [...catalogued, ...parts].sort(),
    )
  })
})

describe('every partition', () => {
  it('gives each row to one client (or to none, where it says so), and each client its rows in ascending order', () => {
    fc.assert(
      fc.property(cases, ({ spec, labels, classes, clients }) => {
        const parts = partition(spec, labels, { classes, clients })
        expect(parts).toHaveLength(clients)
        const rows = parts.flatMap((part) => [...part]).sort((a, b) => a - b)
        const { leavesRows = false } = parsePartition(spec).partitioner
        const owned = leavesRows ? [...new Set(rows)] : [...labels.keys()]
        expect(rows).toEqual(owned)
        expect(rows.every((row) => row >= 0 && row < labels.length)).toBe(true)
        for (const part of parts) expect([...part]).toEqual([...part].sort((a, b) => a - b))
      }),
    )
  })

  it('gives everyone at least one row', () => {
    fc.assert(
      fc.property(cases, ({ spec, labels, classes, clients }) => {
        for (const part of partition(spec, labels, { classes, clients }))
          expect(part.length).toBeGreaterThan(0)
      }),
    )
  })

  it('is a function of its arguments, whatever was partitioned before', () => {
    fc.assert(
      fc.property(cases, cases, (one, other) => {
        const first = partition(one.spec, one.labels, one)
        partition(other.spec, other.labels, other)
        expect(partition(one.spec, one.labels.slice(), one)).toEqual(first)
      }),
    )
  })

  it.each(SPECS)('changes with the seed: %s', (spec) => {
    const labels = Int32Array.from({ length: 200 }, (_, i) => i % 5)
    const of = (seed: number) =>
      partition(`${spec}:seed=${seed}`, labels, { classes: 5, clients: 4 })
    expect(of(1)).not.toEqual(of(2))
  })

  it('leaves the labels alone', () => {
    const labels = Int32Array.from({ length: 100 }, (_, i) => (i * 7) % 5)
    const before = labels.slice()
    for (const spec of SPECS) partition(spec, labels, { classes: 5, clients: 4 })
    expect(labels).toEqual(before)
  })
})

describe('a specification', () => {
  it('is read with min 1 and seed 0 where it does not say', () => {
    expect(parsePartition('iid')).toMatchObject({
      ...{ parameter: Number.NaN, min: 1, max: Infinity, seed: 0 },
    })
    expect(parsePartition('label-skew:0.1')).toMatchObject({ min: 11, max: Infinity, seed: 0 })
    expect(parsePartition('label-skew:0.1:max=40:min=20:seed=2')).toMatchObject({
      ...{ parameter: 0.1, min: 20, max: 40, seed: 2 },
    })
    expect(parsePartition('dirichlet:0.5:min=10:seed=7')).toMatchObject({
      parameter: 0.5,
      min: 10,
      seed: 7,
    })
    expect(parsePartition('quantity:2:seed=3:min=4')).toMatchObject({
      parameter: 2,
      min: 4,
      seed: 3,
    })
  })

  it('names all partitions when the name is unknown', () => {
    expect(() => parsePartition('dirichelt:0.5')).toThrow(
      /"dirichelt".*iid\[.*dirichlet:ALPHA.*label-skew:ALPHA.*shards:S.*pathological:C.*quantity:BETA/,
    )
  })

  it.each([
    'dirichlet',
    'dirichlet:',
    'dirichlet:0',
    'dirichlet:-1',
    'dirichlet:x',
    'dirichlet:Infinity',
    'dirichlet:seed=1',
    'dirichlet:1:max=9',
    'label-skew',
    'label-skew:0',
    'label-skew:1:min=10',
    'label-skew:1:max=10',
    'label-skew:1:min=30:max=20',
    'shards:1.5',
    'shards:0',
    'shards:2:min=3',
    'pathological',
    'pathological:0.5',
    'pathological:2:min=1',
    'iid:0.5',
    'iid:seed',
    'iid:seed=',
    'iid:seed=-1',
    'iid:seed=1:seed=2',
    'iid:sead=1',
    '',
  ])('is refused: %s', (spec) => {
    expect(() => parsePartition(spec)).toThrow(
      expect.objectContaining({ code: 'data/bad-partition' }),
    )
  })

  it('says how it should look', () => {
    expect(() => parsePartition('shards:two')).toThrow(
      /shards needs a whole number .* as S: shards:S\[:seed=N\]/,
    )
  })

  it('is refused for too few rows', () => {
    const labels = new Int32Array(10)
    expect(() => partition('shards:3', labels, { classes: 2, clients: 4 })).toThrow(
      /needs 12 rows, the data have 10/,
    )
    expect(() => partition('dirichlet:1:min=6', labels, { classes: 2, clients: 2 })).toThrow(
      /needs 12 rows/,
    )
    expect(() => partition('label-skew:1', labels, { classes: 2, clients: 1 })).toThrow(
      /needs 11 rows/,
    )
    expect(() => partition('label-skew:1:max=50', labels, { classes: 2, clients: 2 })).toThrow(
      /needs 100 rows/,
    )
    expect(() => partition('iid', labels, { classes: 2, clients: 11 })).toThrow(/needs 11 rows/)
    expect(() => partition('iid', labels, { classes: 2, clients: 0 })).toThrow(/at least 1 client/)
  })
})

describe('a shard', () => {
  it('counts from 1 and is kept from 0', () => {
    expect(parseShard('2/4')).toEqual({ index: 1, clients: 4 })
    expect(parseShard('1/1')).toEqual({ index: 0, clients: 1 })
  })

  it.each(['0/4', '5/4', '1/0', '-1/4', '1', '1/', '/4', '1.5/4', 'a/b', '1/4/2', ''])(
    'is refused: %s',
    (text) => {
      expect(() => parseShard(text)).toThrow(/expected I\/N/)
    },
  )
})

describe('describePartition', () => {
  it('counts the classes of every client', () => {
    const labels = Int32Array.of(0, 1, 1, 2, 0)
    expect(describePartition([Int32Array.of(0, 1, 2), Int32Array.of(3, 4)], labels, 4)).toEqual([
      { total: 3, perClass: [1, 2, 0, 0] },
      { total: 2, perClass: [1, 0, 1, 0] },
    ])
  })
})
