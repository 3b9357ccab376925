import { describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle, makeBundle, tensorsOf } from './bundle.js'
import { ERRORS } from './errors.js'
import { decodeFrame, encodeFrame } from './frame.js'
import { sha256, type RunId } from './ids.js'
import { createStreams, type Stream } from './random.js'
import type { Result } from './result.js'

const INTERESTING = [0, 1, 0x22, 0x2c, 0x2d, 0x30, 0x39, 0x5b, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0xff]

/** Flips, overwrites, cuts, inserts, doubles: one to four times. */
function mutate(original: Uint8Array, stream: Stream): Uint8Array {
  let bytes = Buffer.from(original)
  for (let left = 1 + stream.integer(4); left > 0; left--) {
    const at = stream.integer(Math.max(1, bytes.length))
    const kind = stream.integer(7)
    if (bytes.length === 0) return bytes
    if (kind === 0) bytes[at] = bytes[at]! ^ (1 << stream.integer(8))
    else if (kind === 1) bytes[at] = stream.integer(256)
    else if (kind === 2) bytes[at] = INTERESTING[stream.integer(INTERESTING.length)]!
    else if (kind === 3) bytes = bytes.subarray(0, at)
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
    else if (kind === 5) {
      const inserted = Buffer.from([stream.integer(256)])
      bytes = Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)])
    } else {
      const end = Math.min(bytes.length, at + 1 + stream.integer(16))
      bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
    }
  }
  return bytes
}

interface Tally {
  decoded: number
  readonly codes: Set<string>
}
/** Decodes mutated copies; a throw fails the test. */
function fuzz(
  originals: readonly Uint8Array[],
  count: number,
  decode: (bytes: Uint8Array) => Result<unknown>,
): Tally {
  const stream = createStreams(20)('mutations', 0, originals.length)
  const tally: Tally = { decoded: 0, codes: new Set() }
  for (let i = 0; i < count; i++) {
    const result = decode(mutate(originals[i % originals.length]!, stream))
    if (result.ok) tally.decoded += 1
    else tally.codes.add(result.error.code)
  }
  return tally
}

const header = {
  runId: 'run-0123456789ab' as RunId,
  round: 12,
  attempt: 1,
  lease: 'ab'.repeat(16),
  updateId: sha256('update'),
  payloadSha256: sha256('payload'),
  payloadBytes: 70,
  weight: 31,
}
const frames = [0, 1, 2].map((chunkIndex) =>
  encodeFrame({ header, chunkIndex, chunk: new Uint8Array(chunkIndex * 30 + 1) }),
)
const bundles = [
  encodeBundle(makeBundle([])),
  encodeBundle(
    makeBundle(
      [
        { name: 'w', shape: [2, 3], dtype: 'float32', data: new Float32Array(6) },
        { name: 'n', shape: [], dtype: 'uint8', data: new Uint8Array(1) },
        { name: 'h', shape: [0, 9], dtype: 'float16', data: new Uint16Array(0) },
      ],
      { round: 3, nested: { deep: [1, [2, { three: null }]] }, text: 'äöü' },
    ),
  ),
]

describe('bytes that were damaged, or made to damage', () => {
  it('give a typed result for each of 100,000 mutated frames', () => {
    const { decoded, codes } = fuzz(frames, 100_000, (bytes) =>
      decodeFrame(bytes, { maxChunkBytes: 61 }),
    )
    expect([...codes]).toEqual(['frame/malformed'])
    // Changes inside the chunk, or from one digit to another, leave a frame.
    expect(decoded).toBeGreaterThan(1000)
    expect(decoded).toBeLessThan(60_000)
  })
  it('give a typed result for each of 30,000 mutated bundles, and what decodes can be read', () => {
    const { decoded, codes } = fuzz(bundles, 30_000, (bytes) => {
      const result = decodeBundle(bytes, { maxBytes: 400 })
      if (result.ok) tensorsOf(result.value)
      return result
    })
    expect([...codes].every((code) => code in ERRORS && code.startsWith('bundle/'))).toBe(true)
    expect(decoded).toBeGreaterThan(100)
    expect(decoded).toBeLessThan(20_000)
  })
  it('never decode to another bundle with the same bytes: one bundle, one encoding', () => {
    const stream = createStreams(21)('mutations', 0, 0)
    for (let i = 0; i < 5000; i++) {
      const bytes = mutate(bundles[1]!, stream)
      const result = decodeBundle(bytes)
      if (result.ok) expect(Buffer.from(encodeBundle(result.value)).equals(bytes)).toBe(true)
    }
  })
})
