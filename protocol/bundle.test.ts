import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BYTES_PER_ELEMENT,
  bundleHash,
  decodeBundle,
  encodeBundle,
  float32Of,
  float64Of,
  hasTensor,
  int32Of,
  makeBundle,
  nestBundles,
  partOf,
  payloadFloat32,
  tensorOf,
  tensorsOf,
} from './bundle.js'
import type { BundleLimits, DType, NamedTensor } from './bundle.js'
import { unwrap } from './result.js'

const f32 = (name: string, values: number[], shape = [values.length]): NamedTensor => ({
  name,
  shape,
  dtype: 'float32',
  data: Float32Array.from(values),
})
/** A bundle's bytes with a header and payload of the test's choice. */
function handMade(header: string | Uint8Array, payload: Uint8Array = new Uint8Array(0)) {
  const text = Buffer.from(header)
  const padding = (8 - ((8 + text.length) % 8)) % 8
  const prefix = Buffer.alloc(8)
  prefix.write('TRB1', 'latin1')
  prefix.writeUInt32LE(text.length, 4)
  return Buffer.concat([prefix, text, Buffer.alloc(padding), payload])
}
function refusal(bytes: Uint8Array, limits: Partial<BundleLimits> = {}) {
  const result = decodeBundle(bytes, limits)
  return result.ok ? 'decoded' : [result.error.code, result.error.message].join(': ')
}
const DTYPES = Object.keys(BYTES_PER_ELEMENT) as DType[]
const ARRAYS = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
}

/** Any bytes are a tensor of any dtype, so NaN payloads and negative zeros are among the cases. */
const tensor = fc
  .tuple(
    fc.constantFrom(...DTYPES),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    fc.integer({ min: 0, max: 255 }),
  )
  .map(([dtype, shape, seed]): Omit<NamedTensor, 'name'> => {
    const bytes = shape.reduce((a, b) => a * b, 1) * BYTES_PER_ELEMENT[dtype]
    const filled = Uint8Array.from({ length: bytes }, (_, i) => (seed * 31 + i * 17) & 255)
    return { dtype, shape, data: new ARRAYS[dtype](filled.buffer) }
  })
const meta = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, never>)
  .filter((value) => !/__proto__|constructor/.test(JSON.stringify(value)))
const bundle = fc
  .tuple(fc.dictionary(fc.stringMatching(/^[!-~]{1,12}$/), tensor, { maxKeys: 5 }), meta)
  .map(([tensors, extra]) =>
    makeBundle(
      Object.entries(tensors).map(([name, rest]) => ({ name, ...rest })),
      extra,
    ),
  )

describe('a bundle', () => {
  it('has the bytes that docs/protocol.md promises', () => {
    const bytes = Buffer.from(encodeBundle(makeBundle([f32('w', [1.5, -2])], { a: 1 })))
    const header = '{"meta":{"a":1},"tensors":[{"dtype":"float32","name":"w","shape":[2]}]}'
    expect(bytes.subarray(0, 4).toString()).toBe('TRB1')
    expect(bytes.readUInt32LE(4)).toBe(header.length)
    expect(bytes.subarray(8, 8 + header.length).toString()).toBe(header)
    // 8 + 71 = 79 bytes, so one byte of padding.
    expect(bytes.subarray(79).toString('hex')).toBe('00' + '0000c03f' + '000000c0')
  })

  it('survives encode and decode, wherever the bytes lie in memory', () => {
    fc.assert(
      fc.property(bundle, fc.integer({ min: 0, max: 7 }), (made, shift) => {
        const encoded = encodeBundle(made)
        const pool = Buffer.alloc(encoded.length + 8)
        pool.set(encoded, shift)
        const decoded = unwrap(decodeBundle(pool.subarray(shift, shift + encoded.length)))
        expect(decoded).toEqual(made)
        expect(tensorsOf(decoded)).toEqual(tensorsOf(made))
        expect(encodeBundle(decoded)).toEqual(encoded)
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it('has one hash whatever the order of the keys in meta', () => {
    const one = makeBundle([f32('w', [1])], { a: 1, b: { c: 2, d: 3 } })
    const other = makeBundle([f32('w', [1])], { b: { d: 3, c: 2 }, a: 1 })
    expect(bundleHash(one)).toBe(bundleHash(other))
    expect(bundleHash(one)).not.toBe(bundleHash(makeBundle([f32('w', [1.0000001])], one.meta)))
  })

  it('refuses data that do not fill their shape, of another type, or two tensors of one name', () => {
    expect(() => makeBundle([f32('w', [1, 2], [3])])).toThrow(/w declares float32 \[3\]/)
    expect(() => makeBundle([{ ...f32('w', [1]), dtype: 'int32' }])).toThrow(/got Float32Array/)
    expect(() => makeBundle([f32('w', [1]), f32('w', [2])])).toThrow(/'w' is taken/)
    expect(() => makeBundle([f32('a b', [1])])).toThrow(/'a b'/)
  })
})

describe('reading tensors', () => {
  const made = makeBundle([
    { name: 'bytes', shape: [3], dtype: 'uint8', data: Uint8Array.of(1, 2, 3) },
    f32('w', [1.5, -2]),
    { name: 'n', shape: [], dtype: 'int32', data: Int32Array.of(-7) },
    { name: 'd', shape: [1], dtype: 'float64', data: Float64Array.of(0.1) },
  ])
  it('finds each by name, aligned or not', () => {
    expect(float32Of(made, 'w')).toEqual(Float32Array.of(1.5, -2))
    expect(int32Of(made, 'n')).toEqual(Int32Array.of(-7))
    expect(float64Of(made, 'd')).toEqual(Float64Array.of(0.1))
    expect(hasTensor(made, 'w')).toBe(true)
    expect(hasTensor(made, 'toString')).toBe(false)
  })
  it('is a view of the payload where the bytes are aligned', () => {
    const aligned = makeBundle([f32('a', [1]), f32('b', [2])])
    expect(tensorOf(aligned, 'b').data.buffer).toBe(aligned.payload.buffer)
    expect(payloadFloat32(aligned)).toEqual(Float32Array.of(1, 2))
    expect(payloadFloat32(aligned).buffer).toBe(aligned.payload.buffer)
  })
  it('copies from a Buffer that is not aligned, whose slices are views', () => {
    const payload = Buffer.alloc(9)
    payload.set(made.payload.subarray(3, 11), 1)
    const odd = { ...makeBundle([f32('w', [0, 0])]), payload: payload.subarray(1) }
    expect(float32Of(odd, 'w')).toEqual(Float32Array.of(1.5, -2))
  })
  it('throws bundle/malformed for an absent tensor or another dtype', () => {
    expect(() => tensorOf(made, 'x')).toThrow(/no tensor 'x'/)
    expect(() => float64Of(made, 'w')).toThrow(/w is float32, not float64/)
    expect(() => payloadFloat32(made)).toThrow(/bytes is uint8/)
  })
})

describe('nested bundles', () => {
  it('give every part back, meta included', () => {
    const parts = {
      train: makeBundle([f32('w', [1]), f32('b', [2])], { round: 3 }),
      evaluation: makeBundle([{ name: 'n', shape: [1], dtype: 'uint8', data: Uint8Array.of(9) }]),
    }
    const nested = unwrap(decodeBundle(encodeBundle(nestBundles(parts))))
    expect(nested.tensors.map(({ name }) => name)).toEqual(['evaluation/n', 'train/w', 'train/b'])
    expect(partOf(nested, 'train')).toEqual(parts.train)
    expect(partOf(nested, 'evaluation')).toEqual(parts.evaluation)
  })
  it('refuse a part that is not there and a part whose name could be taken for two', () => {
    expect(() => partOf(nestBundles({}), 'toString')).toThrow(/no part 'toString'/)
    expect(() => nestBundles({ 'a/b': makeBundle([]) })).toThrow(/has no '\/'/)
  })
})

describe('decoding what a peer sent', () => {
  const header = (tensors: string, extra = '{}') => `{"meta":${extra},"tensors":${tensors}}`
  const spec = (shape: string, name = 'w') =>
    `{"dtype":"float32","name":"${name}","shape":${shape}}`
  const deep = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`
  const wide = `{"a":[${'0,'.repeat(300_000)}0]}`

  it.each<[string, Uint8Array, RegExp]>([
    ['too few bytes', Buffer.from('TRB1'), /at least 8 bytes/],
    ['another magic', Buffer.from('TRB2\0\0\0\0'), /starts with 'TRB1'/],
    ['a header longer than the bytes', Buffer.from('TRB1\xff\xff\xff\x00{}', 'latin1'), /claims/],
    ['a header of 4 GiB', Buffer.from('TRB1\xff\xff\xff\xff', 'latin1'), /claims 4294967295/],
    ['a header that is not JSON', handMade('{"meta"'), /not JSON/],
    ['another structure', handMade('[]'), /is not \{meta/],
    ['an unknown header key', handMade('{"meta":{},"more":1,"tensors":[]}'), /is not \{meta/],
    [
      'an unknown tensor key',
      handMade(header('[{"dtype":"uint8","name":"w","of":1,"shape":[]}]')),
      /is not/,
    ],
    ['keys in another order', handMade('{"tensors":[],"meta":{}}'), /not canonical/],
    ['spaces', handMade('{"meta":{}, "tensors":[]}'), /not canonical/],
    ['a key twice', handMade('{"meta":{},"meta":{},"tensors":[]}'), /not canonical/],
    [
      'invalid UTF-8',
      handMade(Buffer.from('{"meta":{"a":"\xff"},"tensors":[]}', 'latin1')),
      /not canonical/,
    ],
    ['a number that is not canonical', handMade(header('[]', '{"a":1.0}')), /not canonical/],
    ['__proto__', handMade(header('[]', '{"__proto__":{"polluted":1}}')), /not JSON/],
    ['an escaped __proto__', handMade(header('[]', '{"\\u005f_proto__":1}')), /not JSON/],
    [
      'constructor.prototype',
      handMade(header('[]', '{"constructor":{"prototype":{}}}')),
      /not JSON/,
    ],
    [
      'an unknown dtype',
      handMade(header('[{"dtype":"toString","name":"w","shape":[]}]')),
      /is not/,
    ],
    ['a negative dimension', handMade(header(`[${spec('[-1]')}]`)), /is not/],
    ['a fractional dimension', handMade(header(`[${spec('[1.5]')}]`)), /is not/],
    ['a dimension that is not a number', handMade(header(`[${spec('[null]')}]`)), /is not/],
    ['negative zero', handMade(header(`[${spec('[-0]')}]`)), /is not/],
    ['nine dimensions', handMade(header(`[${spec('[1,1,1,1,1,1,1,1,1]')}]`)), /is not/],
    ['a name with a space', handMade(header(`[${spec('[]', 'a b')}]`)), /is not/],
    ['an empty name', handMade(header(`[${spec('[]', '')}]`)), /is not/],
    [
      'one name twice',
      handMade(header(`[${spec('[]')},${spec('[]')}]`), new Uint8Array(8)),
      /same name/,
    ],
    ['a payload too short', handMade(header(`[${spec('[2]')}]`), new Uint8Array(4)), /need more/],
    ['trailing bytes', handMade(header(`[${spec('[1]')}]`), new Uint8Array(5)), /need 4 bytes, 5/],
    [
      'a shape of petabytes',
      handMade(header(`[${spec('[9007199254740991,9007199254740991]')}]`)),
      /need more/,
    ],
    [
      'sizes that would wrap around 2^64',
      handMade(header(`[${spec('[4294967296,4294967296]')}]`)),
      /need more/,
    ],
    ['a meta too deep', handMade(header('[]', deep(40))), /is not/],
    ['a meta a million levels deep', handMade(header('[]', deep(1_000_000))), /not/],
    ['a meta that is an array', handMade(header('[]', '[]')), /is not/],
  ])('refuses %s', (_what, bytes, message) => {
    expect(refusal(bytes)).toMatch(/^bundle\/malformed/)
    expect(refusal(bytes)).toMatch(message)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it('takes a meta of any width', () => {
    expect(decodeBundle(handMade(header('[]', wide))).ok).toBe(true)
  })
  it('refuses padding that is not zero', () => {
    // 8 + 71 header bytes, so byte 79 is padding.
    const bytes = encodeBundle(makeBundle([f32('w', [1])], { a: 1 }))
    bytes[79] = 7
    expect(refusal(bytes)).toMatch(/padding/)
  })
  it('keeps to the limits it is given', () => {
    const bytes = encodeBundle(makeBundle([f32('a', [1]), f32('b', [1])], { text: 'x'.repeat(99) }))
    expect(refusal(bytes, { maxBytes: bytes.length - 1 })).toMatch(/^bundle\/too-large/)
    expect(refusal(bytes, { maxTensors: 1 })).toMatch(/at most 1 tensors, got 2/)
    expect(refusal(bytes, { maxHeaderBytes: 99 })).toMatch(/claims/)
    expect(refusal(bytes, { maxBytes: bytes.length, maxTensors: 2 })).toBe('decoded')
  })
})
