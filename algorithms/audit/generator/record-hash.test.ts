import { describe, expect, it } from 'vitest'
import { wholeDataset, type Dataset } from '#data/dataset.js'
import type { LayeredGenerator } from './layered-generator.js'
import { assertUnseen, recordHash, recordHashes } from './record-hash.js'

const dataset = (rows: readonly (readonly number[])[]): Dataset => ({
  ...{ name: 'made up', inputShape: [2, 1, 1], classes: ['0'], count: rows.length },
  features: Float32Array.from(rows.flat()),
  labels: new Int32Array(rows.length),
})
const seen = (hashes: readonly string[]): LayeredGenerator =>
  ({ trainingRecords: new Set(hashes), trainedOn: 'public data' }) as unknown as LayeredGenerator

describe('hashes of records', () => {
  it('have 16 hexadecimal digits, and survive rounding to 256 steps', () => {
    const [one] = recordHashes(wholeDataset(dataset([[0.5, 1]])))
    expect(one).toMatch(/^[0-9a-f]{16}$/)
    expect(recordHash(Float32Array.of(0.5001, 0.9999))).toBe(one)
    expect(recordHash(Float32Array.of(0.51, 1))).not.toBe(one)
    expect(recordHash(Float32Array.of(1, 0.5))).not.toBe(one)
  })

  it('a record that a generator was trained on is not audited with it', () => {
    const audited = wholeDataset(
      dataset([
        [0, 0.25],
        [1, 0.75],
      ]),
    )
    const [first] = recordHashes(audited)
    expect(() => assertUnseen(seen([]), audited)).not.toThrow()
    expect(() => assertUnseen(seen(['0123456789abcdef']), audited)).not.toThrow()
    expect(() => assertUnseen(seen([first!]), audited)).toThrow(
      expect.objectContaining({
        code: 'audit/record-known',
        message: expect.stringContaining('one record') as unknown,
      }),
    )
    const other = { ...audited, indices: Int32Array.of(1) }
    expect(() => assertUnseen(seen([first!]), other)).not.toThrow()
  })
})
