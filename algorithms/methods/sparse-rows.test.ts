import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { bundleHash, makeBundle, tensorOf, type NamedTensor } from '#protocol/bundle.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { packUpdate, receiveUpdate } from './update.js'

const ENTRIES = 4
const group = (sparse: boolean): UplinkGroup => ({
  name: 'pool',
  tensors: [
    { name: 'scale', shape: [ENTRIES, 2], dtype: 'float32' },
    { name: 'bias', shape: [ENTRIES], dtype: 'float32' },
  ],
  ...{ reduce: 'mean', weight: 'uniform', grid: { bits: 20, maxAbs: 8 } },
  ...{ privacyClass: 'model-delta', maxBytes: 48 },
  ...(sparse ? { sparseRows: true as const } : {}),
})
const loss: UplinkGroup = {
  name: 'other',
  tensors: [{ name: 'x', shape: [1], dtype: 'float32' }],
  ...{ reduce: 'sum', weight: 'none', grid: { bits: 20, maxAbs: 8 } },
  ...{ privacyClass: 'metrics', maxBytes: 4 },
}
const float = (name: string, shape: readonly number[], data: readonly number[]): NamedTensor => ({
  name,
  shape,
  dtype: 'float32',
  data: Float32Array.from(data),
})
const update = (scale: readonly number[], bias: readonly number[]) => ({
  pool: [float('scale', [ENTRIES, 2], scale), float('bias', [ENTRIES], bias)],
  other: [float('x', [1], [3])],
})
const limits = (sparse: boolean) => ({ maxExamples: 10, uplink: [group(sparse), loss] })

describe('rows of zeros', () => {
  it('stay at home: rows 1 and 3 go, the others have nothing to say', () => {
    const { tensors } = packUpdate(
      update([0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 5]),
      limits(true).uplink,
    )
    expect(tensors).toEqual([
      { name: 'pool/#rows', shape: [2], dtype: 'int32' },
      { name: 'pool/scale', shape: [2, 2], dtype: 'float32' },
      { name: 'pool/bias', shape: [2], dtype: 'float32' },
      { name: 'other/x', shape: [1], dtype: 'float32' },
    ])
  })

  it('are there again on arrival, for any update', () => {
    const sparseValue = fc.oneof(
      fc.constant(0),
      fc.constant(0),
      fc.integer({ min: 1, max: 32 }).map((x) => x / 4 - 4.125),
    )
    fc.assert(
      fc.property(
        fc.array(sparseValue, { minLength: 8, maxLength: 8 }),
        fc.array(sparseValue, { minLength: 4, maxLength: 4 }),
        (scale, bias) => {
          const sent = packUpdate(update(scale, bias), limits(true).uplink)
          const received = receiveUpdate(sent, 1, limits(true))
          const plain = packUpdate(update(scale, bias), limits(false).uplink)
          expect(received.ok && bundleHash(received.value)).toBe(bundleHash(plain))
        },
      ),
    )
  })

  const arrived = (rows: NamedTensor, scale: NamedTensor, bias: NamedTensor) =>
    makeBundle([rows, scale, bias, float('other/x', [1], [3])])
  const rows = (...data: number[]): NamedTensor => ({
    name: 'pool/#rows',
    shape: [data.length],
    dtype: 'int32',
    data: Int32Array.from(data),
  })
  const scale = (count: number) =>
    float(
      'pool/scale',
      [count, 2],
      Array.from({ length: 2 * count }, () => 1),
    )
  const bias = (count: number) =>
    float(
      'pool/bias',
      [count],
      Array.from({ length: count }, () => 1),
    )

  it.each([
    ['a row beyond the last', arrived(rows(1, 4), scale(2), bias(2))],
    ['a negative row', arrived(rows(-1, 2), scale(2), bias(2))],
    ['a row twice', arrived(rows(2, 2), scale(2), bias(2))],
    ['rows out of order', arrived(rows(2, 1), scale(2), bias(2))],
    ['more rows than numbers', arrived(rows(0, 1, 2), scale(2), bias(3))],
    [
      'rows that are no whole numbers',
      arrived({ ...rows(0), dtype: 'float32', data: Float32Array.of(0) }, scale(1), bias(1)),
    ],
    [
      'no row numbers',
      packUpdate(update([0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 5]), limits(false).uplink),
    ],
  ])('are refused with %s', (_, bundle) => {
    const received = receiveUpdate(bundle, 1, limits(true))
    expect(received.ok ? null : received.error.code).toBe('update/malformed')
  })

  it('do not hide a number that is not finite', () => {
    const bad = arrived(rows(1), float('pool/scale', [1, 2], [Number.NaN, 1]), bias(1))
    const received = receiveUpdate(bad, 1, limits(true))
    expect(received.ok ? null : received.error.code).toBe('update/not-finite')
    expect(tensorOf(bad, 'pool/#rows').data).toHaveLength(1)
  })
})
