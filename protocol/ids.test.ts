import { describe, expect, it } from 'vitest'
import { isHash, isNodeId, isRunId, newNodeId, newRunId, sha256 } from './ids.js'

describe('ids', () => {
  it('are known by their form', () => {
    expect(isRunId(newRunId())).toBe(true)
    expect(isNodeId(newNodeId())).toBe(true)
    expect(isRunId(newNodeId())).toBe(false)
    expect(isRunId('run-../../passwd')).toBe(false)
    expect(isNodeId('node-0123456789AB')).toBe(false)
    expect(new Set(Array.from({ length: 100 }, newRunId)).size).toBe(100)
  })
  it('of bytes are their SHA-256', () => {
    // FIPS 180-2, appendix B.1.
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(sha256('abc')).toBe(abc)
    expect(sha256(Uint8Array.of(0x61, 0x62, 0x63))).toBe(abc)
    expect(isHash(abc)).toBe(true)
    expect(isHash(abc.toUpperCase())).toBe(false)
    expect(isHash(`${abc}\n`)).toBe(false)
  })
})
