import type { Stream } from '#protocol/random.js'

/** What a partitioner divides. */
export interface PartitionRequest {
  /** Label of every row. */
  readonly labels: Int32Array
  readonly classes: number
  readonly clients: number
  /** The value after the name, for partitioners that have one. */
  readonly parameter: number
  /** Fewest rows a client may get. */
  readonly min: number
  /** Most rows a client may get; Infinity where nothing says. */
  readonly max: number
  /** A random stream of the partition's seed; equal numbers, equal stream. */
  readonly stream: (index: number, slot: number) => Stream
}

/** One way to divide rows among clients. One file in this folder and one line in the list. */
export interface Partitioner {
  /** First word of a specification: `name[:PARAMETER][:min=N][:max=N][:seed=N]`. */
  readonly name: string
  readonly usage: string
  readonly summary: string
  /** The number after the name; null where there is none. `above` is excluded. */
  readonly parameter: {
    readonly label: string
    readonly above: number
    readonly max: number
    readonly whole: boolean
  } | null
  /** Whether `min=N` may be given. */
  readonly takesMin: boolean
  /** Whether `max=N` may be given. */
  readonly takesMax?: boolean
  /** The least `min` that may be given, and what it is where it is not; absent: any, and 1. */
  readonly fewest?: number
  /** True where rows may be left that belong to nobody; everywhere else each row has an owner. */
  readonly leavesRows?: boolean
  /** Fewest rows that are needed in all; null: as many as clients times `min`. */
  fewestRows?(request: PartitionRequest): number
  /** Why enough rows cannot be divided so all the same, as "needs …"; null: they can. Absent: they always can. */
  refusal?(request: PartitionRequest): string | null
  /** Row indices of each client, in any order. Disjoint; together they cover every row unless `leavesRows`. Pure. */
  split(request: PartitionRequest): readonly Int32Array[]
}
