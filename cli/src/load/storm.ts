import type { Return } from '#simulations/load/crowd.js'
import { csv, type Measure } from '#simulations/load/load-result.js'
import { Latencies } from '#simulations/load/histogram.js'
import { wallMs } from './arena.js'
import { arrivalFile, measure, repeated, type LoadWork } from './bench.js'
import { allAsked, connectAll } from './ingest.js'

/**
 * Everyone comes back at once after the coordinator was killed in an open round: reliability specification §4, L2. Then
 * everyone sends its update, with the lease that it had before.
 */
export const measureStorm: LoadWork = async (arena, { out }, setting) => {
  const { nodes, rate, seconds, updateBytes, seed } = setting
  await connectAll(arena, nodes, rate)
  const deadlineSeconds = 600 + seconds
  const runId = await arena.startRun({ updateBytes, rounds: 1, deadlineSeconds })
  await allAsked(arena, { runId, count: nodes, withinSeconds: deadlineSeconds })
  await arena.generator.forget()
  out.say(`storm: killing the coordinator under ${nodes} nodes, each with a task`)
  const killedMs = await arena.killCoordinator()
  await arena.restartCoordinator()
  const upMs = wallMs()
  await arena.generator.connected(nodes, seconds)
  const span = [killedMs, wallMs()] as const
  const returns = await arena.generator.returns()
  const { connected, refused } = await arena.generator.standing()
  out.say(`storm: ${connected} are back; each sends its update`)
  const { arrivals } = await arena.generator.send({ runId, rate, seed })
  const record = await arena.closed(runId, 1, deadlineSeconds)
  await arena.watch.stop()
  const round = record.rounds.find((one) => one.round === 1)
  const kept = round?.attempt === 1 ? round.accepted.length : 0
  return {
    span,
    outcomes: [...arrivals.map(({ outcome }) => outcome), ...repeated(refused)],
    measures: measuresOf({ nodes, killedMs, upMs, connected, refused, returns, kept }),
    raw: [
      {
        name: 'returns',
        text: csv(
          ['lost_ms', 'back_ms'],
          returns.map(({ lostMs, backMs }) => [
            (lostMs - killedMs).toFixed(0),
            backMs === null ? null : (backMs - killedMs).toFixed(0),
          ]),
        ),
      },
      arrivalFile('updates', arrivals),
    ],
  }
}

function measuresOf(storm: {
  readonly nodes: number
  readonly killedMs: number
  readonly upMs: number
  readonly connected: number
  readonly refused: Readonly<Record<string, number>>
  readonly returns: readonly Return[]
  /** How many of the tasks that were given out before were done in the same attempt. */
  readonly kept: number
}): readonly Measure[] {
  const { nodes, killedMs, upMs, connected, refused, returns, kept } = storm
  const back = new Latencies()
  for (const { backMs } of returns) if (backMs !== null) back.record(backMs - killedMs)
  const { p50Ms, p99Ms, maxMs, count } = back.summary()
  const allBack = count >= nodes ? maxMs / 1000 : null
  const sentAway = Object.values(refused).reduce((sum, one) => sum + one, 0)
  return [
    measure(['back', 'nodes back'], connected),
    measure(
      ['up', 'from the kill until the coordinator listened again'],
      (upMs - killedMs) / 1000,
      's',
    ),
    measure(['backP50', 'from the kill until a node was back, p50'], p50Ms / 1000, 's'),
    measure(['backP99', 'from the kill until a node was back, p99'], p99Ms / 1000, 's'),
    measure(['allBack', 'from the kill until the last was back'], allBack, 's'),
    measure(['refused', 'nodes refused'], sentAway),
    measure(
      ['lostLeases', 'tasks given out before whose update did not count after'],
      nodes - kept,
    ),
  ]
}
