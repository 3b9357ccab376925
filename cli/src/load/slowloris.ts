import { setTimeout as pause } from 'node:timers/promises'
import { FederationError } from '#protocol/errors.js'
import { wallMs, type Arena } from './arena.js'
import { arrivalFile, measure, type LoadWork } from './bench.js'
import { allAsked, connectAll, sendWave, type Wave } from './ingest.js'

const OTHER = ['slow', 'slower']
/** Of a round without the attack and with it: enough that one late answer decides nothing. */
const ROUNDS = 4
const DEADLINE_SECONDS = 120

/**
 * Honest nodes at work while others hold connections and say nothing with them: reliability specification §2, T11. Half-open
 * requests, silent sockets, and enrolled nodes that begin an upload of another run and never go on.
 */
export const measureSlowloris: LoadWork = async (arena, { out }, setting) => {
  const { nodes, updateBytes, halfOpen, silent, stalled, seed, seconds } = setting
  await connectAll(arena, nodes)
  const rounds = 1 + 2 * ROUNDS
  const deadlineSeconds = DEADLINE_SECONDS
  const runId = await arena.startRun({ updateBytes, rounds, deadlineSeconds })
  const wave = (round: number): Promise<Wave> =>
    sendWave(arena, { nodes, rate: nodes * 10, seed }, { runId, round, deadlineSeconds })
  await wave(1)
  const before = await wavesFrom(wave, 2)
  const descriptors = await descriptorsOf(arena)

  out.say(`slowloris: ${halfOpen} half-open requests, ${silent} silent sockets, ${stalled} uploads`)
  const begin = wallMs()
  await arena.generator.attack({ url: arena.url, halfOpen, silent })
  const begun = await stall(arena, { nodes, stalled, updateBytes, seed })
  await pause(seconds * 1000)
  const attackers = await arena.generator.attackers()
  const most = await descriptorsOf(arena)
  const during = await wavesFrom(wave, 2 + ROUNDS)
  const span = [begin, wallMs()] as const
  const after = await arena.generator.attackers()
  await arena.generator.retreat()
  const left = await descriptorsBack(arena, descriptors + stalled)
  await arena.watch.stop()

  const record = await arena.record(runId)
  const arrivals = [...before, ...during].flatMap((one) => one.arrivals)
  const [calm, attacked] = [medianSeconds(before), medianSeconds(during)]
  return {
    span,
    outcomes: arrivals.map(({ outcome }) => outcome),
    measures: [
      measure(
        ['held', 'connections that the attack held at once'],
        attackers.halfOpen + attackers.silent,
      ),
      measure(['ended', 'of its connections ended by the coordinator'], after.ended),
      measure(['begun', 'uploads that were begun and went no further'], begun),
      measure(['calm', 'a round without the attack, median'], calm, 's'),
      measure(['attacked', 'a round under it, median'], attacked, 's'),
      measure(['ratio', 'under it over without it'], attacked / calm),
      measure(
        ['counted', 'updates of honest nodes that counted, of all that they sent'],
        record.rounds.reduce((sum, { accepted }) => sum + accepted.length, 0) / (nodes * rounds),
      ),
      measure(['descriptors', 'open descriptors before'], descriptors),
      measure(['mostDescriptors', 'open descriptors under the attack'], most),
      measure(
        ['descriptorsLeft', 'more than before, when it was over'],
        Math.max(0, left - descriptors - stalled),
      ),
    ],
    raw: [arrivalFile('updates', arrivals)],
  }
}

async function wavesFrom(
  wave: (round: number) => Promise<Wave>,
  first: number,
): Promise<readonly Wave[]> {
  const waves: Wave[] = []
  for (let round = first; round < first + ROUNDS; round += 1) waves.push(await wave(round))
  return waves
}
function medianSeconds(waves: readonly Wave[]): number {
  const sorted = waves.map(({ roundSeconds }) => roundSeconds).sort((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return ((low ?? 0) + (high ?? 0)) / 2
}

/** Nodes with data of another kind, so that the honest ones do not wait for them. */
async function stall(
  arena: Arena,
  setting: {
    readonly nodes: number
    readonly stalled: number
    readonly updateBytes: number
    readonly seed: number
  },
): Promise<number> {
  const { nodes, stalled, updateBytes, seed } = setting
  if (stalled === 0) return 0
  const identities = arena.identities
    .slice(nodes, nodes + stalled)
    .map((identity) => ({ ...identity, classes: OTHER }))
  await arena.generator.connect({ url: arena.url, identities, rate: 100, withinSeconds: 60 })
  const run = { updateBytes, rounds: 1, deadlineSeconds: DEADLINE_SECONDS, classes: OTHER }
  const runId = await arena.startRun(run)
  await allAsked(arena, { runId, count: stalled, withinSeconds: 60 })
  return arena.generator.stall({ runId, count: stalled, seed })
}

/** Of the coordinator, now. */
async function descriptorsOf(arena: Arena): Promise<number> {
  await arena.watch.sampleNow()
  const own = arena.watch.watched.samples.findLast(({ role }) => role === 'coordinator')
  if (own === undefined) throw new FederationError('algorithm/failed', 'There is no coordinator')
  return own.descriptors
}
/** Looks until there are as few as before, or for the time in which any connection of it must have ended. */
async function descriptorsBack(arena: Arena, before: number): Promise<number> {
  for (let tries = 0; tries < 60; tries += 1) {
    const now = await descriptorsOf(arena)
    if (now <= before) return now
    await pause(500)
  }
  return descriptorsOf(arena)
}
