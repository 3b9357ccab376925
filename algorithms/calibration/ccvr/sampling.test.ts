import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { triangle } from '#algorithms/matrix/packed.js'
import { ccvrHyper, type CcvrHyper } from './hyper.js'
import { type GlobalClass } from './moments.js'
import { allocation, drawVirtual, type VirtualFeatures } from './sampling.js'

const missing = (label: number, d: number): GlobalClass => ({
  ...{ label, n: 0, clients: 0, mean: new Float64Array(d), covariance: null },
  ...{ status: 'missing', betweenClients: null },
})
const held = (
  label: number,
  mean: readonly number[],
  covariance: readonly number[],
): GlobalClass => ({
  ...{ label, n: 100, clients: 2, mean: Float64Array.from(mean) },
  ...{ covariance: Float64Array.from(covariance), status: 'ok', betweenClients: null },
})
/** Correlated, with d variances between 1 and 4. */
function correlated(label: number, d: number): GlobalClass {
  const covariance = new Float64Array(triangle(d))
  for (let i = 0, at = 0; i < d; i++)
    for (let j = 0; j <= i; j++, at++)
      covariance[at] = i === j ? 1 + (3 * i) / d : 0.8 / (i - j + 1)
  return held(
    label,
    Array.from({ length: d }, (_, i) => i - label),
    [...covariance],
  )
}

interface Wanted {
  readonly classes: readonly GlobalClass[]
  readonly hyper?: Partial<CcvrHyper>
  readonly seed?: number
  readonly trainingRounds?: number
}
const drawn = ({
  classes,
  hyper = {},
  seed = 3,
  trainingRounds = 4,
}: Wanted): Promise<VirtualFeatures> =>
  drawVirtual({
    classes,
    names: classes.map(({ label }) => `class ${label}`),
    hyper: { ...ccvrHyper.parse({}), samplesPerClass: 50, ...hyper },
    streams: createStreams(seed),
    trainingRounds,
  })
/** The rows of one label. */
function rowsOf({ train: { source } }: VirtualFeatures, label: number): readonly Float32Array[] {
  const d = source.inputShape[0]!
  return [...source.labels.keys()]
    .filter((row) => source.labels[row] === label)
    .map((row) => source.features.subarray(row * d, (row + 1) * d))
}
const flat = (rows: readonly Float32Array[]): readonly number[] => rows.flatMap((row) => [...row])

describe('virtual features', () => {
  it('I9: coordinates without variance stay what they are, and a singular covariance is no error', async () => {
    // Coordinate 1 is dead; 2 is twice 0.
    const dead = held(0, [1, 7, 0], [1, 0, 0, 2, 0, 4])
    const virtual = await drawn({ classes: [dead], hyper: { samplesPerClass: 500 } })
    const { jitter, rank, condition, count } = virtual.drawn.get(0)!
    expect({ jitter, rank, condition, count }).toEqual({
      jitter: 1e-4,
      rank: 1,
      condition: 1,
      count: 500,
    })
    const epsilon = (jitter * 5) / 3 + 1e-12
    // Five deviations of the jitter alone: 1 of 500 draws would exceed them once in 3,500 runs.
    for (const row of rowsOf(virtual, 0)) {
      expect(Math.abs(row[1]! - 7)).toBeLessThanOrEqual(5 * Math.sqrt(epsilon))
      expect(Math.abs(row[2]! - 2 * (row[0]! - 1))).toBeLessThanOrEqual(15 * Math.sqrt(epsilon))
    }
  })

  it('I9: without any variance every draw is the mean, up to 1e-6 · ξ', async () => {
    const virtual = await drawn({ classes: [held(0, [3, -2], [0, 0, 0])] })
    for (const row of rowsOf(virtual, 0)) {
      expect(Math.abs(row[0]! - 3)).toBeLessThan(1e-5)
      expect(Math.abs(row[1]! + 2)).toBeLessThan(1e-5)
    }
  })

  it('I10: 20,000 draws have the mean and the covariance that they are drawn from', async () => {
    const [d, count] = [6, 20_000]
    const one = correlated(0, d)
    const virtual = await drawn({
      classes: [one],
      hyper: { samplesPerClass: count, jitterRel: 1e-9 },
    })
    const rows = rowsOf(virtual, 0)
    const mean = one.mean.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / count)
    let [distance, trace, norm] = [0, 0, 0]
    for (let i = 0, at = 0; i < d; i++) {
      for (let j = 0; j <= i; j++, at++) {
        const own = rows.reduce((sum, row) => sum + (row[i]! - mean[i]!) * (row[j]! - mean[j]!), 0)
        const expected = one.covariance![at]!
        distance += (i === j ? 1 : 2) * (own / (count - 1) - expected) ** 2
        norm += (i === j ? 1 : 2) * expected ** 2
        if (i !== j) continue
        trace += expected
        expect(Math.abs(mean[i]! - one.mean[i]!)).toBeLessThanOrEqual(
          5 * Math.sqrt(expected / count),
        )
      }
    }
    expect(Math.sqrt(distance)).toBeLessThanOrEqual(
      2 * Math.sqrt((trace ** 2 + norm) / (count - 1)),
    )
  })

  it('I11: the same seed draws the same, another seed or another number of training rounds something else', async () => {
    const classes = [correlated(0, 3), { ...correlated(0, 3), label: 1 }]
    const first = await drawn({ classes })
    expect((await drawn({ classes })).train).toEqual(first.train)
    expect((await drawn({ classes, seed: 4 })).train).not.toEqual(first.train)
    expect((await drawn({ classes, trainingRounds: 5 })).train).not.toEqual(first.train)
    expect(rowsOf(first, 0)).not.toEqual(rowsOf(first, 1))
  })

  it('I11: what a class draws depends neither on other classes nor on how many come before it', async () => {
    const both = await drawn({ classes: [correlated(0, 3), correlated(1, 3)] })
    const alone = await drawn({ classes: [missing(0, 3), correlated(1, 3)] })
    expect(rowsOf(alone, 1)).toEqual(rowsOf(both, 1))
    const turned = await drawn({ classes: [correlated(1, 3), correlated(0, 3)] })
    expect(rowsOf(turned, 0)).toEqual(rowsOf(both, 0))
    const fewer = await drawn({ classes: [correlated(1, 3)], hyper: { samplesPerClass: 7 } })
    expect(rowsOf(fewer, 1)).toEqual(rowsOf(both, 1).slice(0, 7))
  })

  it('I11: balanced: as many of every class that is there', () => {
    const classes = [correlated(0, 2), missing(1, 2), { ...correlated(2, 2), n: 1 }]
    expect(allocation(classes, { samplesPerClass: 9, allocation: 'balanced' })).toEqual([9, 0, 9])
  })

  it('I11: proportional: shares differ from those of the data by one draw at most, and nobody goes without', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 600 }), (counts, samplesPerClass) => {
        fc.pre(counts.some((n) => n > 0))
        const classes = counts.map((n, label) =>
          n === 0 ? missing(label, 1) : { ...held(label, [0], [1]), n },
        )
        const drawn = allocation(classes, { samplesPerClass, allocation: 'proportional' })
        const [total, examples] = [drawn, counts].map((all) => all.reduce((sum, n) => sum + n, 0))
        counts.forEach((n, label) => {
          expect(drawn[label]! > 0).toBe(n > 0)
          // Where classes would round to nothing and there are not enough draws to go round, each gets one.
          if (total === samplesPerClass * counts.filter((one) => one > 0).length)
            expect(Math.abs(drawn[label]! / total - n / examples!)).toBeLessThanOrEqual(
              (1 + 1e-9) / total,
            )
        })
      }),
    )
  })

  it('proportional by hand', () => {
    const classes = [60, 30, 9, 1].map((n, label) => ({ ...held(label, [0], [1]), n }))
    const dealt = (samplesPerClass: number) =>
      allocation(classes, { samplesPerClass, allocation: 'proportional' })
    expect(dealt(25)).toEqual([60, 30, 9, 1])
    // 4 · 2 = 8 draws: 4.8, 2.4, 0.72 and 0.08; the last two come first, nothing is left for the remainders.
    expect(dealt(2)).toEqual([4, 2, 1, 1])
    // 4 · 5 = 20: 12, 6, 1.8 and 0.2.
    expect(dealt(5)).toEqual([12, 6, 1, 1])
  })

  it('held out: as many again, and those to train on stay the same', async () => {
    const classes = [correlated(0, 3), missing(1, 3), correlated(2, 3)]
    const [plain, split] = [
      await drawn({ classes }),
      await drawn({ classes, hyper: { heldOut: true } }),
    ]
    expect(plain.heldOut).toBeNull()
    expect(split.train).toEqual(plain.train)
    expect(split.heldOut!.source.labels).toEqual(split.train.source.labels)
    expect(split.heldOut!.source.features).not.toEqual(split.train.source.features)
    expect(split.drawn.get(0)!.count).toBe(50)
  })
})

describe('transforms of virtual features', () => {
  // Mean 0.5, deviation 1: a third of the draws is below 0.
  const classes = [held(0, [0.5, 0.5], [1, 0, 1])]
  const valuesOf = async (hyper: Partial<CcvrHyper>) =>
    flat(rowsOf(await drawn({ classes, hyper }), 0))

  it('none leaves them alone, reluVirtual clamps them at 0', async () => {
    const [plain, clamped] = [await valuesOf({}), await valuesOf({ reluVirtual: true })]
    expect(plain.some((value) => value < 0)).toBe(true)
    expect(clamped).toEqual(plain.map((value) => Math.max(0, value)))
  })

  it('tukey-input draws T(z), which is not below 0', async () => {
    const values = await valuesOf({ transform: 'tukey-input', tukeyPower: 0.25 })
    expect(values).toEqual((await valuesOf({})).map((value) => Math.max(0, value)))
  })

  it('tukey-inverse maps back, before anything is rounded', async () => {
    const [plain, inverse] = [
      await valuesOf({}),
      await valuesOf({ transform: 'tukey-inverse', tukeyPower: 0.25 }),
    ]
    plain.forEach((value, i) => expect(inverse[i]).toBeCloseTo(Math.max(0, value) ** 4, 3))
    const narrow = [held(0, [1], [0])]
    const large = await drawn({
      classes: narrow,
      hyper: { transform: 'tukey-inverse', tukeyPower: 1e-6 },
    })
    // (1 + 1e-6 ξ)^1e6 = e^ξ: rounded to float32 before the power, many would be the same.
    expect(new Set(flat(rowsOf(large, 0))).size).toBe(50)
  })

  it('tukey-inverse of the logarithm is the exponential', async () => {
    const inverse = await valuesOf({ transform: 'tukey-inverse', tukeyPower: 0 })
    ;(await valuesOf({})).forEach((value, i) =>
      expect(Math.abs(inverse[i]! / Math.exp(value) - 1)).toBeLessThan(1e-6),
    )
  })
})
