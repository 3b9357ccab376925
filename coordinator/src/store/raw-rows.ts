/** One record as it lies in a store, unread: `text` may be no JSON at all. */
export interface RawRow {
  readonly kind: RawKind
  /** For people: table or collection, and key. */
  readonly where: string
  readonly text: string
}
export type RawKind = 'run' | 'head' | 'accepted' | 'member' | 'event' | 'node' | 'user' | 'code'
export const RAW_KINDS: readonly RawKind[] = [
  ...['run', 'head', 'accepted', 'member', 'event', 'node', 'user', 'code'],
] as RawKind[]

/** What `store verify` reads, below the store's own interface. */
export interface RawRecords {
  rows(kind: RawKind): AsyncIterable<RawRow>
  /** What the database itself finds wrong; empty: nothing, or it is a server's business. */
  faults(): readonly string[]
}
