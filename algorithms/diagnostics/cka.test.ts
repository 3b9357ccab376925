import { describe, expect, it } from 'vitest'
import { createStreams, type Stream } from '#protocol/random.js'
import {
  centredGram,
  ckaOfFeatures,
  ckaOfGrams,
  gramOf,
  linearCka,
  pairwiseCka,
  type Activations,
} from './cka.js'

const streams = createStreams(22)
const rows = (...values: readonly (readonly number[])[]): Activations => ({
  values: Float64Array.from(values.flat()),
  examples: values.length,
})
const random = (stream: Stream, examples: number, width: number): Activations => ({
  values: Float64Array.from({ length: examples * width }, () => stream.normal() + 0.5),
  examples,
})
const map = (x: Activations, change: (row: Float64Array) => readonly number[]): Activations => {
  const width = x.values.length / x.examples
  return rows(
    ...Array.from({ length: x.examples }, (_, i) =>
      change(Float64Array.from(x.values.subarray(i * width, (i + 1) * width))),
    ),
  )
}
/** Rows of an orthogonal matrix: Gram-Schmidt on random vectors. */
function orthogonal(stream: Stream, size: number): readonly (readonly number[])[] {
  const found: number[][] = []
  while (found.length < size) {
    let row = Array.from({ length: size }, () => stream.normal())
    for (const one of [...found, ...found]) {
      const along = one.reduce((sum, value, i) => sum + value * row[i]!, 0)
      row = row.map((value, i) => value - along * one[i]!)
    }
    const length = Math.hypot(...row)
    found.push(row.map((value) => value / length))
  }
  return found
}
const turned = (x: Activations, by: readonly (readonly number[])[], scale: number): Activations =>
  map(x, (row) =>
    by.map((axis, p) => scale * axis.reduce((sum, value, i) => sum + value * row[i]!, 0) + 10 * p),
  )
const shapes = [
  [40, 3, 7],
  [12, 12, 5],
  [9, 30, 17],
  [8, 2, 50],
] as const

describe('linear CKA', () => {
  it.each(shapes)(
    'I22: of %i examples, widths %i and %i: symmetric, in [0, 1], 1 with itself, blind to turns, scales and offsets, the same in both forms',
    (examples, p, q) => {
      const stream = streams('cka', examples, p)
      const [x, y] = [random(stream, examples, p), random(stream, examples, q)]
      const { cka } = linearCka(x, y)
      expect(cka).toBeGreaterThan(0)
      expect(cka).toBeLessThan(1)
      expect(linearCka(y, x).cka).toBeCloseTo(cka, 12)
      expect(linearCka(x, x).cka).toBeCloseTo(1, 12)
      for (const scale of [3, -0.01]) {
        const same = turned(x, orthogonal(stream, p), scale)
        expect(linearCka(x, same).cka).toBeCloseTo(1, 10)
        expect(linearCka(same, y).cka).toBeCloseTo(cka, 10)
      }
      const [features, grams] = [ckaOfFeatures(x, y), ckaOfGrams(gramOf(x), gramOf(y))]
      expect(Math.abs(features.cka - grams.cka)).toBeLessThan(1e-10)
      expect(Math.abs(features.debiased - grams.debiased)).toBeLessThan(1e-10)
    },
  )

  it('is not blind to maps that are not turns', () => {
    const x = random(streams('cka', 0, 0), 50, 4)
    const stretched = map(x, (row) => [...row].map((value, i) => (i === 0 ? 20 * value : value)))
    expect(linearCka(x, stretched).cka).toBeLessThan(0.9)
  })

  it('I23: the numbers of the specification', () => {
    const x = rows([1, 0], [0, 1], [1, 1], [2, 0])
    const one = rows([0], [1], [2], [1])
    const two = rows([2, 1], [1, 3], [3, 3], [4, 1])
    for (const cka of [linearCka, ckaOfFeatures, byGrams]) {
      expect(cka(x, one).cka).toBeCloseTo(1 / (Math.sqrt(7) * 2), 12)
      expect(cka(x, one).cka).toBeCloseTo(0.1889822365, 10)
      expect(cka(x, two).cka).toBeCloseTo(0.9719086449, 10)
    }
  })

  it('I24: is 1 for each pair of identical layers', () => {
    const gram = gramOf(random(streams('cka', 1, 0), 20, 6))
    const pairs = pairwiseCka([gram, gram, gram])
    expect(pairs.map((row) => row.map(({ cka }) => cka))).toEqual([
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ])
  })

  it('compares each with each as two alone', () => {
    const stream = streams('cka', 2, 0)
    const grams = [3, 5, 4].map((width) => gramOf(random(stream, 15, width)))
    const pairs = pairwiseCka(grams)
    expect(pairs[0]![2]).toEqual(ckaOfGrams(grams[0]!, grams[2]!))
    expect(pairs[2]![1]).toEqual(pairs[1]![2])
  })

  it('is undefined where a layer says the same of every example, whatever rounding leaves', () => {
    const constant = map(random(streams('cka', 3, 0), 10, 3), () => [0.1, 1000.7, -3])
    const varied = random(streams('cka', 4, 0), 10, 2)
    for (const cka of [linearCka, ckaOfFeatures, byGrams]) {
      expect(cka(constant, varied)).toEqual({ cka: NaN, debiased: NaN })
      expect(cka(varied, constant)).toEqual({ cka: NaN, debiased: NaN })
    }
    expect(
      linearCka(
        map(constant, () => [0, 0, 0]),
        varied,
      ).cka,
    ).toBeNaN()
    expect(
      linearCka(
        map(constant, (row) => [row[0]! / 0]),
        varied,
      ).cka,
    ).toBeNaN()
  })

  it('takes for constant what float32 cannot tell from it', () => {
    const stream = streams('cka', 7, 0)
    const varied = random(stream, 10, 2)
    const almost = (spread: number) =>
      map(random(stream, 10, 3), (row) => [...row].map((value) => 1 + spread * value))
    for (const cka of [linearCka, ckaOfFeatures, byGrams]) {
      expect(cka(almost(1e-9), varied).cka).toBeNaN()
      expect(cka(varied, almost(1e-9)).cka).toBeNaN()
      expect(cka(almost(1e-5), varied).cka).toBeGreaterThan(0)
    }
  })

  it('does not depend on where products of examples were measured from', () => {
    const stream = streams('cka', 8, 0)
    const [x, y] = [random(stream, 11, 4), random(stream, 11, 6)]
    const fromOrigin = ({ values, examples }: Activations) => {
      const width = values.length / examples
      const gram = new Float64Array(examples * examples)
      for (let i = 0; i < examples; i++)
        for (let j = 0; j < examples; j++)
          for (let p = 0; p < width; p++)
            gram[i * examples + j]! += values[i * width + p]! * values[j * width + p]!
      return centredGram(gram, 1)
    }
    const [expected, measured] = [linearCka(x, y), ckaOfGrams(fromOrigin(x), fromOrigin(y))]
    expect(measured.cka).toBeCloseTo(expected.cka, 12)
    expect(measured.debiased).toBeCloseTo(expected.debiased, 12)
  })

  it('debiased: the quotient of unbiased estimates of HSIC, and about 0 for layers that share nothing', () => {
    const [x, y] = [random(streams('cka', 5, 0), 12, 5), random(streams('cka', 5, 1), 12, 3)]
    const expected = hsic(x, y) / Math.sqrt(hsic(x, x) * hsic(y, y))
    expect(linearCka(x, y).debiased).toBeCloseTo(expected, 12)
    const [a, b] = [random(streams('cka', 6, 0), 50, 200), random(streams('cka', 6, 1), 50, 200)]
    // The plain one is far from 0 with more features than examples (ccvr specification §11.1: 0.80).
    expect(linearCka(a, b).cka).toBeCloseTo(0.8, 1)
    expect(Math.abs(linearCka(a, b).debiased)).toBeLessThan(0.05)
    expect(linearCka(rows([1], [2], [4]), rows([1], [3], [2])).debiased).toBeNaN()
  })
})

const byGrams = (x: Activations, y: Activations) => ckaOfGrams(gramOf(x), gramOf(y))

/** HSIC₁ as Song et al. write it, of the Gram matrices with zeros on the diagonal, not centred; times n (n − 3). */
function hsic(x: Activations, y: Activations): number {
  const [n, k, l] = [x.examples, hollow(x), hollow(y)]
  let [trace, cross] = [0, 0]
  const sums = [k, l].map((one) => one.map((row) => row.reduce((sum, value) => sum + value, 0)))
  const totals = sums.map((one) => one.reduce((sum, value) => sum + value, 0))
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) trace += k[i]![j]! * l[j]![i]!
    cross += sums[0]![i]! * sums[1]![i]!
  }
  return trace + (totals[0]! * totals[1]!) / ((n - 1) * (n - 2)) - (2 / (n - 2)) * cross
}
function hollow({ values, examples }: Activations): number[][] {
  const width = values.length / examples
  return Array.from({ length: examples }, (_, i) =>
    Array.from({ length: examples }, (_, j) => {
      let product = 0
      for (let p = 0; p < width; p++) product += values[i * width + p]! * values[j * width + p]!
      return i === j ? 0 : product
    }),
  )
}
