import { describe, expect, it } from 'vitest'
import { describePartition, partition } from './partitioner-list.js'

const LABELS = Int32Array.from({ length: 10_000 }, (_, i) => i % 10)
const counts = (spec: string, clients = 10) =>
  describePartition(partition(spec, LABELS, { classes: 10, clients }), LABELS, 10)

/** Mean over clients of the entropy of their labels, as a share of the largest possible: 0 one class, 1 all alike. */
function evenness(spec: string): number {
  const entropies = counts(spec).map(({ total, perClass }) =>
    perClass.reduce(
      (sum, count) => (count === 0 ? sum : sum - (count / total) * Math.log(count / total)),
      0,
    ),
  )
  return entropies.reduce((sum, value) => sum + value, 0) / entropies.length / Math.log(10)
}

describe('dirichlet', () => {
  it('gives few classes to a client when alpha is small, all classes alike when it is large', () => {
    expect(evenness('dirichlet:0.05:seed=1')).toBeLessThan(0.4)
    expect(evenness('dirichlet:1000:seed=1')).toBeGreaterThan(0.99)
  })

  it('becomes more even as alpha grows', () => {
    const values = [0.05, 0.5, 5, 500].map((alpha) => evenness(`dirichlet:${alpha}:seed=2`))
    expect(values).toEqual([...values].sort((a, b) => a - b))
  })

  it('spreads one class as a Dirichlet does: the variance of a share is (1/K)(1 - 1/K) / (K alpha + 1)', () => {
    // K = 4, alpha = 0.5: 0.25 × 0.75 / 3 = 0.0625. 300 seeds × 10 classes, four shares each.
    const shares: number[] = []
    for (let seed = 0; seed < 300; seed++) {
      const perClient = counts(`dirichlet:0.5:seed=${seed}`, 4)
      for (let label = 0; label < 10; label++)
        shares.push(...perClient.map(({ perClass }) => perClass[label]! / 1000))
    }
    const variance = shares.reduce((sum, share) => sum + (share - 0.25) ** 2, 0) / shares.length
    expect(Math.abs(variance - 0.0625)).toBeLessThan(0.003)
  })

  it('keeps its promise of a minimum, by drawing again or by moving rows', () => {
    for (const spec of [
      'dirichlet:0.5:min=200:seed=3',
      'dirichlet:0.01:min=400:seed=4',
      'dirichlet:0.0001:min=1000',
    ]) {
      const min = parsedMin(spec)
      for (const { total } of counts(spec)) expect(total).toBeGreaterThanOrEqual(min)
    }
  })
})

const parsedMin = (spec: string): number => Number(/min=(\d+)/.exec(spec)?.[1])
