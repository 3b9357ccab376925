import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFrame, encodeFrame, type Frame, type FrameHeader } from './frame.js'
import { sha256, type RunId } from './ids.js'
import { unwrap } from './result.js'

const HEADER: FrameHeader = {
  runId: 'run-0123456789ab' as RunId,
  round: 3,
  attempt: 1,
  lease: '0123456789abcdef0123456789abcdef',
  updateId: sha256('update'),
  payloadSha256: sha256('payload'),
  payloadBytes: 1000,
  weight: 600,
}
const LIMITS = { maxChunkBytes: 100 }
const frame = (change: Partial<Frame> = {}): Frame => ({
  header: HEADER,
  chunkIndex: 2,
  chunk: Uint8Array.of(1, 2, 3),
  ...change,
})
function refusal(bytes: Uint8Array, limits = LIMITS): string {
  const result = decodeFrame(bytes, limits)
  return result.ok ? 'decoded' : `${result.error.code}: ${result.error.message}`
}
/** A frame whose header is the test's text. */
function withHeader(text: string): Uint8Array {
  const header = Buffer.from(text)
  const prefix = Buffer.from('FLU1\x01\0\0\0', 'latin1')
  prefix.writeUInt16LE(header.length, 6)
  return Buffer.concat([prefix, header, Buffer.from([0, 0, 0, 0, 1, 0, 0, 0, 9])])
}
const changed = (change: object): string => JSON.stringify(sorted({ ...HEADER, ...change }))
const sorted = (value: object): object => Object.fromEntries(Object.entries(value).sort())

describe('an update frame', () => {
  it('has the bytes of docs/protocol.md', () => {
    const bytes = Buffer.from(encodeFrame(frame()))
    const headerBytes = bytes.readUInt16LE(6)
    expect(bytes.subarray(0, 4).toString()).toBe('FLU1')
    expect(bytes.readUInt16LE(4)).toBe(1)
    expect(JSON.parse(bytes.subarray(8, 8 + headerBytes).toString())).toEqual(HEADER)
    // Chunk index 2, 3 bytes: 1, 2, 3.
    expect(bytes.subarray(8 + headerBytes).toString('hex')).toBe('02000000' + '03000000' + '010203')
  })
  it('survives encode and decode, wherever the bytes lie in memory', () => {
    const anyFrame = fc.record({
      header: fc.record({
        runId: fc.constant(HEADER.runId),
        round: fc.nat(),
        attempt: fc.integer({ min: 1, max: 1000 }),
        lease: fc.stringMatching(/^[0-9a-f]{32}$/),
        updateId: fc.string().map(sha256),
        payloadSha256: fc.string().map(sha256),
        payloadBytes: fc.integer({ min: 1000, max: Number.MAX_SAFE_INTEGER }),
        weight: fc.integer({ min: 1, max: 1e9 }),
      }),
      chunkIndex: fc.nat({ max: 999 }),
      chunk: fc.uint8Array({ minLength: 1, maxLength: 100 }),
    })
    fc.assert(
      fc.property(anyFrame, fc.nat({ max: 7 }), (made, shift) => {
        const encoded = encodeFrame(made)
        const pool = Buffer.alloc(encoded.length + shift)
        pool.set(encoded, shift)
        expect(unwrap(decodeFrame(pool.subarray(shift), LIMITS))).toEqual(made)
      }),
      { seed: 4, numRuns: 200 },
    )
  })
  it('is a view: decoding copies no chunk', () => {
    const bytes = encodeFrame(frame())
    expect(unwrap(decodeFrame(bytes, LIMITS)).chunk.buffer).toBe(bytes.buffer)
  })
})

describe('decoding a frame that a peer sent', () => {
  const bytes = () => Buffer.from(encodeFrame(frame()))
  const edited = (edit: (copy: Buffer) => void): Buffer => {
    const copy = bytes()
    edit(copy)
    return copy
  }
  it.each<[string, Uint8Array, RegExp]>([
    ['no bytes', new Uint8Array(0), /at least 8 bytes/],
    ['another magic', edited((copy) => copy.write('FLU2')), /starts with 'FLU1'/],
    ['another version', edited((copy) => copy.writeUInt16LE(2, 4)), /version 2 is not 1/],
    [
      'a header longer than the bytes',
      edited((copy) => copy.writeUInt16LE(2000, 6)),
      /claims 2000/,
    ],
    ['a header above 8192 bytes', withHeader(' '.repeat(8193)), /claims 8193/],
    ['a chunk that is cut off', bytes().subarray(0, -1), /claims 3 bytes, 2 are there/],
    ['trailing bytes', Buffer.concat([bytes(), Buffer.of(0)]), /claims 3 bytes, 4 are there/],
    [
      'a chunk of 4 GiB',
      edited((copy) => copy.writeUInt32LE(2 ** 32 - 1, copy.length - 7)),
      /claims 4294967295/,
    ],
    ['an empty chunk', encodeFrame(frame({ chunk: new Uint8Array(0) })), /1 to 100 bytes, got 0/],
    [
      'a chunk above the limit',
      encodeFrame(frame({ chunk: new Uint8Array(101) })),
      /1 to 100 bytes, got 101/,
    ],
    [
      'a chunk longer than the payload',
      withHeader(changed({ payloadBytes: 0 })),
      /no part of 0 bytes/,
    ],
    ['a chunk index beyond the payload', encodeFrame(frame({ chunkIndex: 1000 })), /Chunk 1000/],
    ['a header that is not JSON', withHeader('{'), /not JSON/],
    ['a header that is null', withHeader('null'), /Header/],
    ['__proto__', withHeader('{"__proto__":{"weight":1}}'), /not JSON/],
    ['an unknown key', withHeader(changed({ zone: 1 })), /zone: unknown key/],
    ['a missing key', withHeader(changed({ weight: undefined })), /weight is missing/],
    [
      'a weight that is not whole',
      withHeader(changed({ weight: 1.5 })),
      /weight: expected a whole/,
    ],
    ['no weight', withHeader(changed({ weight: 0 })), /weight: expected ≥ 1/],
    ['a number beyond 2^53', withHeader(changed({ payloadBytes: 1e300 })), /payloadBytes/],
    ['a run id that is none', withHeader(changed({ runId: '../run' })), /id of a run/],
    ['keys in another order', withHeader(JSON.stringify(HEADER)), /not canonical/],
    ['spaces', withHeader(changed({}).replace(',', ', ')), /not canonical/],
    ['a key twice', withHeader(changed({}).replace('{', '{"weight":1,')), /not canonical/],
  ])('refuses %s', (_what, input, message) => {
    expect(refusal(input)).toMatch(/^frame\/malformed/)
    expect(refusal(input)).toMatch(message)
  })
  it('takes the longest chunk that is allowed', () => {
    expect(refusal(encodeFrame(frame({ chunk: new Uint8Array(100) })))).toBe('decoded')
  })
})
