import { createHash, randomBytes } from 'node:crypto'
import type { Hash, NodeId, RunId } from './id-shapes.js'

export { isHash, isNodeId, isRunId } from './id-shapes.js'
export type { Hash, NodeId, RunId, Slot } from './id-shapes.js'

export function sha256(bytes: Uint8Array | string): Hash {
  return createHash('sha256').update(bytes).digest('hex') as Hash
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
/** Twelve letters of 32: 60 random bits. Identity only, never an input of a computation. */
function randomName(): string {
  return [...randomBytes(12)].map((byte) => ALPHABET.charAt(byte & 31)).join('')
}
export const newRunId = (): RunId => `run-${randomName()}` as RunId
export const newNodeId = (): NodeId => `node-${randomName()}` as NodeId
