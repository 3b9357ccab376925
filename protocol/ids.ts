import { createHash, randomBytes } from 'node:crypto'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

export type RunId = Branded<'RunId'>
export type NodeId = Branded<'NodeId'>
/** SHA-256 as 64 lower-case hexadecimal digits: the address of a blob. */
export type Hash = Branded<'Hash'>
/** A member's place in a run's roster: 0, 1, 2 … */
export type Slot = number

const HASH = /^[0-9a-f]{64}$/
const ID = /^[a-z]+-[0-9a-z]{12}$/

export const isHash = (text: string): text is Hash => HASH.test(text)
export const isRunId = (text: string): text is RunId => ID.test(text) && text.startsWith('run-')
export const isNodeId = (text: string): text is NodeId => ID.test(text) && text.startsWith('node-')

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
