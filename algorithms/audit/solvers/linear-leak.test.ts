import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { repeatedLeaks, singleLeaks, type DenseGradient } from './linear-leak.js'

const stream = createStreams(8)('test/leak', 0, 0)
const UNITS = 6

/** Of records x [records][inputs], whose errors at the units are `errors` [records][units]. */
function gradientOf(
  records: readonly (readonly number[])[],
  errors: readonly (readonly number[])[],
): DenseGradient {
  const inputs = records[0]!.length
  const kernel = new Float32Array(inputs * UNITS)
  const bias = new Float32Array(UNITS)
  records.forEach((x, r) => {
    errors[r]!.forEach((error, j) => {
      bias[j]! += error
      x.forEach((value, i) => (kernel[i * UNITS + j]! += value * error))
    })
  })
  return { kernel, bias, support: null }
}
const normals = (size: number): number[] => Array.from({ length: size }, () => stream.normal())
const none = (): number => 0

describe('what a dense layer tells', () => {
  it('is the input itself, by every rule, for one record', () => {
    const x = normals(5)
    const leaks = singleLeaks(gradientOf([x], [normals(UNITS)]))
    expect(leaks).toHaveLength(3)
    for (const leak of leaks) leak.forEach((value, i) => expect(value).toBeCloseTo(x[i]!, 5))
  })

  it('leaves out units whose ratio is all rounding', () => {
    const x = [0.5, -1]
    const { kernel, bias } = gradientOf([x], [[1, 1e-5, 0, 0, 0, 0.5]])
    // The weak unit's numbers are spoilt.
    kernel[1] = 7
    const [least, median, strongest] = singleLeaks({ kernel, bias, support: null })
    for (const leak of [least!, median!, strongest!]) {
      leak.forEach((value, i) => expect(value).toBeCloseTo(x[i]!, 5))
    }
  })

  it('is put together from what was sent, and open where nothing was', () => {
    const x = [0.5, -1, 2]
    const gradient = gradientOf([x], [[1, 0.5, 0, 0, 0, 0]])
    const support = new Float32Array(3 * UNITS)
    support[0 * UNITS + 1] = 1 // x_0 at the weaker unit only
    support[1 * UNITS + 0] = 1
    const kernel = gradient.kernel.map((value, at) => value * support[at]!)
    const [least, median, strongest] = singleLeaks({ ...gradient, kernel, support })
    expect([...least!]).toEqual([0.5, -1, Number.NaN])
    expect([...median!]).toEqual([0.5, -1, Number.NaN])
    expect([...strongest!]).toEqual([Number.NaN, -1, Number.NaN])
  })

  it('is nothing where no unit learned anything', () => {
    expect(singleLeaks(gradientOf([[1, 2]], [[0, 0, 0, 0, 0, 0]]))).toEqual([])
  })

  it('is each of several records that has units of its own, those with the most units first', () => {
    const [a, b] = [normals(5), normals(5)]
    // Units 0 and 1 see a alone, 2 to 4 see b alone, 5 a mixture.
    const gradient = gradientOf(
      [a, b],
      [
        [1, -2, 0, 0, 0, 0.7],
        [0, 0, 0.5, 1, 2, 0.4],
      ],
    )
    const found = repeatedLeaks(gradient, 2, none)
    found[0]!.forEach((value, i) => expect(value).toBeCloseTo(b[i]!, 5))
    found[1]!.forEach((value, i) => expect(value).toBeCloseTo(a[i]!, 5))
  })

  it('is the least implausible vector where none repeats', () => {
    const records = [normals(4), normals(4), normals(4)]
    const gradient = gradientOf(records, [normals(UNITS), normals(UNITS), normals(UNITS)])
    const fault = (vector: Float32Array): number => Math.abs(vector[0]! - records[0]![0]!)
    const [first, second] = repeatedLeaks(gradient, 2, fault)
    expect(fault(first!)).toBeLessThanOrEqual(fault(second!))
  })
})
