import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { clientData } from '#data/client-data.js'
import type { Dataset } from '#data/dataset.js'
import { logGamma } from './gamma.js'
import { describePartition, partition } from './partitioner-list.js'

/** `count` rows, in turns of every class. */
const turns = (count: number, classes = 10): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => i % classes)
const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

interface Setting {
  readonly alpha: number
  readonly min: number
  readonly max: number
  readonly seed: number
}
const specOf = ({ alpha, min, max, seed }: Setting): string =>
  `label-skew:${alpha}:min=${min}:max=${max}:seed=${seed}`

/** The recipe word by word: bags of rows, and π written out anew before every draw. */
function naive({ alpha, min, max, seed }: Setting, labels: Int32Array, clients: number) {
  const streams = createStreams(seed)
  const classes = 10
  const bags = Array.from({ length: classes }, (_, label) => {
    const rows = [...labels.keys()].filter((row) => labels[row] === label)
    return [...streams('partition-label-skew', 0, label).shuffle(Int32Array.from(rows))]
  })
  return Array.from({ length: clients }, (_, client) => {
    const stream = streams('partition-label-skew', 1, client)
    const size = min + stream.integer(max - min + 1)
    const logs = Array.from({ length: classes }, () => logGamma(stream, alpha))
    const own: number[] = []
    while (own.length < size) {
      const open = bags.flatMap((bag, label) => (bag.length > 0 ? [label] : []))
      const largest = Math.max(...open.map((label) => logs[label]!))
      const weights = open.map((label) => Math.exp(logs[label]! - largest))
      let rest = stream.uniform() * sum(weights)
      const at = weights.findIndex((weight) => (rest -= weight) < 0)
      own.push(bags[open[at < 0 ? open.length - 1 : at]!]!.shift()!)
    }
    return own.sort((a, b) => a - b)
  })
}

describe('label-skew', () => {
  it('is the recipe: a mix and a size of its own for each client, rows without replacement', () => {
    const settings = fc.record({
      alpha: fc.constantFrom(0.05, 0.1, 1, 100),
      min: fc.integer({ min: 11, max: 20 }),
      max: fc.integer({ min: 20, max: 60 }),
      seed: fc.nat(1000),
    })
    fc.assert(
      // 40 rows of each class: with little alpha, clients meet classes that have run out.
      fc.property(settings, fc.integer({ min: 1, max: 6 }), (setting, clients) => {
        const labels = turns(400)
        const parts = partition(specOf(setting), labels, { classes: 10, clients })
        expect(parts.map((part) => [...part])).toEqual(naive(setting, labels, clients))
      }),
    )
  })

  it('gives the last row of all where that is asked, and none twice', () => {
    const parts = partition('label-skew:0.01:min=50:max=50', turns(400), {
      ...{ classes: 10, clients: 8 },
    })
    expect(new Set(parts.flatMap((part) => [...part])).size).toBe(400)
  })

  it('draws sizes uniformly from min to max, and no more than an equal share where there is no max', () => {
    const sizes = (spec: string, rows: number, clients: number) =>
      partition(spec, turns(rows), { classes: 10, clients }).map(({ length }) => length)
    const drawn = sizes('label-skew:1:min=40:max=120', 120_000, 1000)
    expect(Math.min(...drawn)).toBe(40)
    expect(Math.max(...drawn)).toBe(120)
    // Standard deviation of the mean: √((81² − 1) / 12) / √1000 ≈ 0.74.
    expect(Math.abs(sum(drawn) / 1000 - 80)).toBeLessThan(3)
    expect(Math.max(...sizes('label-skew:1', 4000, 100))).toBe(40)
    expect(sizes('label-skew:1', 44, 4)).toEqual([11, 11, 11, 11])
  })

  it('mixes classes as a Dirichlet does, whatever the number of clients', () => {
    // A share has mean 1/C and, over rows without end, variance (1/C)(1 − 1/C)/(C alpha + 1). Of n rows drawn from it:
    // variance + (mean(1 − mean) − variance)/n. C = 10, alpha = 0.1, n = 100: 0.09/2 = 0.045; 0.045 + 0.045/100 = 0.04545.
    const shares: number[] = []
    for (let seed = 0; seed < 60; seed++) {
      const labels = turns(40_000)
      const parts = partition(`label-skew:0.1:min=100:max=100:seed=${seed}`, labels, {
        ...{ classes: 10, clients: 20 },
      })
      for (const { perClass } of describePartition(parts, labels, 10))
        shares.push(...perClass.map((count) => count / 100))
    }
    const variance = sum(shares.map((share) => (share - 0.1) ** 2)) / shares.length
    expect(Math.abs(variance - 0.04545)).toBeLessThan(0.003)
  })

  it('leaves the rows of one client as they are when more clients come after it', () => {
    const parts = (clients: number) =>
      partition('label-skew:0.1:min=20:max=60:seed=3', turns(2000), { classes: 10, clients })
    expect(parts(9).slice(0, 4)).toEqual(parts(4))
  })

  it('lets a client test on its own mix, with at least 2 rows left to train on', () => {
    const labels = turns(3000)
    const dataset: Dataset = {
      ...{ name: 'made-up', inputShape: [1], count: 3000, labels },
      ...{ classes: Array.from('0123456789'), features: new Float32Array(3000) },
    }
    const parts = partition('label-skew:0.1:min=11:max=300:seed=1', labels, {
      ...{ classes: 10, clients: 10 },
    })
    for (const [slot, indices] of parts.entries()) {
      const { train, test } = clientData({
        ...{ dataset, indices, testFraction: 0.7, seed: 1, slot, source: null },
      })
      const labelsOf = (rows: Int32Array) => new Set(rows.map((row) => labels[row]!))
      const own = labelsOf(indices)
      for (const label of labelsOf(test.indices)) expect(own).toContain(label)
      const share = (rows: Int32Array, label: number) =>
        rows.filter((row) => labels[row] === label).length / rows.length
      const [main] = [...own].sort((a, b) => share(indices, b) - share(indices, a))
      if (indices.length > 100)
        expect(Math.abs(share(test.indices, main!) - share(train.indices, main!))).toBeLessThan(0.2)
    }
    const small = clientData({
      ...{ dataset, indices: Int32Array.from({ length: 11 }, (_, i) => i), testFraction: 0.9 },
      ...{ seed: 0, slot: 0, source: null },
    })
    expect(small.train.indices).toHaveLength(2)
  })
})
