import { describeMachine } from '#simulations/benchmarks/machine.js'
import type { Arrival } from '#simulations/load/open-loop.js'
import { Latencies, type LatencySummary } from '#simulations/load/histogram.js'
import {
  csv,
  type LoadBenchmark,
  type LoadResult,
  type LoadSetting,
  type Measure,
  type RawFile,
  type Unit,
} from '#simulations/load/load-result.js'
import { problemsAmong } from '#simulations/load/open-loop.js'
import { foreignLoad, useOf, type Watched } from '#simulations/load/process-samples.js'
import type { Session } from '../command.js'
import { Arena } from './arena.js'

export interface LoadOutcome {
  readonly result: LoadResult
  readonly raw: readonly RawFile[]
}
/** What a benchmark does in an arena; `span` is what counts, without the warm-up. */
export interface Measured {
  readonly measures: readonly Measure[]
  readonly span: readonly [number, number]
  readonly outcomes: readonly string[]
  readonly raw: readonly RawFile[]
}
export type LoadWork = (arena: Arena, session: Session, setting: LoadSetting) => Promise<Measured>

/** Calls of the command itself, and what attackers may have: as many as a coordinator takes of one address by default. */
const OTHER_CONNECTIONS = 1000

/** Runs one benchmark in an arena of its own, which is gone afterwards whatever happens. */
export async function measureLoad(
  session: Session,
  benchmark: LoadBenchmark,
  { setting, work }: { readonly setting: LoadSetting; readonly work: LoadWork },
): Promise<LoadOutcome> {
  const machine = await describeMachine()
  session.out.say(`${benchmark}: enrolling ${setting.nodes} nodes, starting a coordinator`)
  const nodes = setting.nodes + setting.stalled
  const arena = await Arena.open({ nodes, connectionsPerAddress: OTHER_CONNECTIONS + nodes })
  // Ctrl-C ends the processes; what waits for them then fails, and the directory goes.
  const interrupt = (): void => void arena.close()
  session.signal.addEventListener('abort', interrupt, { once: true })
  let measured: Measured
  let keep = true
  try {
    measured = await work(arena, session, setting)
    keep = false
  } finally {
    session.signal.removeEventListener('abort', interrupt)
    await arena.close({ keep })
    if (keep) session.out.say(`The coordinator's log is kept: ${arena.logFile}`)
  }
  const { watched } = arena.watch
  const seconds = (measured.span[1] - measured.span[0]) / 1000
  const generator = useOf(watched, 'generator', measured.span)
  return {
    result: {
      ...{ benchmark, at: new Date().toISOString(), setting, machine },
      measures: measured.measures,
      foreignLoad: foreignLoad(watched, measured.span),
      generatorShare: seconds > 0 ? generator.cpuSeconds / seconds : 0,
      problems: problemsAmong(measured.outcomes),
    },
    raw: [...measured.raw, processFile(watched)],
  }
}

export const measure = (
  [key, what]: readonly [string, string],
  value: number | null,
  unit: Unit = '',
): Measure => ({
  ...{ key, what, value, unit },
})
/** Each code as often as it came. */
export const repeated = (codes: Readonly<Record<string, number>>): readonly string[] =>
  Object.entries(codes).flatMap(([code, count]) => Array<string>(count).fill(code))
export const megabytes = (bytes: number): number => bytes / 1e6

/** From when each was due to when it had its answer; only of those that had one. */
export function latencies(arrivals: readonly Arrival[]): LatencySummary {
  const all = new Latencies()
  for (const { intendedMs, endedMs, outcome } of arrivals)
    if (outcome === 'ok') all.record(endedMs - intendedMs)
  return all.summary()
}
export const arrivalFile = (name: string, arrivals: readonly Arrival[]): RawFile => ({
  name,
  text: csv(
    ['index', 'intended_ms', 'started_ms', 'ended_ms', 'outcome'],
    arrivals.map(({ index, intendedMs, startedMs, endedMs, outcome }) => [
      ...[index, intendedMs.toFixed(3), startedMs.toFixed(3), endedMs.toFixed(3), outcome],
    ]),
  ),
})
const processFile = ({ samples }: Watched): RawFile => ({
  name: 'processes',
  text: csv(
    ['at_ms', 'role', 'pid', 'rss_bytes', 'peak_rss_bytes', 'cpu_seconds', 'descriptors'],
    samples.map(({ atMs, role, pid, rssBytes, peakRssBytes, cpuSeconds, descriptors }) => [
      ...[(atMs - (samples[0]?.atMs ?? 0)).toFixed(0), role, pid],
      ...[rssBytes, peakRssBytes, cpuSeconds, descriptors],
    ]),
  ),
})
