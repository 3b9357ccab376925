import type { Problem } from '#protocol/errors.js'
import { sha256, type Hash, type RunId, type Slot } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { Fate } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Closed, Compute, PlannedRound, Started } from '#coordinator/compute/compute.js'
import type { Contribution, ExchangeOptions, Fleet, Opening } from '#coordinator/fleet/fleet.js'
import { readJson } from '#coordinator/store/reachable.js'
import type { BlobStore } from '#coordinator/store/store.js'

export const ENGINE = { backend: 'fake', version: '1', threads: 1 }

/** A run without tensors: its state is the list of the updates' hashes so far, so its bytes show who was counted, and in which order. */
export class FakeCompute implements Compute {
  kinds: Started['kinds'] = []
  readonly #blobs: BlobStore
  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }
  async start(): Promise<Started> {
    const hash = await this.#put({ round: 0, counted: [] })
    return {
      ...{ stateHash: hash, modelHash: hash, metrics: { accuracy: 0.1 }, engine: ENGINE },
      kinds: this.kinds,
    }
  }
  async next(config: RunConfig, stateHash: Hash): Promise<PlannedRound | 'done'> {
    const state = await readJson<{ round: number }>(this.#blobs, stateHash)
    if (state.round >= config.rounds) return 'done'
    return {
      ...{ purpose: 'train', part: 'method', task: {}, assets: [], uplink: [], audience: 'cohort' },
      shared: { hash: stateHash, bytes: 1 },
    }
  }
  async inspect(
    _config: RunConfig,
    _plan: PlannedRound,
    { weight }: { weight: number },
  ): Promise<Problem | null> {
    return weight < 1 ? { code: 'update/bad-weight', message: 'too light' } : null
  }
  async close(
    _config: RunConfig,
    { stateHash, accepted }: Parameters<Compute['close']>[1],
  ): Promise<Closed> {
    const state = await readJson<{ round: number; counted: string[] }>(this.#blobs, stateHash)
    const hash = await this.#put({
      round: state.round + 1,
      counted: [...state.counted, ...accepted.map((update) => update.sha256)],
    })
    return { stateHash: hash, modelHash: hash, metrics: { accuracy: 0.5 }, personal: [] }
  }
  async keyMap(): Promise<null> {
    return null
  }
  async stop(): Promise<void> {
    return Promise.resolve()
  }
  #put(state: object): Promise<Hash> {
    return this.#blobs.put(Buffer.from(canonicalJson(state)))
  }
}

export interface Reply {
  readonly slot: Slot
  readonly payload: string
  readonly weight?: number
}
type Script = (opening: Opening, options: ExchangeOptions) => AsyncIterable<Reply> | Iterable<Reply>

async function* repliesOf(replies: ReturnType<Script>): AsyncGenerator<Reply> {
  yield* replies
}

/** Members that reply as a script says, and remember what they were told. */
export class FakeFleet implements Fleet {
  online: readonly Slot[]
  /** Members that are not there. */
  away: readonly Slot[] = []
  script: Script = (opening, { done }) =>
    opening.cohort
      .filter(({ slot }) => !done.has(slot))
      .map(({ slot }) => ({ slot, payload: `round ${opening.round} slot ${slot}` }))
  readonly answers: (readonly [number, Slot, string])[] = []
  readonly settled: (readonly [number, number, Readonly<Record<Slot, Fate>>])[] = []
  readonly openings: Opening[] = []
  readonly #blobs: BlobStore
  readonly #wake = new Set<() => void>()

  constructor(blobs: BlobStore, online: readonly Slot[]) {
    this.#blobs = blobs
    this.online = online
  }
  async available(_runId: RunId): Promise<readonly Slot[]> {
    return this.online
  }
  async members(): Promise<readonly Slot[]> {
    return [...this.online, ...this.away].sort((a, b) => a - b)
  }
  /** Why members that are there take no task. */
  reasons: readonly string[] = []
  async refusals(): Promise<readonly string[]> {
    return this.reasons
  }
  /** Why nobody works on the open round. */
  waits: string | null = null
  waitingFor(): string | null {
    return this.waits
  }
  /** Why members contributed nothing. */
  excuses: readonly string[] = []
  missing(): readonly string[] {
    return this.excuses
  }
  changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake.add(resolve)
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }
  connect(slots: readonly Slot[]): void {
    this.online = slots
    for (const wake of this.#wake) wake()
    this.#wake.clear()
  }
  async *exchange(
    opening: Opening,
    _config: RunConfig,
    options: ExchangeOptions,
  ): AsyncIterable<Contribution> {
    this.openings.push(opening)
    for await (const { slot, payload, weight = 1 } of repliesOf(this.script(opening, options))) {
      const blob = await this.#blobs.put(Buffer.from(payload))
      const lease = opening.cohort.find((member) => member.slot === slot)?.lease ?? ''
      const updateId = sha256(`${opening.round}|${slot}|${lease}|${blob}`)
      yield {
        members: [{ slot, updateId, sha256: blob, weight, metrics: {} }],
        blob,
        bytesUp: 10,
        bytesDown: 5,
        answer: async (outcome) => {
          for (const [to, what] of outcome)
            this.answers.push([opening.round, to, what === 'accepted' ? what : what.code])
        },
      }
    }
  }
  async settle(opening: Opening, fates: ReadonlyMap<Slot, Fate>): Promise<void> {
    this.settled.push([opening.round, opening.attempt, Object.fromEntries(fates)])
  }
}

/** Never ends by itself: what a member that stays silent looks like. */
export const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
