/**
 * The smallest thing that runs a program: every hop goes through encode → decode, every fate is settled, nothing else.
 * For tests of methods; the real loop is coordinator/src/round.ts.
 */
import { bundleHash, decodeBundle, encodeBundle } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import type { Diagnostics } from '#protocol/diagnostics.js'
import type { Slot } from '#protocol/ids.js'
import { createStreams } from '#protocol/random.js'
import type { Fate, Metrics } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { ClientData } from '#data/dataset.js'
import { createFold } from '#algorithms/aggregators/fold.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import type { Catalogue } from '#algorithms/catalogue.js'
import type { ClientHalf, PerformResult } from '#algorithms/methods/method.js'
import { packUpdate, receiveUpdate } from '#algorithms/methods/update.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import { createProgram } from '#algorithms/programs/create-program.js'
import type { ProgramPlan } from '#algorithms/programs/program.js'
import { seededNoise } from '#algorithms/update-transforms/apply.js'

export interface InMemoryRun {
  readonly config: RunConfig
  readonly clients: readonly ClientData[]
  readonly catalogue?: Catalogue
  /** The bundle that `config.startFrom` names: also the only asset that a plan can ask for. */
  readonly startFrom?: Bundle
  /** Who takes part; by default everyone. Evaluation rounds included. */
  readonly cohortOf?: (round: number) => readonly Slot[]
  /** What becomes of an update; by default it is accepted. */
  readonly fateOf?: (round: number, slot: Slot) => Fate
  /** What a client believes became of its update; by default the truth. */
  readonly believedFateOf?: (round: number, slot: Slot) => Fate
  /** The order in which updates arrive; by default slot order. */
  readonly arrival?: (slots: readonly Slot[]) => readonly Slot[]
}
export interface InMemoryRound {
  readonly plan: ProgramPlan
  readonly reporters: readonly Slot[]
  readonly metrics: Metrics
  readonly diagnostics: Diagnostics | null
  readonly clientMetrics: ReadonlyMap<Slot, Metrics>
  readonly state: Bundle
  readonly released: Bundle
}
export interface InMemoryResult {
  readonly rounds: readonly InMemoryRound[]
  readonly state: Bundle
  readonly released: Bundle
  readonly memories: ReadonlyMap<Slot, Bundle>
}

/** As after a trip over a wire or a disk. */
export const travelled = (bundle: Bundle): Bundle => unwrap(decodeBundle(encodeBundle(bundle)))
const travelledOrNull = (bundle: Bundle | null | undefined): Bundle | null =>
  bundle === null || bundle === undefined ? null : travelled(bundle)

interface Performed {
  readonly slot: Slot
  readonly result: PerformResult
  readonly update: Bundle
}

export async function runRoundsInMemory(run: InMemoryRun): Promise<InMemoryResult> {
  const { config, clients, catalogue = CATALOGUE } = run
  const program = createProgram(config, catalogue)
  const halves = createClientHalves(config, catalogue)
  const everyone = clients.map((_, slot) => slot)
  const memories = new Map<Slot, Bundle>()
  const personals = new Map<Slot, Bundle>()
  const rounds: InMemoryRound[] = []
  let state = program.observe(program.init(run.startFrom ?? null), {})
  for (let round = 1; ; round++) {
    const plan = program.next(state)
    if (plan === 'done') break
    const cohort = plan.audience === 'everyone' ? everyone : (run.cohortOf?.(round) ?? everyone)
    const fates = new Map(cohort.map((slot) => [slot, run.fateOf?.(round, slot) ?? 'accepted']))
    const performed: Performed[] = []
    for (const slot of cohort) {
      const data = clients[slot]
      if (data === undefined) continue
      const result = await halves[plan.part].perform({
        round,
        slot,
        task: plan.task,
        shared: travelled(plan.shared),
        assets: assetsOf(run, plan),
        personal: travelledOrNull(personals.get(slot)),
        data,
        memory: travelledOrNull(memories.get(slot)),
        uplink: plan.uplink,
        noise: seededNoise(createStreams(config.seed), { round, slot }),
      })
      personals.delete(slot)
      performed.push({ slot, result, update: travelled(packUpdate(result.update, plan.uplink)) })
    }
    const accepted = performed.filter(({ slot }) => fates.get(slot) === 'accepted')
    const folded = foldInOrder(run, plan, accepted).finish({
      population: clients.length,
      mayBeEmpty: config.cohort.minReporters === 0,
    })
    const closed = await program.close(state, plan, folded)
    state = travelled(program.observe(travelled(closed.state), closed.metrics))
    for (const [slot, personal] of closed.personal ?? []) personals.set(slot, personal)
    for (const { slot, result } of performed) {
      const half = halves[plan.part]
      const fate = run.believedFateOf?.(round, slot) ?? fates.get(slot) ?? 'refused'
      const memory = settled(half, memories.get(slot) ?? null, result.pending, fate)
      if (memory === null) memories.delete(slot)
      else memories.set(slot, memory)
    }
    rounds.push({
      plan,
      reporters: folded.reporters,
      metrics: closed.metrics,
      diagnostics: closed.diagnostics ?? null,
      clientMetrics: new Map(performed.map(({ slot, result }) => [slot, result.metrics])),
      state,
      released: program.released(state).bundle,
    })
  }
  return { rounds, state, released: program.released(state).bundle, memories }
}

/** Every planned asset must be the bundle that the run starts from. */
export function assetsOf(
  { startFrom }: Pick<InMemoryRun, 'startFrom'>,
  { assets }: Pick<ProgramPlan, 'assets'>,
): Readonly<Record<string, Bundle>> {
  return Object.fromEntries(
    Object.entries(assets).map(([name, hash]) => {
      if (startFrom === undefined || bundleHash(startFrom) !== hash)
        throw new Error(`Asset ${name} is not what the run starts from`)
      return [name, startFrom]
    }),
  )
}

function settled(
  half: ClientHalf,
  memory: Bundle | null,
  pending: Bundle | null,
  fate: Fate,
): Bundle | null {
  if (half.settle !== undefined) return half.settle(memory, pending, fate)
  return fate === 'accepted' ? pending : memory
}

function foldInOrder(
  { config, arrival }: InMemoryRun,
  plan: ProgramPlan,
  accepted: readonly Performed[],
) {
  const fold = createFold(plan.uplink)
  const slots = accepted.map(({ slot }) => slot)
  for (const slot of arrival?.(slots) ?? slots) {
    const member = accepted.find((one) => one.slot === slot)
    if (member === undefined) continue
    const { update, result } = member
    const { maxExamples } = config.aggregation
    const received = receiveUpdate(update, result.weight, { uplink: plan.uplink, maxExamples })
    fold.add({ slot, weight: result.weight, update: unwrap(received) })
  }
  return fold
}
