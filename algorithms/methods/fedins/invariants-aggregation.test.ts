/** What the server makes of its clients' pools. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { ClientData } from '#data/dataset.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { namedTensors } from '#algorithms/methods/delta.js'
import type { PerformResult } from '#algorithms/methods/method.js'
import { packUpdate, receiveUpdate } from '#algorithms/methods/update.js'
import {
  closed,
  deltaOf,
  farthest,
  initialState,
  labOf,
  localPool,
  naivePool,
  performed,
  planOf,
  poolIn,
  reordered,
  roundOf,
  stateWith,
  withTraining,
  type Lab,
} from '#testing/fedins-lab.js'
import { tinyClients } from '#testing/tiny-federation.js'
import { poolLayout } from './pool.js'
import { shapeOf } from './setup.js'

const clients = tinyClients([3, 6, 5])
const fullBatch = withTraining({ batchSize: 100 })

function noisyPool(lab: Lab): Float32Array {
  const noise = createStreams(3)('test/pool', 0, 0)
  return poolIn(lab, initialState(lab)).map((value) => value + 0.3 * noise.normal())
}
type Update = Pick<PerformResult, 'update' | 'weight'>

/** An update in which every number of entry m moved by `moves[m]`. */
function updateOf(
  lab: Lab,
  moves: readonly number[],
  { usage = [1, 0, 0, 0], similarity = 0, weight = 1 } = {},
): Update {
  const layout = poolLayout(shapeOf(lab.setup))
  const tensors = namedTensors(layout, new Float32Array(layout.parameterCount))
  const vector = (name: string, values: readonly number[]) => ({
    ...{ name, shape: [values.length], dtype: 'float32' as const },
    data: Float32Array.from(values),
  })
  const pool = tensors.map((tensor) => {
    const width = tensor.data.length / moves.length
    const data = Float32Array.from(tensor.data, (_, i) => moves[Math.floor(i / width)]!)
    return { ...tensor, data }
  })
  return {
    update: { pool, routing: [vector('usage', usage), vector('similarity', [similarity])] },
    weight,
  }
}
/** By how much each entry moved; every number of an entry by the same. */
async function movesOf(lab: Lab, updates: readonly Update[]): Promise<number[]> {
  const start = Float32Array.from(noisyPool(lab), () => 0)
  const { state } = await closed(lab, stateWith(lab, start), updates)
  const { entries, keys } = naivePool(lab, poolIn(lab, state))
  return entries.map((entry, m) => {
    const all = [...entry, ...keys[m]!]
    expect(new Set(all).size).toBe(1)
    return all[0]!
  })
}

describe('the mean of pools, entry by entry', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('uniform counts clients, examples counts examples, by hand', async () => {
    const two = (lab: Lab) => [
      updateOf(lab, [1, 0, -2, 0.5], { weight: 1 }),
      updateOf(lab, [3, 0, 1, 0.5], { weight: 9 }),
    ]
    const uniform = labOf({})
    expect(await movesOf(uniform, two(uniform))).toEqual([2, 0, -0.5, 0.5])
    const examples = labOf({ weighting: 'examples' })
    // (1 + 27)/10, (−2 + 9)/10.
    const moves = await movesOf(examples, two(examples))
    expect(farthest(moves, [2.8, 0, 0.7, 0.5])).toBeLessThan(1e-6)
  })

  it('usage weighs each entry by how often a client chose it, by hand', async () => {
    const lab = labOf({ weighting: 'usage' })
    // Sent: moves (1, −, −, 5) and (3, 2, −, −) times how often. 1 · 1/2 and 9 · 1/4 choices fell on entry 0:
    // (0.5 · 1 + 2.25 · 3)/2.75; entry 1 and 3 had one client each; entry 2 none.
    const updates = [
      updateOf(lab, [0.5, 0, 0, 2.5], { usage: [0.5, 0, 0, 0.5], weight: 1 }),
      updateOf(lab, [0.75, 1.5, 0, 0], { usage: [0.25, 0.75, 0, 0], weight: 9 }),
    ]
    const moves = await movesOf(lab, updates)
    expect(farthest(moves, [7.25 / 2.75, 2, 0, 5])).toBeLessThan(1e-5)
    expect(moves[2]).toBe(0)
  })

  it('usage: a client sends each row times the share of its choices that fell on it', async () => {
    const [plain, byUsage] = ['examples', 'usage'].map((weighting) => labOf({ weighting, topK: 1 }))
    const start = noisyPool(plain!)
    const data = clients[1]!
    const sent = await performed(byUsage!, stateWith(byUsage!, start), { data })
    const full = naivePool(
      plain!,
      deltaOf(await performed(plain!, stateWith(plain!, start), { data })),
    )
    const shares = [...(sent.update['routing']?.[0]?.data ?? [])]
    const rows = naivePool(byUsage!, deltaOf(sent))
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6)
    expect(new Set(shares).size).toBeGreaterThan(1)
    shares.forEach((share, m) => {
      const expected = [...full.entries[m]!, ...full.keys[m]!].map((value) => value * share)
      expect(farthest([...rows.entries[m]!, ...rows.keys[m]!], expected)).toBeLessThan(1e-7)
    })
  })

  it.each(['uniform', 'examples'])(
    'I14: equal pools give that pool, in any order, with weights that sum to 1 (%s)',
    async (weighting) => {
      const lab = labOf({ weighting })
      const state = stateWith(lab, noisyPool(lab))
      const one = await performed(lab, state, { data: clients[1]! })
      const twins = [1, 7, 30].map((weight) => ({ ...one, weight }))
      const mean = poolIn(lab, (await closed(lab, state, twins)).state)
      expect(farthest(mean, localPool(noisyPool(lab), one))).toBeLessThan(1e-6)
      expect(farthest(mean, noisyPool(lab))).toBeGreaterThan(0.01)

      const results: PerformResult[] = []
      for (const [slot, data] of clients.entries())
        results.push(await performed(lab, state, { data, slot }))
      const inOrder = await closed(lab, state, results)
      const turned = await closed(lab, state, [results[2]!, results[0]!, results[1]!])
      expect(poolIn(lab, turned.state)).toEqual(poolIn(lab, inOrder.state))
    },
  )

  it.each(['uniform', 'examples', 'usage'])(
    'I15: renumbering the entries everywhere renumbers the result and nothing else (%s)',
    async (weighting) => {
      const lab = labOf({ weighting, keyWeight: 0.4 })
      const order = [2, 0, 3, 1]
      const start = noisyPool(lab)
      const after = poolIn(lab, await roundOf(lab, stateWith(lab, start), clients))
      const turned = await roundOf(lab, stateWith(lab, reordered(lab, start, order)), clients)
      expect(farthest(poolIn(lab, turned), reordered(lab, after, order))).toBeLessThan(1e-6)
      expect(farthest(after, start)).toBeGreaterThan(0.01)
      expect(farthest(after, reordered(lab, after, order))).toBeGreaterThan(0.1)
    },
  )

  it.each(['uniform', 'examples', 'usage'])(
    'I16: clients with the same data and the same batches are as one client (%s)',
    async (weighting) => {
      const lab = labOf({ weighting }, fullBatch)
      const state = stateWith(lab, noisyPool(lab))
      const one: ClientData = clients[1]!
      const single = poolIn(lab, await roundOf(lab, state, [one]))
      const many = poolIn(lab, await roundOf(lab, state, [one, one, one]))
      expect(farthest(many, single)).toBeLessThan(1e-5)
      expect(farthest(single, noisyPool(lab))).toBeGreaterThan(0.01)
    },
  )

  it('N = 1: the pool is what the one client made of it', async () => {
    for (const weighting of ['uniform', 'examples', 'usage']) {
      const lab = labOf({ weighting })
      const start = noisyPool(lab)
      const plain = labOf({ weighting: 'uniform' })
      const alone = localPool(
        start,
        await performed(plain, stateWith(plain, start), { data: clients[1]! }),
      )
      const after = poolIn(lab, await roundOf(lab, stateWith(lab, start), [clients[1]!]))
      expect(farthest(after, alone)).toBeLessThan(1e-6)
    }
  })

  it.each(['uniform', 'examples', 'usage'])(
    'an entry that nobody chose keeps its bits (%s)',
    async (weighting) => {
      const lab = labOf({ poolSize: 12, topK: 1, weighting })
      const start = noisyPool(lab)
      const state = stateWith(lab, start)
      const results: PerformResult[] = []
      for (const [slot, data] of clients.entries())
        results.push(await performed(lab, state, { data, slot }))
      const chosen = (m: number): boolean =>
        results.some(({ update }) => (update['routing']?.[0]?.data[m] ?? 0) > 0)
      const [before, after] = [start, poolIn(lab, (await closed(lab, state, results)).state)].map(
        (pool) => naivePool(lab, pool),
      )
      const numbers = [...Array(12).keys()]
      expect(numbers.filter(chosen).length).toBeGreaterThan(1)
      expect(numbers.filter((m) => !chosen(m)).length).toBeGreaterThan(2)
      for (const m of numbers) {
        const rows = [before!, after!].map(({ entries, keys }) => [...entries[m]!, ...keys[m]!])
        if (chosen(m)) expect(rows[1]).not.toEqual(rows[0])
        else expect(rows[1]).toEqual(rows[0])
      }
    },
  )

  it('an update with a number that is not finite is refused as a whole', async () => {
    for (const upload of ['dense', 'sparse']) {
      const lab = labOf({ upload })
      const state = stateWith(lab, noisyPool(lab))
      const { uplink } = planOf(lab, state)
      const { update, weight } = await performed(lab, state, { data: clients[1]! })
      const limits = { uplink, maxExamples: 1000 }
      expect(receiveUpdate(packUpdate(update, uplink), weight, limits).ok).toBe(true)
      update['pool']![0]!.data[3] = NaN
      expect(receiveUpdate(packUpdate(update, uplink), weight, limits)).toMatchObject({
        ok: false,
        error: { code: 'update/not-finite' },
      })
    }
  })

  it('tells how the clients’ examples were routed, by hand', async () => {
    const lab = labOf({})
    const { metrics } = await closed(lab, stateWith(lab, noisyPool(lab)), [
      updateOf(lab, [0, 0, 0, 0], { usage: [1, 0, 0, 0], similarity: 0.5 }),
      updateOf(lab, [0, 0, 0, 0], { usage: [0.5, 0, 0.5, 0], similarity: 0.25 }),
    ])
    // Shares 3/4 and 1/4: exp(−3/4 ln 3/4 − 1/4 ln 1/4) = 4 / 3^(3/4) = 1.754765.
    expect(metrics).toEqual({
      'routing/usage/0': 0.75,
      'routing/usage/1': 0,
      'routing/usage/2': 0.25,
      'routing/usage/3': 0,
      'routing/effectiveEntries': expect.closeTo(1.754765, 6) as number,
      'routing/similarity': 0.375,
    })
  })
})
