import { FederationError } from '#protocol/errors.js'
import type { RoundRecord, RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { membersOf, type Gather } from '#coordinator/cohort.js'
import { sourcesOfRecord } from './client-data.js'
import type { SimulatedRun } from './run-files.js'
import { runSimulated, type SimulateOptions } from './simulate.js'

/**
 * Runs a recorded run again, deployed or simulated: the same rounds with the same cohorts, of which exactly those send an
 * update whose update counted. Every round's model must hash as recorded. Throws `replay/different` naming the first round
 * that does not, and `replay/no-data` when a slot's data cannot be made again.
 */
export async function replay(record: RunRecord, options: SimulateOptions): Promise<SimulatedRun> {
  const comparison = new Comparison(record)
  const { signal } = options
  const run = await runSimulated(
    {
      config: configToReplay(record),
      sources: sourcesOfRecord(record),
      roster: record.roster,
      kind: 'replay',
      gather: asRecorded(comparison),
      reporters: ({ round }) => comparison.recorded(round)?.accepted.map(({ slot }) => slot) ?? [],
    },
    {
      ...options,
      signal: signal === undefined ? comparison.ended : AbortSignal.any([comparison.ended, signal]),
      onRound: (round) => {
        options.onRound?.(round)
        comparison.compare(round)
      },
    },
  )
  if (comparison.difference !== null)
    throw new FederationError('replay/different', comparison.difference)
  return run
}

/** Nothing in a record is trusted to be a configuration. Where nodes chose their backend, the first one's is taken. */
function configToReplay(record: RunRecord): RunConfig {
  const config = unwrap(parseRunConfig(record.config, configCatalogue()))
  if (config.compute.backend !== 'auto') return config
  const { backend, threads } = record.roster[0]?.engine ?? record.engine
  return unwrap(parseRunConfig({ ...config, compute: { backend, threads } }, configCatalogue()))
}

/** The cohort and population of the record; past its last round, the end. */
function asRecorded(comparison: Comparison): Gather {
  return async (ctx, head, plan) => {
    const round = comparison.recorded(head.round)
    if (round === undefined) return comparison.end(null)
    if (plan.part !== round.part)
      return comparison.end(
        `Round ${head.round} is of ${plan.part}, the recorded one of ${round.part}`,
      )
    // The roster is enlisted as a whole; how many were in it when a round opened is the record's to say.
    await ctx.fleet.available(ctx.runId, ctx.config)
    return { cohort: await membersOf(ctx, head, round.cohort), population: round.population }
  }
}

/** Holds the rounds as they close against the recorded ones, and ends the replay at the first difference. */
class Comparison {
  readonly #rounds: ReadonlyMap<number, RoundRecord>
  readonly #end = new AbortController()
  #difference: string | null = null

  constructor(record: RunRecord) {
    this.#rounds = new Map(record.rounds.map((round) => [round.round, round]))
  }
  get difference(): string | null {
    return this.#difference
  }
  get ended(): AbortSignal {
    return this.#end.signal
  }
  recorded(round: number): RoundRecord | undefined {
    return this.#rounds.get(round)
  }
  compare(now: RoundRecord): void {
    const then = this.recorded(now.round)
    const difference = then === undefined ? null : differenceOf(now, then)
    if (difference !== null) this.end(difference)
  }
  end(difference: string | null): null {
    this.#difference ??= difference
    this.#end.abort()
    return null
  }
}

function differenceOf(now: RoundRecord, then: RoundRecord): string | null {
  if (now.modelHash === then.modelHash) return null
  const before = new Map(then.accepted.map(({ slot, sha256 }) => [slot, sha256]))
  const slots = now.accepted
    .filter(({ slot, sha256 }) => before.get(slot) !== sha256)
    .map(({ slot }) => slot)
  const which =
    slots.length === 0 ? 'no update differs' : `the updates of slots ${slots.join(', ')} differ`
  return `Round ${now.round} ends at model ${now.modelHash}, the recorded one at ${then.modelHash}; ${which}`
}
