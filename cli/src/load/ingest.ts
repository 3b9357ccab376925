import { FederationError } from '#protocol/errors.js'
import type { Arrival } from '#simulations/load/open-loop.js'
import { memoryBound } from '#simulations/load/targets.js'
import { useOf, type Watched } from '#simulations/load/process-samples.js'
import { wallMs, type Arena } from './arena.js'
import { arrivalFile, latencies, measure, megabytes, type LoadWork } from './bench.js'
import { probe } from './probe.js'

/** One wave: every member of a round sends its update, at a fixed rate. */
export interface Wave {
  readonly arrivals: readonly Arrival[]
  readonly bytesEach: number
  readonly span: readonly [number, number]
  readonly roundSeconds: number
}
const WARM_UP = 1

/** Updates that count when they are acknowledged: reliability specification §4, L3 to L5. The first wave is the warm-up. */
export const measureIngest: LoadWork = async (arena, { out }, setting) => {
  const { nodes, rate, waves, updateBytes } = setting
  await connectAll(arena, nodes)
  const rounds = WARM_UP + waves
  const deadlineSeconds = Math.ceil(60 + (4 * nodes) / rate)
  const runId = await arena.startRun({ updateBytes, rounds, deadlineSeconds })
  // The process that computes is there by now, and no update.
  await arena.watch.sampleNow()
  const base = peakOf(arena.watch.watched, [0, Infinity])
  const done: Wave[] = []
  const api = await arena.api()
  const probing = probe(() => api.call('GET /api/runs/:id', { id: runId }))
  for (let round = 1; round <= rounds; round += 1) {
    out.say(`ingest: ${round <= WARM_UP ? 'warm-up' : `wave ${round - WARM_UP} of ${waves}`}`)
    done.push(await sendWave(arena, setting, { runId, round, deadlineSeconds }))
  }
  const answers = await probing.stop()
  await arena.watch.stop()
  const { watched } = arena.watch
  const counted = done.slice(WARM_UP)
  const span = [counted[0]?.span[0] ?? 0, counted.at(-1)?.span[1] ?? 0] as const
  const record = await arena.record(runId)
  const accepted = record.rounds.filter(({ round }) => round > WARM_UP).flatMap((r) => r.accepted)
  const arrivals = counted.flatMap((one) => one.arrivals)
  const bytesEach = counted[0]?.bytesEach ?? 0
  return {
    span,
    outcomes: arrivals.map(({ outcome }) => outcome),
    measures: [
      ...counts(arrivals, counted, accepted.length),
      measure(['bytesEach', 'bytes of an update'], bytesEach, 'B'),
      ...timeOf(watched, span, arrivals.length),
      ...memoryOf(watched, { span, base, setting: { ...setting, updateBytes: bytesEach } }),
      measure(
        ['roundSeconds', 'a round, longest'],
        Math.max(...counted.map((w) => w.roundSeconds)),
        's',
      ),
      measure(
        ['dashboardP95', 'answer of GET /api/runs/:id meanwhile, p95'],
        latencies(answers).p95Ms,
        'ms',
      ),
    ],
    raw: [
      ...counted.map((one, i) => arrivalFile(`wave-${i + 1}`, one.arrivals)),
      arrivalFile('answers', answers),
    ],
  }
}

/** Throws `algorithm/failed` unless all of them are there. */
export async function connectAll(arena: Arena, nodes: number, rate = 200): Promise<void> {
  const identities = arena.identities.slice(0, nodes)
  const withinSeconds = 60 + (2 * nodes) / rate
  await arena.generator.connect({ url: arena.url, identities, rate, withinSeconds })
  const { connected, refused } = await arena.generator.standing()
  if (connected === nodes) return
  const message = `Only ${connected} of ${nodes} nodes could connect: ${JSON.stringify(refused)}`
  throw new FederationError('algorithm/failed', message)
}

/** Throws `algorithm/failed` when not every member was asked in time. */
export async function allAsked(
  arena: Arena,
  asked: { readonly runId: string; readonly count: number; readonly withinSeconds: number },
): Promise<void> {
  const { count, withinSeconds } = asked
  const have = await arena.generator.tasks(asked)
  if (have >= count) return
  const message = `Only ${have} of ${count} nodes were asked within ${withinSeconds} s`
  throw new FederationError('algorithm/failed', message)
}

export async function sendWave(
  arena: Arena,
  { nodes, rate, seed }: { readonly nodes: number; readonly rate: number; readonly seed: number },
  at: { readonly runId: string; readonly round: number; readonly deadlineSeconds: number },
): Promise<Wave> {
  const { runId, deadlineSeconds } = at
  await allAsked(arena, { runId, count: nodes, withinSeconds: deadlineSeconds })
  const begin = wallMs()
  const how = { runId, rate, seed: seed + at.round }
  const { arrivals, bytesEach } = await arena.generator.send(how)
  const sent = wallMs()
  const record = await arena.closed(runId, at.round, deadlineSeconds)
  const own = record.rounds.find(({ round }) => round === at.round)
  return { arrivals, bytesEach, span: [begin, sent], roundSeconds: (own?.durationMs ?? 0) / 1000 }
}

function counts(arrivals: readonly Arrival[], waves: readonly Wave[], accepted: number) {
  const acknowledged = arrivals.filter(({ outcome }) => outcome === 'ok').length
  const seconds = waves.reduce((sum, { span }) => sum + (span[1] - span[0]) / 1000, 0)
  const took = latencies(arrivals)
  return [
    measure(['sent', 'updates sent'], arrivals.length),
    measure(['acknowledged', 'updates acknowledged'], acknowledged),
    measure(['counted', 'updates in the records of the rounds'], accepted),
    measure(['throughput', 'acknowledged'], acknowledged / seconds, '/s'),
    measure(
      ['ackP50', 'from when an update was due to its acknowledgement, p50'],
      took.p50Ms,
      'ms',
    ),
    measure(
      ['ackP99', 'from when an update was due to its acknowledgement, p99'],
      took.p99Ms,
      'ms',
    ),
    measure(
      ['ackMax', 'from when an update was due to its acknowledgement, longest'],
      took.maxMs,
      'ms',
    ),
  ]
}

function timeOf(watched: Watched, span: readonly [number, number], updates: number) {
  const perUpdate = (role: 'coordinator' | 'compute' | 'generator'): number =>
    (useOf(watched, role, span).cpuSeconds * 1000) / Math.max(1, updates)
  return [
    measure(
      ['cpuCoordinator', 'processor time of the coordinator an update'],
      perUpdate('coordinator'),
      'ms',
    ),
    measure(
      ['cpuCompute', 'processor time of what computes for it an update'],
      perUpdate('compute'),
      'ms',
    ),
    measure(
      ['cpuGenerator', 'processor time of the generator an update'],
      perUpdate('generator'),
      'ms',
    ),
  ]
}

/** Peaks of coordinator and what computes for it, together: no more can have been held at once. */
const peakOf = (watched: Watched, span: readonly [number, number]): number =>
  useOf(watched, 'coordinator', span).peakRssBytes + useOf(watched, 'compute', span).peakRssBytes

function memoryOf(
  watched: Watched,
  {
    span,
    base,
    setting,
  }: {
    readonly span: readonly [number, number]
    readonly base: number
    readonly setting: {
      readonly nodes: number
      readonly updateBytes: number
      readonly waves: number
    }
  },
) {
  const [own, compute] = [useOf(watched, 'coordinator', span), useOf(watched, 'compute', span)]
  const peak = peakOf(watched, [0, Infinity])
  const bound = memoryBound({ ...setting, baseBytes: base })
  const grown = own.lastRssBytes - own.firstRssBytes
  const updates = Math.max(1, setting.nodes * setting.waves)
  return [
    measure(['base', 'peak memory before the run, coordinator and compute'], megabytes(base), 'MB'),
    measure(['peak', 'peak memory, coordinator and compute (VmHWM)'], megabytes(peak), 'MB'),
    measure(['peakCoordinator', 'of these the coordinator'], megabytes(own.peakRssBytes), 'MB'),
    measure(['peakCompute', 'of these what computes'], megabytes(compute.peakRssBytes), 'MB'),
    measure(['bound', 'what the specification allows'], megabytes(bound), 'MB'),
    measure(['peakOverBound', 'peak over what is allowed'], peak / bound),
    measure(
      ['slope', 'growth of the coordinator over the waves, an update'],
      grown / 1e3 / updates,
      'KB',
    ),
  ]
}
