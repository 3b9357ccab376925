import { describe, expect, it } from 'vitest'
import { readPixelRows } from './json-pixels.js'

const read = (text: string, skip: number, take: number): number[] => [
  ...readPixelRows('x.json', Buffer.from(text), { skip, take, size: 3 }),
]

describe('readPixelRows', () => {
  it('keeps the rows asked for', () => {
    const text = '{"data":[[0,1,2],[30,4,255],[6,7,8]]}'
    expect(read(text, 0, 3)).toEqual([0, 1, 2, 30, 4, 255, 6, 7, 8])
    expect(read(text, 1, 1)).toEqual([30, 4, 255])
  })

  it('passes over empty rows', () => {
    expect(read('{"data":[[1,2,3],[],[4,5,6],[]]}', 1, 1)).toEqual([4, 5, 6])
  })

  it('does not look at what comes after the last row', () => {
    expect(read('{"data":[[1,2,3],[4,x', 0, 1)).toEqual([1, 2, 3])
  })

  it.each([
    ['{"data":[[1,2,3]]}', /at least 2 rows of 3 values, found 1/],
    ['{"data":[[1,2,3],[4,5', /at least 2 rows/],
    ['{"data":[[1,2],[3,4,5]]}', /rows of 3 values, found one of 2/],
    ['{"data":[[1,256,3],[4,5,6]]}', /values from 0 to 255/],
    ['{"data":[[1,0000,3],[4,5,6]]}', /values from 0 to 255/],
    ['{"data":[[1,-2,3],[4,5,6]]}', /digits, commas and brackets/],
    ['no data', /at least 2 rows/],
    ['', /at least 2 rows/],
  ])('refuses %s', (text, message) => {
    expect(() => read(text, 0, 2)).toThrow(message)
    expect(() => read(text, 0, 2)).toThrow(/^x\.json/)
  })
})
