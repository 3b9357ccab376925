import { expect, it } from 'vitest'
import { cutEvenly, cutInProportion } from './cut.js'

const ROWS = Int32Array.of(10, 11, 12, 13, 14, 15, 16)
const plain = (pieces: readonly Int32Array[]): number[][] => pieces.map((piece) => [...piece])

it('cuts in proportion, at rounded-down places', () => {
  // Ends: floor(7 × 0.5) = 3, floor(7 × 0.5) = 3, floor(7 × 0.75) = 5, 7.
  expect(plain(cutInProportion(ROWS, Float64Array.of(2, 0, 1, 1)))).toEqual([
    [10, 11, 12],
    [],
    [13, 14],
    [15, 16],
  ])
})

it('cuts evenly', () => {
  expect(plain(cutEvenly(ROWS, 3))).toEqual([
    [10, 11],
    [12, 13],
    [14, 15, 16],
  ])
})
