import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dataCardSchema } from '#protocol/data-card.js'
import { idxBytes, temporaryDirectory } from '#testing/data-fixtures.js'
import { clientData, openAllClients, openClientData } from './client-data.js'
import { rowSize, takeRows, type Dataset, type Examples } from './dataset.js'
import { loadDataset } from './loaders/loader-list.js'

const { file, path } = temporaryDirectory()

/** Ten rows of one value each, equal to ten times the row. */
const TEN: Dataset = {
  name: 'ten',
  inputShape: [1],
  classes: ['even', 'odd'],
  count: 10,
  features: Float32Array.from({ length: 10 }, (_, i) => 10 * i),
  labels: Int32Array.from({ length: 10 }, (_, i) => i % 2),
}
const share = {
  dataset: TEN,
  indices: Int32Array.of(1, 2, 5, 7, 8),
  testFraction: 0.4,
  seed: 3,
  slot: 0,
  source: null,
}

/** The rows themselves: features, label and domain of each. */
function rowsOf({ source, indices }: Examples): number[][] {
  const size = rowSize(source.inputShape)
  return [...indices].map((row) => [
    ...source.features.subarray(row * size, (row + 1) * size),
    source.labels[row]!,
    source.domains?.of[row] ?? -1,
  ])
}

describe('clientData', () => {
  it('keeps floor(rows × fraction) for testing and every row once', () => {
    const { train, test } = clientData(share)
    expect(test.indices).toHaveLength(2)
    expect([...train.indices, ...test.indices].sort((a, b) => a - b)).toEqual([1, 2, 5, 7, 8])
  })

  it('may keep nothing for testing, but always something for training', () => {
    expect(clientData({ ...share, testFraction: 0 }).test.indices).toHaveLength(0)
    const one = clientData({ ...share, indices: Int32Array.of(4), testFraction: 0.9 })
    expect([...one.train.indices]).toEqual([4])
  })

  it('splits otherwise for another seed or slot', () => {
    const indices = Int32Array.from({ length: 10 }, (_, i) => i)
    const test = (seed: number, slot: number) =>
      clientData({ ...share, indices, testFraction: 0.5, seed, slot }).test.indices
    expect(test(3, 0)).toEqual(test(3, 0))
    expect(test(3, 0)).not.toEqual(test(4, 0))
    expect(test(3, 0)).not.toEqual(test(3, 1))
  })

  it.each([-0.1, 0.95, Number.NaN])('refuses the test fraction %s', (testFraction) => {
    expect(() => clientData({ ...share, testFraction })).toThrow(/test fraction from 0 to 0.9/)
  })

  it('states counts only when it may', () => {
    expect(clientData(share).card).toEqual({ inputShape: [1], classes: ['even', 'odd'] })
    const { card } = clientData({ ...share, shareCounts: true })
    // Rows 2 and 8 are even; 1, 5 and 7 odd.
    expect(card.counts).toEqual({ train: 3, test: 2, perClass: [2, 3] })
    expect(dataCardSchema.parse(card)).toEqual(card)
  })
})

describe('a node and a simulation', () => {
  const specs = fc.constantFrom('iid', 'dirichlet:0.5', 'shards:2', 'quantity:1')
  const modes = fc.constantFrom('mixed', 'split', 'skewed=0.5')
  const DOMAINS = 'none,invert+scale=2,noise=0.5'
  const requests = fc.record({
    data: fc.constantFrom('synthetic:count=60', 'synthetic:digits:side=8:count=50'),
    partition: fc.tuple(specs, fc.nat(50)).map(([spec, seed]) => `${spec}:seed=${seed}`),
    clients: fc.integer({ min: 1, max: 5 }),
    testFraction: fc.constantFrom(0, 0.2, 0.5),
    limit: fc.constantFrom(20, 37, undefined),
    shift: fc.option(
      fc.tuple(modes, fc.nat(50)).map(([mode, seed]) => `${mode}:${DOMAINS}:seed=${seed}`),
      { nil: undefined },
    ),
    shareCounts: fc.boolean(),
  })

  it('hold the same rows in the same order, and the same card, for the same words', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async ({ clients, limit, shift, ...rest }) => {
        const request = {
          ...rest,
          ...(limit === undefined ? {} : { limit }),
          ...(shift === undefined ? {} : { shift }),
        }
        const all = await openAllClients({ ...request, clients })
        for (const [slot, simulated] of all.entries()) {
          const node = await openClientData({ ...request, shard: `${slot + 1}/${clients}` })
          expect(rowsOf(node.train)).toEqual(rowsOf(simulated.train))
          expect(rowsOf(node.test)).toEqual(rowsOf(simulated.test))
          expect(node.card).toEqual(simulated.card)
          expect(node.card.source?.shift).toBe(shift)
          expect(node.train.source.domains?.names).toEqual(
            shift === undefined ? undefined : DOMAINS.split(','),
          )
        }
      }),
      { numRuns: 60 },
    )
  })

  it('agree on images that are rotated, each in its own domain', async () => {
    const request = {
      ...{ data: 'synthetic:digits:side=8:count=60', partition: 'iid:seed=2', testFraction: 0 },
      shift: 'skewed=1:none,rotate=90,rotate=30+noise=0.1:seed=5',
    }
    const all = await openAllClients({ ...request, clients: 3 })
    const { shift: _, ...plain } = request
    for (const [slot, { train }] of all.entries()) {
      const node = await openClientData({ ...request, shard: `${slot + 1}/3` })
      const before = await openClientData({ ...plain, shard: `${slot + 1}/3` })
      expect(rowsOf(node.train)).toEqual(rowsOf(train))
      const moved = rowsOf(before.train).map((row, i) => {
        const shifted = rowsOf(node.train)[i]!
        return row.slice(0, 64).some((value, j) => value !== shifted[j])
      })
      expect(moved).toEqual(rowsOf(node.train).map((row) => row.at(-1) !== 0))
    }
  })

  it('agree on MNIST', async () => {
    const request = {
      data: 'mnist',
      partition: 'dirichlet:0.5:seed=7',
      testFraction: 0.1,
      limit: 2000,
    }
    const all = await openAllClients({ ...request, clients: 4 })
    const node = await openClientData({ ...request, shard: '2/4' })
    expect(rowsOf(node.train)).toEqual(rowsOf(all[1]!.train))
    expect(rowsOf(node.test)).toEqual(rowsOf(all[1]!.test))
  })
})

describe('openClientData', () => {
  it('keeps no rows but its own', async () => {
    const request = {
      data: 'synthetic:count=100',
      partition: 'iid',
      shard: '3/4',
      testFraction: 0.2,
    }
    const { train, test } = await openClientData(request)
    expect(train.source.count).toBe(25)
    expect(train.source.features).toHaveLength(25 * 20)
    expect(test.source).toBe(train.source)
  })

  it('holds the whole set in order when it is given no partition', async () => {
    const { train } = await openClientData({ data: 'synthetic:count=30', testFraction: 0 })
    const whole = await loadDataset({ name: 'synthetic', path: 'count=30' })
    expect(train.source.features).toEqual(whole.features)
    expect([...train.indices]).toEqual([...whole.labels.keys()])
  })

  it('says in its card how to make built-in data again, and that says it all', async () => {
    const request = {
      data: 'synthetic:count=80',
      partition: 'shards:2:seed=1',
      shard: '2/3',
      testFraction: 0.25,
      limit: 60,
      shift: 'split:none,invert:seed=2',
    }
    const node = await openClientData(request)
    expect(node.card.source).toEqual(request)
    expect(dataCardSchema.parse(node.card)).toEqual(node.card)
    const again = await openClientData(request)
    expect(rowsOf(again.train)).toEqual(rowsOf(node.train))
  })

  it('says nothing about where private data come from', async () => {
    await file('train-images-idx3-ubyte', idxBytes([4, 1, 1], [1, 2, 3, 4]))
    await file('train-labels-idx1-ubyte', idxBytes([4], [0, 1, 0, 1]))
    const { card } = await openClientData({ data: `idx:${path()}`, testFraction: 0 })
    expect(card).toEqual({ inputShape: [1, 1, 1], classes: ['0', '1'] })
    const { train } = await openClientData({
      data: 'idx',
      path: path(),
      partition: 'iid',
      shard: '1/2',
      testFraction: 0,
    })
    expect(train.indices).toHaveLength(2)
  })

  it.each([
    [{ partition: 'iid' }, /A partition needs a shard/],
    [{ shard: '1/2' }, /A shard needs a partition/],
    [{ partition: 'iid', shard: '3/2' }, /expected I\/N/],
    [{ partition: 'alike', shard: '1/2' }, /No partition is called "alike"/],
    [
      { partition: 'dirichlet:0.0001:min=0', shard: '1/30' },
      /Shard 1\/30 .* holds no rows; use min=1/,
    ],
  ])('refuses %j', async (flags, message) => {
    const opening = openClientData({ data: 'synthetic:count=40', testFraction: 0, ...flags })
    await expect(opening).rejects.toMatchObject({ code: 'data/bad-partition' })
    await expect(opening).rejects.toThrow(message)
  })
})

describe('shifts', () => {
  it('that cannot be done are refused before anything is made', async () => {
    const opening = openClientData({
      ...{ data: 'synthetic:count=40', testFraction: 0 },
      shift: 'split:rotate=90',
    })
    await expect(opening).rejects.toMatchObject({ code: 'data/bad-shift' })
    await expect(
      openAllClients({
        ...{ data: 'nowhere', partition: 'iid', clients: 2, testFraction: 0 },
        shift: 'mixed:rotat=90',
      }),
    ).rejects.toThrow(/Shift "mixed:rotat=90"/)
  })
})

describe('takeRows', () => {
  it('takes the domains along', () => {
    const of = Uint8Array.from({ length: 10 }, (_, i) => i % 3)
    const taken = takeRows({ ...TEN, domains: { names: ['x', 'y', 'z'], of } }, Int32Array.of(7, 2))
    expect(taken.domains).toEqual({ names: ['x', 'y', 'z'], of: Uint8Array.of(1, 2) })
  })

  it('copies the rows in the order asked for', () => {
    const taken = takeRows(TEN, Int32Array.of(7, 2))
    expect(taken).toMatchObject({ name: 'ten', count: 2, classes: ['even', 'odd'] })
    expect([...taken.features]).toEqual([70, 20])
    expect([...taken.labels]).toEqual([1, 0])
    expect(taken.features.buffer).not.toBe(TEN.features.buffer)
  })
})
