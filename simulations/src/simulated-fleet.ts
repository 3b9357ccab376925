import { FederationError } from '#protocol/errors.js'
import type { RunId, Slot } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import type { Fate, RosterEntry } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import { matchCard } from '#data/index.js'
import type { Contribution, ExchangeOptions, Fleet, Opening } from '#coordinator/fleet/fleet.js'
import type { Store } from '#coordinator/store/store.js'
import type { ClientPool } from './client-pool.js'
import { NO_REHEARSALS, type Rehearsals } from './rehearsals.js'
import type { Share } from './simulated-clients.js'

export interface SimulatedFleetOptions {
  readonly pool: ClientPool
  readonly store: Store
  /** Default: one for each of `clients`, with the card of its data. */
  readonly roster?: readonly RosterEntry[]
  readonly clients: number
  /** Members of the cohort that send an update. Default: all of them. */
  readonly reporters?: (opening: Opening) => readonly Slot[]
  /**
   * Members of the cohort that first perform the task so many times and are refused: what they keep of it is all that comes
   * of it. Default: none.
   */
  readonly rehearsals?: (opening: Opening) => Rehearsals
  /** Told what a person should know and no record holds: a member whose training failed. */
  readonly note: (runId: RunId, type: string, data: JsonObject) => Promise<void>
}

const padded = (slot: Slot, clients: number): string =>
  String(slot + 1).padStart(String(clients).length, '0')

/** Members that are always there and always answer, performed by a pool of clients. */
export class SimulatedFleet implements Fleet {
  readonly #options: SimulatedFleetOptions
  #enlisted: Promise<readonly Slot[]> | null = null

  constructor(options: SimulatedFleetOptions) {
    this.#options = options
  }

  available(runId: RunId, config: RunConfig): Promise<readonly Slot[]> {
    this.#enlisted ??= this.#enlist(runId, config)
    return this.#enlisted
  }
  members(runId: RunId, config: RunConfig): Promise<readonly Slot[]> {
    return this.available(runId, config)
  }
  /** Simulated clients have no owners. */
  refusals(): Promise<readonly string[]> {
    return Promise.resolve([])
  }
  /** Somebody always works on it. */
  waitingFor(): null {
    return null
  }
  /** The events of a simulation say it. */
  missing(): readonly string[] {
    return []
  }
  /** Nobody comes or goes. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  async *exchange(
    opening: Opening,
    _config: RunConfig,
    { done, signal }: ExchangeOptions,
  ): AsyncIterable<Contribution> {
    const { pool, reporters, rehearsals } = this.#options
    await this.#rehearse(opening, rehearsals?.(opening) ?? NO_REHEARSALS)
    const asked = reporters?.(opening) ?? opening.cohort.map(({ slot }) => slot)
    const slots = asked.filter((slot) => !done.has(slot))
    for await (const share of pool.perform(opening, slots)) {
      if (signal.aborted) return
      await this.#noteFailures(opening, share)
      yield* contributionsOf(share)
    }
  }

  async #rehearse(opening: Opening, rehearsals: Rehearsals): Promise<void> {
    for (let time = 1; ; time += 1) {
      const slots = [...rehearsals].filter(([, times]) => times >= time).map(([slot]) => slot)
      if (slots.length === 0) return
      for await (const share of this.#options.pool.perform(opening, slots))
        await this.#noteFailures(opening, share)
      await this.settle(opening, new Map(slots.map((slot) => [slot, 'refused'])))
    }
  }

  async #noteFailures({ runId, round, attempt }: Opening, { failed }: Share): Promise<void> {
    for (const { slot, problem } of failed)
      await this.#options.note(runId, 'task:failed', { round, attempt, slot, ...problem })
  }

  settle(opening: Opening, fates: ReadonlyMap<Slot, Fate>): Promise<void> {
    return this.#options.pool.settle(opening.plan.part, fates)
  }

  /** Throws `data/mismatch` when a client's data are not what the run's task asks for. */
  async #enlist(runId: RunId, config: RunConfig): Promise<readonly Slot[]> {
    const { pool, store, roster } = this.#options
    const engine = await pool.engine()
    const slots: Slot[] = []
    for (const { nodeId, name, card } of roster ?? (await this.#members())) {
      const mismatch = matchCard(card, config.task)
      if (mismatch !== null) throw new FederationError('data/mismatch', `${name}: ${mismatch}`)
      slots.push((await store.enlist(runId, { nodeId, name, card, engine })).slot)
    }
    return slots
  }

  async #members(): Promise<readonly Pick<RosterEntry, 'nodeId' | 'name' | 'card'>[]> {
    const { pool, clients } = this.#options
    const cards = await pool.cards(Array.from({ length: clients }, (_, slot) => slot))
    return cards.map((card, slot) => ({
      nodeId: null,
      name: `client-${padded(slot, clients)}`,
      card,
    }))
  }
}

/** An update that is not valid goes its own way, so that the round refuses it as it would a node's. */
function* contributionsOf({ folded, invalid, bytesUp, bytesDown }: Share): Iterable<Contribution> {
  const answer = (): Promise<void> => Promise.resolve()
  let costs = { bytesUp, bytesDown }
  const take = (): typeof costs => {
    const now = costs
    costs = { bytesUp: 0, bytesDown: 0 }
    return now
  }
  if (folded !== null) yield { ...folded, ...take(), answer }
  for (const { blob, ...member } of invalid) yield { members: [member], blob, ...take(), answer }
}
