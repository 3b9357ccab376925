import type { Machine } from '#simulations/benchmarks/machine.js'

export const LOAD_BENCHMARKS = ['connect', 'ingest', 'storm', 'slowloris'] as const
export type LoadBenchmark = (typeof LOAD_BENCHMARKS)[number]

/** What one run of a benchmark is asked to do. Not every benchmark uses everything. */
export interface LoadSetting {
  readonly nodes: number
  /** New connections a second; of `ingest`, updates a second. */
  readonly rate: number
  readonly seconds: number
  readonly updateBytes: number
  readonly waves: number
  readonly halfOpen: number
  readonly silent: number
  readonly stalled: number
  readonly seed: number
}
export type Unit = '' | 's' | 'ms' | 'MB' | 'KB' | '/s' | 'cores' | 'B'
export interface Measure {
  /** Names it in targets and files. */
  readonly key: string
  readonly what: string
  /** Null: it did not happen. */
  readonly value: number | null
  readonly unit: Unit
}
/** One run of one benchmark. */
export interface LoadResult {
  readonly benchmark: LoadBenchmark
  readonly at: string
  readonly setting: Partial<LoadSetting>
  readonly machine: Machine
  readonly measures: readonly Measure[]
  /** How busy others were while it ran, in cores, and the generator, as a share of one core. */
  readonly foreignLoad: number
  readonly generatorShare: number
  readonly problems: Readonly<Record<string, number>>
}
/** Numbers before anything was made of them: a file of comma-separated values. */
export interface RawFile {
  readonly name: string
  readonly text: string
}
export const csv = (
  head: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string =>
  [head, ...rows]
    .map((row) => row.map((cell) => cell ?? '').join(','))
    .join('\n')
    .concat('\n')

/** Of the specification: whoever makes the load must not be what is measured, nor anything else that runs. */
export const MOST_GENERATOR_SHARE = 0.8
export const MOST_FOREIGN_LOAD = 0.3
export const isDisturbed = ({ foreignLoad, generatorShare }: LoadResult): boolean =>
  foreignLoad > MOST_FOREIGN_LOAD || generatorShare > MOST_GENERATOR_SHARE
