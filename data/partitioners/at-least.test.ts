import { describe, expect, it } from 'vitest'
import { ATTEMPTS, drawUntilAtLeast } from './at-least.js'

const parts = (...sizes: number[]): Int32Array[] => {
  let row = 0
  return sizes.map((size) => Int32Array.from({ length: size }, () => row++))
}

describe('drawUntilAtLeast', () => {
  it('takes the first draw that is good', () => {
    const drawn: number[] = []
    const result = drawUntilAtLeast(2, (attempt) => {
      drawn.push(attempt)
      return attempt < 3 ? parts(1, 5) : parts(2, 4)
    })
    expect(drawn).toEqual([0, 1, 2, 3])
    expect(result.map((part) => part.length)).toEqual([2, 4])
  })

  it('moves rows from the largest to the smallest when no draw is good', () => {
    let draws = 0
    const result = drawUntilAtLeast(2, () => {
      draws++
      return parts(1, 0, 5, 3)
    })
    expect(draws).toBe(ATTEMPTS)
    // Rows: [0], [], [1 2 3 4 5], [6 7 8]. The second takes 4 and 5 from the third; then the first takes 3 from it, which is
    // the first of the two that have three left.
    expect(result.map((part) => [...part])).toEqual([
      [0, 3],
      [4, 5],
      [1, 2],
      [6, 7, 8],
    ])
  })

  it('takes from several when one has not enough to spare', () => {
    const result = drawUntilAtLeast(3, () => parts(0, 4, 5))
    expect(result.map((part) => part.length)).toEqual([3, 3, 3])
  })
})
