/** Virtual features: draws from a normal distribution for each class (ccvr specification §5.1). */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { everyIndex, type Dataset, type Examples } from '#data/dataset.js'
import type { Stream, Streams } from '#algorithms/tensor/stream.js'
import { factorOf, type Factor } from './factor.js'
import type { CcvrHyper } from './hyper.js'
import type { GlobalClass } from './moments.js'

/** Rows that are multiplied with a factor at a time: each of its numbers is loaded once for four. */
const ROWS = 4

type SamplingHyper = Pick<
  CcvrHyper,
  | 'samplesPerClass'
  | 'allocation'
  | 'jitterRel'
  | 'transform'
  | 'tukeyPower'
  | 'reluVirtual'
  | 'heldOut'
>
export interface Sampling {
  /** One entry per label, in order. At least one is not missing. */
  readonly classes: readonly GlobalClass[]
  /** In label order. */
  readonly names: readonly string[]
  readonly hyper: SamplingHyper
  readonly streams: Streams
  readonly trainingRounds: number
}

/** How a class's virtual features came about. */
export interface Drawn extends Pick<Factor, 'rank' | 'condition' | 'jitter'> {
  /** Of the training half. */
  readonly count: number
}
export interface VirtualFeatures {
  /** Examples whose input is a feature vector, class after class. */
  readonly train: Examples
  /** As many again, drawn after them; null unless `heldOut`. */
  readonly heldOut: Examples | null
  /** By label; missing classes are absent. */
  readonly drawn: ReadonlyMap<number, Drawn>
}

/**
 * Draws N(μ_c, Σ_c) for every class that is not missing, each from a stream of its own, so that neither the order of classes
 * nor `heldOut` changes a number. Computes in float64, rounds at the end.
 */
export async function drawVirtual(sampling: Sampling): Promise<VirtualFeatures> {
  const { classes, names, hyper } = sampling
  const d = classes[0]?.mean.length ?? 0
  const finish = finisher(hyper)
  const counts = allocation(classes, hyper)
  const total = counts.reduce((sum, count) => sum + count, 0)
  const sets = Array.from({ length: hyper.heldOut ? 2 : 1 }, () => emptySet(names, total, d))
  const drawn = new Map<number, Drawn>()
  let place = 0
  for (const [i, one] of classes.entries()) {
    const count = counts[i]!
    if (one.covariance === null || count === 0) continue
    const { values, isTriangular, ...facts } = await factorOf(one.covariance, d, hyper.jitterRel)
    const normal = { mean: one.mean, factor: { values, isTriangular }, finish }
    const stream = sampling.streams('ccvr-virtual', sampling.trainingRounds, one.label)
    for (const { features, labels } of sets) {
      drawNormal(normal, stream, features.subarray(place * d, (place + count) * d))
      labels.fill(one.label, place, place + count)
    }
    drawn.set(one.label, { ...facts, count })
    place += count
    await nextTurn()
  }
  const [train, heldOut] = sets.map((source) => ({ source, indices: everyIndex(source.count) }))
  return { train: train!, heldOut: heldOut ?? null, drawn }
}

const emptySet = (classes: readonly string[], count: number, d: number): Dataset => ({
  ...{ name: 'virtual', inputShape: [d], classes, count },
  features: new Float32Array(count * d),
  labels: new Int32Array(count),
})

/**
 * How many are drawn of each class, in the order of `classes`; 0 for missing ones. proportional: `samplesPerClass` for each
 * class that is there, dealt by N_c / Σ N and at least 1, with what rounding leaves going to the largest remainders, so that
 * no share is off by more than one example.
 */
export function allocation(
  classes: readonly GlobalClass[],
  { samplesPerClass, allocation }: Pick<SamplingHyper, 'samplesPerClass' | 'allocation'>,
): readonly number[] {
  const held = classes.map(({ covariance, n }) => (covariance === null ? 0 : n))
  if (allocation === 'balanced') return held.map((n) => (n === 0 ? 0 : samplesPerClass))
  const examples = held.reduce((sum, n) => sum + n, 0)
  const wanted = samplesPerClass * held.filter((n) => n > 0).length
  const exact = held.map((n) => (wanted * n) / examples)
  const counts = exact.map(Math.floor)
  let left = wanted - counts.reduce((sum, count) => sum + count, 0)
  const byNeed = held
    .map((_, i) => i)
    .filter((i) => held[i]! > 0)
    .sort((a, b) => needOf(exact[b]!) - needOf(exact[a]!) || a - b)
  for (const i of byNeed) {
    if (left <= 0 && counts[i]! > 0) continue
    counts[i]! += 1
    left -= 1
  }
  return counts
}

/** Who would get nothing comes first; then by the remainder. */
const needOf = (exact: number): number => (exact < 1 ? 1 + exact : exact % 1)

interface Normal {
  /** [d] */
  readonly mean: Float64Array
  readonly factor: Pick<Factor, 'values' | 'isTriangular'>
  /** Applied to every number before it is rounded to float32. */
  readonly finish: Finish
}
type Finish = (value: number) => number

/** Fills `rows` [count, d] with μ + F ξ. */
function drawNormal(normal: Normal, stream: Stream, rows: Float32Array): void {
  const d = normal.mean.length
  const normals = new Float64Array(ROWS * d)
  for (let start = 0; start < rows.length; start += normals.length) {
    const used = Math.min(normals.length, rows.length - start)
    for (let i = 0; i < used; i++) normals[i] = stream.normal()
    multiply(normal, normals, rows.subarray(start, start + used))
  }
}

function multiply(
  { mean, factor: { values, isTriangular }, finish }: Normal,
  xi: Float64Array,
  rows: Float32Array,
): void {
  const d = mean.length
  for (let i = 0; i < d; i++) {
    const [row, end] = [i * d, isTriangular ? i + 1 : d]
    let [a, b, c, e] = [mean[i]!, mean[i]!, mean[i]!, mean[i]!]
    for (let j = 0; j < end; j++) {
      const value = values[row + j]!
      a += value * xi[j]!
      b += value * xi[d + j]!
      c += value * xi[2 * d + j]!
      e += value * xi[3 * d + j]!
    }
    // Beyond the end of `rows` nothing is written: that is how typed arrays are.
    rows[i] = finish(a)
    rows[d + i] = finish(b)
    rows[2 * d + i] = finish(c)
    rows[3 * d + i] = finish(e)
  }
}

/**
 * What becomes of a number before it is rounded. What clients measured as T(z) is drawn as such: clamped at 0, the smallest
 * value that T has, and for `tukey-inverse` mapped back.
 */
function finisher({ transform, tukeyPower, reluVirtual }: SamplingHyper): Finish {
  if (transform === 'none') return reluVirtual ? clampedAtZero : (value) => value
  if (transform === 'tukey-input') return clampedAtZero
  if (tukeyPower === 0) return Math.exp
  return (value) => clampedAtZero(value) ** (1 / tukeyPower)
}
const clampedAtZero: Finish = (value) => Math.max(0, value)
