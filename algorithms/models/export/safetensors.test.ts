import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBundle, makeBundle, type DType, type NamedTensor } from '#protocol/bundle.js'
import { readSafetensors, valuesOf } from '#algorithms/models/import/safetensors.js'
import { safetensorsFile } from '#testing/safetensors-file.js'
import { bundleInSafetensors, toSafetensors } from './safetensors.js'

const ARRAYS = {
  ...{ float64: Float64Array, float32: Float32Array, float16: Uint16Array },
  ...{ int32: Int32Array, uint8: Uint8Array, uint16: Uint16Array },
}
const tensor: fc.Arbitrary<Omit<NamedTensor, 'name'>> = fc
  .tuple(
    fc.constantFrom(...(Object.keys(ARRAYS) as DType[])),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    fc.integer(),
  )
  .map(([dtype, shape, start]) => {
    const length = shape.reduce((product, size) => product * size, 1)
    const values = Array.from({ length }, (_, i) => ((start + i) % 251) / 2)
    const data = new ARRAYS[dtype](values)
    return { dtype, shape, data }
  })
const bundle = fc
  .tuple(
    fc.array(tensor, { maxLength: 5 }),
    fc.dictionary(
      fc.string({ maxLength: 5 }),
      fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string()),
    ),
  )
  .map(([tensors, meta]) =>
    makeBundle(
      tensors.map((one, i) => ({ ...one, name: `part${i}/w` })),
      { ...meta },
    ),
  )

describe('a bundle as safetensors', () => {
  it('comes back with the same bytes', () => {
    fc.assert(
      fc.property(bundle, (original) => {
        const back = bundleInSafetensors(toSafetensors(original))
        expect(back).not.toBeNull()
        expect(Buffer.from(encodeBundle(back!)).equals(encodeBundle(original))).toBe(true)
      }),
      { seed: 3, numRuns: 300 },
    )
  })

  it('is a file that other readers of the format understand', () => {
    const data = Float32Array.of(1.5, -2, 0.25)
    const halves = Uint16Array.of(0x3c00, 0xc000)
    const file = toSafetensors(
      makeBundle([
        { name: 'a/half', dtype: 'float16', shape: [2], data: halves },
        { name: 'b/single', dtype: 'float32', shape: [3, 1], data },
      ]),
    )
    const tensors = readSafetensors(file)
    expect(valuesOf(tensors.get('b/single')!)).toEqual(data)
    expect(valuesOf(tensors.get('a/half')!)).toEqual(Float32Array.of(1, -2))
    // The values begin at a multiple of eight, and each tensor at one of its element.
    const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
    expect(headerBytes % 8).toBe(0)
    expect(tensors.get('b/single')!.bytes.byteOffset % 4).toBe(0)
  })

  it('is told from files of others, and from one that was tampered with', () => {
    const theirs = safetensorsFile([
      { name: 'w', dtype: 'F32', shape: [1], data: Float32Array.of(1) },
    ])
    expect(bundleInSafetensors(theirs)).toBeNull()
    const ours = toSafetensors(
      makeBundle([{ name: 'a/w', dtype: 'uint8', shape: [1], data: Uint8Array.of(7) }]),
    )
    const renamed = Buffer.from(
      Buffer.from(ours).toString('latin1').replace('"a/w":', '"b/w":'),
      'latin1',
    )
    const isUnreadable = expect.objectContaining({ code: 'model/unreadable' }) as Error
    expect(() => bundleInSafetensors(renamed)).toThrow(isUnreadable)
    expect(() => bundleInSafetensors(ours.subarray(0, 20))).toThrow(isUnreadable)
  })
})
