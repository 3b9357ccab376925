/** What the reliability specification, §4, wants, beside what was measured. */
import type { LoadBenchmark, LoadResult, LoadSetting, Measure } from './load-result.js'

export interface Target {
  readonly id: string
  readonly text: string
  /** At most. */
  readonly bound: number
}
type Rule = (setting: LoadSetting) => Target | null

const atMost = (id: string, text: string, bound: number): Target => ({
  ...{ id, text, bound },
})
const MB = 1e6

/** Size of the updates, at most, and how many a second must be taken. */
const INGEST = [
  { bytes: 8e3, floor: null, release: 500 },
  { bytes: 200e3, floor: 50, release: 150 },
  { bytes: 2e6, floor: 8, release: 20 },
  { bytes: 20e6, floor: null, release: 2 },
] as const

const ingestRate = ({ updateBytes, rate }: LoadSetting): Target | null => {
  const size = INGEST.find(({ bytes }) => updateBytes <= bytes)
  if (size === undefined) return null
  const wanted = rate >= size.release ? size.release : size.floor
  if (wanted === null || rate < wanted) return null
  const title = wanted === size.release ? 'release' : 'CI floor'
  return atMost('L3', `${title}: ${wanted}/s with an acknowledgement p99 of at most 2 s`, 2000)
}
/** Base, budget in flight, three arrays of doubles, what a connection takes: §4, L4. */
export const memoryBound = (setting: {
  readonly baseBytes: number
  readonly updateBytes: number
  readonly nodes: number
}): number =>
  setting.baseBytes + 256 * MB + 3 * (setting.updateBytes / 4) * 8 + 20e3 * setting.nodes

const RULES: Readonly<Record<LoadBenchmark, Readonly<Record<string, Rule>>>> = {
  connect: {
    rss: ({ nodes }) => {
      if (nodes >= 10_000) return atMost('L1', 'release: 10,000 nodes in at most 400 MB', 400)
      return nodes >= 1000 ? atMost('L1', 'CI floor: 1,000 nodes in at most 200 MB', 200) : null
    },
    lost: ({ nodes, seconds }) =>
      nodes >= 10_000 && seconds >= 600
        ? atMost('L1', 'release: none of 10,000 lost within 10 minutes', 0)
        : null,
    lag: ({ nodes }) =>
      nodes >= 10_000
        ? atMost('L1', 'release: event loop late by at most 100 ms at p99', 100)
        : null,
  },
  storm: {
    allBack: ({ nodes }) => {
      if (nodes >= 10_000) return atMost('L2', 'release: 10,000 back within 60 s', 60)
      return nodes >= 500 ? atMost('L2', 'CI floor: 500 back within 15 s', 15) : null
    },
    lostLeases: () => atMost('L2', 'no lost lease', 0),
  },
  ingest: {
    ackP99: ingestRate,
    peakOverBound: () => atMost('L4', 'at most base + 256 MB + 3·d·8 B + 20 KB a connection', 1),
    roundSeconds: ({ nodes, updateBytes }) =>
      nodes >= 1000 && updateBytes >= 900e3
        ? atMost('L5', 'release: a round of 1,000 nodes with 1 MB each within 180 s', 180)
        : null,
    dashboardP95: ({ nodes, updateBytes }) =>
      nodes >= 1000 && updateBytes >= 900e3
        ? atMost('L5', 'release: the record of the run within 300 ms at p95 meanwhile', 300)
        : null,
  },
  slowloris: {
    ratio: () => atMost('T11', 'a round within twice its time without the attack', 2),
    descriptorsLeft: () => atMost('T11', 'as many descriptors as before, 20 more or less', 20),
  },
}

const NONE: LoadSetting = {
  ...{ nodes: 0, rate: 0, seconds: 0, updateBytes: 0, waves: 1 },
  ...{ halfOpen: 0, silent: 0, stalled: 0, seed: 0 },
}
export function targetOf(
  { benchmark, setting }: Pick<LoadResult, 'benchmark' | 'setting'>,
  { key }: Pick<Measure, 'key'>,
): Target | null {
  return RULES[benchmark][key]?.({ ...NONE, ...setting }) ?? null
}
export const isMet = ({ bound }: Target, value: number | null): boolean =>
  value !== null && value <= bound
