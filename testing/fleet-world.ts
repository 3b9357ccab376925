/** Sessions without sockets around a fleet, with a clock that stands still: for tests of who is waited for, and how long. */
import type { DataCard } from '#protocol/data-card.js'
import { sha256, type NodeId, type RunId, type Slot } from '#protocol/ids.js'
import type { Ack, Message, TaskMessage } from '#protocol/messages.js'
import type { JsonObject } from '#protocol/json.js'
import { DEFAULT_POLICY, type Policy } from '#protocol/policy.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Contribution, Opening } from '#coordinator/fleet/fleet.js'
import type { Announcement, Session } from '#coordinator/fleet/registry.js'
import { SocketFleet, type SocketFleetOptions } from '#coordinator/fleet/socket-fleet.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import type { Head, RunRow } from '#coordinator/store/store.js'
import { FakeClock } from './fake-clock.js'
import { beginOf, frameOf, TINY_CARD, type Outgoing } from './socket-node.js'
import { tinyConfig } from './tiny-federation.js'

export const RUN = 'run-0123456789ab' as RunId
export const CONFIG: RunConfig = tinyConfig()
export const idOf = (name: string): NodeId => `node-${name.repeat(12)}` as NodeId
export const leaseOf = (slot: Slot): string => String(slot).repeat(32)

/** What a session was told, and whether it was closed. */
export interface Told extends Session {
  readonly told: string[]
  isClosed: boolean
}
export function session(
  name: string,
  card: DataCard = TINY_CARD,
  policy: Policy = DEFAULT_POLICY,
): Told {
  const told: string[] = []
  const self: Told = {
    ...{ nodeId: idOf(name), name, card, policy, told, isClosed: false },
    link: {
      send: async <Name extends Announcement>(event: Name, message: Message<Name>) => {
        told.push(`${event} ${'round' in message ? message.round : ''}`.trim())
        return { ok: true } as Ack<Name>
      },
      close: () => {
        self.isClosed = true
      },
    },
  }
  return self
}

export const head = (change: Partial<Head>): Head => ({
  ...{ epoch: 1, round: 1, attempt: 1, state: 'COLLECTING', reason: null, openingHash: null },
  ...{ recordHash: null, personalHash: null, stateHash: sha256('s'), modelHash: sha256('m') },
  ...{ failures: 0, auditHead: null },
  ...change,
})
export const updateOf = (slot: Slot): Outgoing => ({
  task: { runId: RUN, round: 1, attempt: 1, slot, lease: leaseOf(slot) },
  bytes: Buffer.from(`update of ${slot}`),
})
/** Lets everything happen that waits for nothing. */
export const settleDown = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

type Note = readonly [type: string, data: JsonObject]

export class FleetWorld {
  readonly store = new MemoryStore()
  readonly clock = new FakeClock()
  readonly notes: Note[] = []
  fleet = this.restart()

  private constructor(readonly shared: TaskMessage['shared']) {}

  static async create(): Promise<FleetWorld> {
    const bytes = Buffer.from('model')
    const world = new FleetWorld({ hash: sha256(bytes), bytes: bytes.length })
    await world.store.blobs.put(bytes)
    await world.store.createRun({ runId: RUN } as RunRow, head({}))
    return world
  }

  /** As when the coordinator comes back: nobody is connected, nothing is open. */
  restart(options: Pick<SocketFleetOptions, 'limits' | 'vault' | 'audits'> = {}): SocketFleet {
    const note = (_runId: RunId, ...what: Note): void => void this.notes.push(what)
    this.fleet = new SocketFleet({ store: this.store, clock: this.clock, note, ...options })
    return this.fleet
  }

  join(name: string, card?: DataCard, policy?: Policy): Told {
    const joined = session(name, card, policy)
    this.fleet.join(joined)
    return joined
  }
  opening(change: Partial<Opening> = {}): Opening {
    const { shared } = this
    return {
      ...{ runId: RUN, round: 1, attempt: 1, population: 2, deadlineSeconds: 60, graceSeconds: 5 },
      cohort: [0, 1].map((slot) => ({ slot, lease: leaseOf(slot), personal: null })),
      plan: {
        ...{ purpose: 'train', part: 'method', task: {}, shared, assets: [], uplink: [] },
        audience: 'cohort',
      },
      ...change,
    }
  }
  /** Runs an exchange in the background, accepting everything. `ended`: whose update has arrived, in that order. */
  exchange(what = this.opening(), done: readonly Slot[] = []) {
    const abort = new AbortController()
    const seen: Contribution[] = []
    const ended = (async () => {
      const options = { done: new Set(done), signal: abort.signal }
      for await (const contribution of this.fleet.exchange(what, CONFIG, options)) {
        seen.push(contribution)
        const [{ slot } = { slot: -1 }] = contribution.members
        await contribution.answer(new Map([[slot, 'accepted']]))
      }
      return seen.map(({ members }) => members[0]?.slot)
    })()
    return { ended, abort, seen }
  }
  async upload(from: Session, update: Outgoing): Promise<object> {
    const { reception } = this.fleet
    const begun = await reception.begin(from, beginOf(update))
    if ('status' in begun) return begun
    await reception.chunk(from, frameOf(update, 0))
    return reception.finish(from, beginOf(update))
  }
}
