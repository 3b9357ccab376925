import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import { normalTensor } from '#algorithms/tensor/random-tensor.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { chosenFor } from '#testing/fedins-reference.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { cosines, domainEntries, nearestKeys, randomEntries } from './routing.js'

const streams = createStreams(11)
const draw = (purpose: string, shape: number[]): Tensor =>
  normalTensor(streams(purpose, 0, 0), shape)
const queries = () => draw('queries', [9, 4])
const keys = () => draw('keys', [6, 4])
/** Which entries each row takes, in ascending order. */
const choices = (chosen: Tensor): number[][] =>
  (chosen.arraySync() as number[][]).map((row) => row.flatMap((one, m) => (one === 1 ? [m] : [])))
const choose = (make: () => Tensor): number[][] => choices(tf.tidy(make))

describeOnBackends('choosing entries', () => {
  it('I4: k ones a row, so that S sums to 1 and S · Γ is the mean of the chosen rows', () => {
    for (const k of [1, 3, 6]) {
      tf.tidy(() => {
        const rows = draw('rows', [6, 5])
        const chosen = nearestKeys(queries(), keys(), k)
        const values = rows.arraySync() as number[][]
        const mean = tf.matMul(tf.div(chosen, k), rows).arraySync() as number[][]
        choices(chosen).forEach((own, b) => {
          expect(own).toHaveLength(k)
          const gathered = values[0]!.map((_, d) => own.reduce((sum, m) => sum + values[m]![d]!, 0))
          gathered.forEach((sum, d) => expect(mean[b]![d]).toBeCloseTo(sum / k, 5))
        })
        expect([...tf.sum(chosen).dataSync()]).toEqual([9 * k])
      })
    }
  })

  it('takes the keys with the largest cosines, however long they are', () => {
    const [rows, all] = [queries().arraySync() as number[][], keys().arraySync() as number[][]]
    for (const k of [1, 2, 5]) {
      expect(choose(() => nearestKeys(queries(), keys(), k))).toEqual(
        rows.map((query) => chosenFor(query, all, k).sort((a, b) => a - b)),
      )
    }
  })

  it('I12: the length of a key or a query changes nothing', () => {
    const before = choose(() => nearestKeys(queries(), keys(), 2))
    // Lengths of their own for each row, over six orders of magnitude.
    const scales = (n: number) => tf.tensor2d([...Array(n).keys()].map((i) => [10 ** (i - 3)]))
    expect(choose(() => nearestKeys(queries(), tf.mul(keys(), scales(6)), 2))).toEqual(before)
    expect(choose(() => nearestKeys(tf.mul(queries(), scales(9)), keys(), 2))).toEqual(before)
  })

  it('I22: among equal keys the lower index wins', () => {
    // Entries 1, 3 and 4 lie on the query's ray; 0 and 2 are as far from it as each other. All lengths are exact.
    const five = () => tf.tensor2d([0, 1, 1, 0, 0, -1, 2, 0, 4, 0], [5, 2])
    const one = () => tf.tensor2d([[3, 0]])
    expect(choose(() => nearestKeys(one(), five(), 1))).toEqual([[1]])
    expect(choose(() => nearestKeys(one(), five(), 2))).toEqual([[1, 3]])
    expect(choose(() => nearestKeys(one(), five(), 4))).toEqual([[0, 1, 3, 4]])
    const twins = () => tf.tile(draw('one key', [1, 33]), [25, 1])
    const chosen = choose(() => nearestKeys(draw('many queries', [40, 33]), twins(), 3))
    expect(chosen).toEqual(Array(40).fill([0, 1, 2]))
  })

  it('a query of zeros is as near to every key: it takes the first k', () => {
    expect(choose(() => nearestKeys(tf.zeros([1, 4]), keys(), 3))).toEqual([[0, 1, 2]])
    expect([...tf.tidy(() => cosines(tf.zeros([1, 4]), keys())).dataSync()].map(Math.abs)).toEqual(
      Array(6).fill(0),
    )
  })

  it('a key of zeros is as near to every query, and has a gradient', () => {
    const withZero = () => tf.tensor2d([0, 0, 1, 1], [2, 2])
    const query = () => tf.tensor2d([[1, 0]])
    expect([...tf.tidy(() => cosines(query(), withZero())).dataSync()][0]).toBe(0)
    const gradient = tf.grad((moving) => tf.sum(tf.slice(cosines(query(), moving), [0, 1], [1, 1])))
    // Of the other key's cosine alone: nothing. (q̂ − sim K̂) / ‖K‖ = (1/2, −1/2) / √2.
    const [a, b, c, d] = gradient(withZero()).dataSync()
    expect([Math.abs(a!), Math.abs(b!)]).toEqual([0, 0])
    expect([c, d]).toEqual([expect.closeTo(0.353553, 5), expect.closeTo(-0.353553, 5)])
  })
})

describe('choosing without keys', () => {
  beforeAll(async () => void (await useBackend('cpu')))
  const rows = Int32Array.from({ length: 400 }, (_, i) => i)
  const random = (some: Int32Array) =>
    choose(() => randomEntries((row) => streams('test', row, 0), some, { entries: 5, k: 2 }))

  it('at random: k different entries a row, all alike in the long run', () => {
    const chosen = random(rows)
    expect(chosen.every((own) => own.length === 2)).toBe(true)
    const counts = [0, 1, 2, 3, 4].map((m) => chosen.filter((own) => own.includes(m)).length)
    // 160 of 400 are expected; the standard deviation is √(400 · 0.4 · 0.6) = 9.8.
    counts.forEach((count) => expect(Math.abs(count - 160)).toBeLessThan(40))
  })

  it('at random: a row is routed alike alone, in a batch and in another order', () => {
    const all = random(rows)
    expect(random(Int32Array.of(7))).toEqual([all[7]])
    expect(random(Int32Array.of(31, 7))).toEqual([all[31], all[7]])
  })

  it('by domain: entry m for domain m', () => {
    expect(choose(() => domainEntries(Uint8Array.of(2, 0, 1), 4))).toEqual([[2], [0], [1]])
  })

  it('by domain: says what is missing', () => {
    expect(() => domainEntries(null, 4)).toThrow(
      expect.objectContaining({
        code: 'data/mismatch',
        message: expect.stringMatching(/domains are known/) as string,
      }),
    )
    expect(() => domainEntries(Uint8Array.of(0, 4), 4)).toThrow(
      expect.objectContaining({
        code: 'data/mismatch',
        message: expect.stringMatching(/a domain 4 and poolSize is 4/) as string,
      }),
    )
  })
})
