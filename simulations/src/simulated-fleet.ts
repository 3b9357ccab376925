import { FederationError } from '#protocol/errors.js'
import type { RunId, Slot } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import type { Fate, RosterEntry } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import { matchCard } from '#data/index.js'
import type { Contribution, ExchangeOptions, Fleet, Opening } from '#coordinator/fleet/fleet.js'
import type { Store } from '#coordinator/store/store.js'
import type { ClientPool } from './client-pool.js'
import type { Share } from './simulated-clients.js'

export interface SimulatedFleetOptions {
  readonly pool: ClientPool
  readonly store: Store
  /** Default: one for each of `clients`, with the card of its data. */
  readonly roster?: readonly RosterEntry[]
  readonly clients: number
  /** Members of the cohort that send an update. Default: all of them. */
  readonly reporters?: (opening: Opening) => readonly Slot[]
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
    const { pool, reporters, note } = this.#options
    const { runId, round, attempt } = opening
    const asked = reporters?.(opening) ?? opening.cohort.map(({ slot }) => slot)
    const slots = asked.filter((slot) => !done.has(slot))
    for await (const share of pool.perform(opening, slots)) {
      if (signal.aborted) return
      for (const { slot, problem } of share.failed) {
        await note(runId, 'task:failed', { round, attempt, slot, ...problem })
      }
      yield* contributionsOf(share)
    }
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
