import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { idxBytes, temporaryDirectory } from '#testing/data-fixtures.js'
import { readIdx } from './idx.js'

const { file, path: directory } = temporaryDirectory()
const GOOD = idxBytes([3, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255])

describe('readIdx', () => {
  it('reads dimensions and values', async () => {
    const { dimensions, data } = await readIdx(await file('good', GOOD))
    expect(dimensions).toEqual([3, 2, 2])
    expect([...data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255])
  })

  it('reads the same from a gzip file', async () => {
    const { dimensions, data } = await readIdx(await file('good.gz', gzipSync(GOOD)))
    expect(dimensions).toEqual([3, 2, 2])
    expect(data.length).toBe(12)
    expect(data[11]).toBe(255)
  })

  it.each(['limited', 'limited.gz'])(
    'stops at the limit but still tells the whole size (%s)',
    async (name) => {
      const bytes = name.endsWith('.gz') ? gzipSync(GOOD) : GOOD
      const { dimensions, data } = await readIdx(await file(name, bytes), 2)
      expect(dimensions[0]).toBe(3)
      expect([...data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    },
  )

  it.each([
    [
      'is cut short',
      GOOD.subarray(0, 20),
      /expected 28 bytes \(the header declares 3 × 2 × 2\), found 20 bytes/,
    ],
    ['is too long', Buffer.concat([GOOD, Buffer.from([1])]), /found 29 bytes/],
    ['is empty', Buffer.alloc(0), /idx header .* found 0 bytes/],
    ['ends in its header', GOOD.subarray(0, 9), /header of 16 bytes, found 9 bytes/],
    ['is something else', Buffer.from('GIF89a, not idx at all'), /found 47494638/],
    ['holds floats', Buffer.from([0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0]), /found 00000d01/],
    ['has no dimension', Buffer.from([0, 0, 8, 0]), /found 00000800/],
    ['has a dimension of zero', idxBytes([0, 2], []), /dimensions above zero, found 0 × 2/],
  ])('refuses a file that %s, and names it', async (_what, bytes, message) => {
    const path = await file('bad', bytes)
    await expect(readIdx(path)).rejects.toMatchObject({ code: 'data/corrupt' })
    await expect(readIdx(path)).rejects.toThrow(message)
    await expect(readIdx(path)).rejects.toThrow(path)
  })

  it('allocates nothing for sizes that a header invents', async () => {
    const huge = idxBytes([0xffffffff, 0xffffffff, 0xffffffff], [1])
    await expect(readIdx(await file('huge', huge))).rejects.toThrow(/found 17 bytes/)
    await expect(readIdx(await file('huge.gz', gzipSync(huge)))).rejects.toThrow(/compressed bytes/)
  })

  it.each([
    [
      'ends in the middle',
      gzipSync(idxBytes([40, 40], new Array(1600).fill(7))).subarray(0, 30),
      /1612 bytes/,
    ],
    ['is not gzip', Buffer.from('plain text'), /a gzip file/],
    [
      'inflates to more than it declares',
      gzipSync(Buffer.concat([GOOD, Buffer.alloc(5000)])),
      /28 bytes/,
    ],
    ['inflates to less than it declares', gzipSync(GOOD.subarray(0, 22)), /found 22 bytes/],
  ])('refuses a gzip file that %s', async (_what, bytes, message) => {
    const path = await file('bad.gz', bytes)
    await expect(readIdx(path)).rejects.toMatchObject({ code: 'data/corrupt' })
    await expect(readIdx(path)).rejects.toThrow(message)
  })

  it('says that a file is not there', async () => {
    const path = join(directory(), 'nowhere')
    await expect(readIdx(path)).rejects.toMatchObject({ code: 'data/not-found' })
    await expect(readIdx(directory())).rejects.toThrow(/not a file/)
  })
})
