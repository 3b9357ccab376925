import { createCipheriv, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { derivedKey, SecretStream } from './secret-stream.js'

const KEY = Uint8Array.from({ length: 32 }, (_, i) => 7 * i)
const words = (stream: SecretStream, count: number): readonly number[] =>
  Array.from({ length: count }, () => stream.uint32())

describe('a secret stream', () => {
  it('is AES-256 in counter mode, block by block, beyond its buffer', () => {
    const ecb = createCipheriv('aes-256-ecb', KEY, null).setAutoPadding(false)
    const counters = Buffer.alloc(16 * 5000)
    for (let block = 0; block < 5000; block++) counters.writeUInt32BE(block, 16 * block + 12)
    const blocks = ecb.update(counters)
    const expected = Array.from({ length: 20_000 }, (_, i) => blocks.readUInt32LE(4 * i))
    expect(words(new SecretStream(KEY), 20_000)).toEqual(expected)
  })

  it('is known from its key alone, and another for another key', () => {
    const other = KEY.map((byte, i) => (i === 31 ? byte ^ 1 : byte))
    expect(words(new SecretStream(KEY), 4)).toEqual(words(new SecretStream(KEY), 4))
    expect(words(new SecretStream(other), 4)).not.toEqual(words(new SecretStream(KEY), 4))
  })

  it('makes normal numbers as every stream does', () => {
    const [stream, same] = [new SecretStream(KEY), new SecretStream(KEY)]
    const [u, v] = [same.uniform(), same.uniform()]
    expect(stream.normal()).toBe(Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v))
  })
})

describe('a derived key', () => {
  it('is HKDF-SHA-256 without salt (RFC 5869): extract, then one block of expand', () => {
    const extracted = createHmac('sha256', Buffer.alloc(32)).update(KEY).digest()
    const expanded = createHmac('sha256', extracted).update('a purpose\u0001').digest()
    expect(Buffer.from(derivedKey(KEY, 'a purpose'))).toEqual(expanded)
  })
})
