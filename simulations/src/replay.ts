import { FederationError } from '#protocol/errors.js'
import { canonicalJson } from '#protocol/json.js'
import type { RoundRecord, RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { updateTransformsOf } from '#algorithms/from-config.js'
import { protectionOf } from '#algorithms/update-transforms/apply.js'
import { membersOf, type Gather } from '#coordinator/cohort.js'
import { sourcesOfRecord } from './client-data.js'
import { NO_REHEARSALS, rehearsalsIn, type Rehearsals } from './rehearsals.js'
import type { SimulatedRun } from './run-files.js'
import { runSimulated, type SimulateOptions } from './simulate.js'

/**
 * Runs a recorded run again, deployed or simulated: the same rounds with the same cohorts, of which exactly those send an
 * update whose update counted; whoever kept a training that did not count trains it again. Every update and every round's model
 * must hash as recorded. Throws `replay/different` naming the first round that does not and its first slot, and
 * `replay/no-data` when a slot's data cannot be made again, and `replay/secret-noise` where nodes added noise of their own.
 */
export async function replay(record: RunRecord, options: SimulateOptions): Promise<SimulatedRun> {
  assertRepeatable(record)
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
      rehearsals: ({ round }) => comparison.rehearsals(round),
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

/** Nodes draw noise from keys that they keep; the noise of a simulation comes from the run's seed. */
function assertRepeatable({ kind, config, runId }: RunRecord): void {
  if (kind !== 'deployed' || protectionOf(updateTransformsOf(config)).noise === 0) return
  const message = `The nodes of ${runId} added noise that only they can draw again, so that no replay comes to the same updates`
  throw new FederationError('replay/secret-noise', message)
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
    // Who was asked in an earlier attempt, and kept what it trained, is asked here: there is one attempt now.
    const asked = new Set([...round.cohort, ...comparison.rehearsals(head.round).keys()])
    const cohort = [...asked].sort((a, b) => a - b)
    return { cohort: await membersOf(ctx, head, cohort), population: round.population }
  }
}

/** Holds the rounds as they close against the recorded ones, and ends the replay at the first difference. */
class Comparison {
  readonly #rounds: ReadonlyMap<number, RoundRecord>
  readonly #rehearsals: ReadonlyMap<number, Rehearsals>
  readonly #end = new AbortController()
  #difference: string | null = null

  constructor(record: RunRecord) {
    this.#rounds = new Map(record.rounds.map((round) => [round.round, round]))
    this.#rehearsals = rehearsalsIn(record)
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
  rehearsals(round: number): Rehearsals {
    return this.#rehearsals.get(round) ?? NO_REHEARSALS
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

/** A model alone says little where every client has one of its own: what each sent must be the same, too. */
/**
 * What a client measured is compared beside what it sent: where little or nothing is sent, as by clients that train alone, it
 * is what tells one personal model from another.
 */
function differenceOf(now: RoundRecord, then: RoundRecord): string | null {
  const sent = new Map(now.accepted.map((update) => [update.slot, update]))
  const isOther = ({ slot, sha256, metrics }: AcceptedHere): boolean => {
    const own = sent.get(slot)
    return own?.sha256 !== sha256 || canonicalJson(own.metrics) !== canonicalJson(metrics)
  }
  const [first, ...others] = then.accepted.filter(isOther)
  const isSameModel = now.modelHash === then.modelHash
  if (first === undefined && isSameModel) return null
  const model = isSameModel
    ? 'ends at the recorded model'
    : `ends at model ${now.modelHash}, the recorded one at ${then.modelHash}`
  const updates =
    first === undefined ? 'no update differs' : updateDifference(first, sent.get(first.slot))
  const more =
    others.length === 0
      ? ''
      : `; those of slots ${others.map(({ slot }) => slot).join(', ')} differ, too`
  return `Round ${now.round} ${model}; ${updates}${more}`
}

type AcceptedHere = RoundRecord['accepted'][number]

function updateDifference(then: AcceptedHere, now: AcceptedHere | undefined): string {
  if (now?.sha256 === then.sha256)
    return `the update of slot ${then.slot} measured ${canonicalJson(now.metrics)}, the recorded one ${canonicalJson(then.metrics)}`
  return `the update of slot ${then.slot} is ${now?.sha256 ?? 'missing'}, the recorded one ${then.sha256}`
}
