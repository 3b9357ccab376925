/** What ids look like. Nothing here needs Node.js, so that pages can check what they are told. */
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
