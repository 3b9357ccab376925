import { setTimeout as pause } from 'node:timers/promises'
import type { TaskMessage } from '#protocol/messages.js'
import { LoadNode, type LoadIdentity } from './load-node.js'
import { atFixedRate, problemsAmong, type Arrival } from './open-loop.js'
import { RandomUpdates } from './random-update.js'

export interface Connecting {
  readonly url: string
  readonly identities: readonly LoadIdentity[]
  /** New connections a second. */
  readonly rate: number
  /** Those that are not there by then count as failed. */
  readonly withinSeconds: number
}
export interface Connected {
  /** Of each node, from when its connection was due until the coordinator had greeted it. */
  readonly arrivals: readonly Arrival[]
}
export interface Standing {
  readonly connected: number
  /** Connections that ended without being asked to, since the last `forget`. */
  readonly lost: number
  /** Nodes that were sent away for good, by code. */
  readonly refused: Readonly<Record<string, number>>
  /** Tasks that wait to be answered. */
  readonly tasks: number
}
/** Which tasks, and until when they are waited for. */
export interface Asked {
  readonly runId: string
  readonly count: number
  readonly withinSeconds: number
}
export interface Stalling {
  readonly runId: string
  readonly count: number
  readonly seed: number
}
export interface Sending {
  readonly runId: string
  /** Updates a second. */
  readonly rate: number
  readonly seed: number
  /** Each tells its loss too, for who looks at curves of members. */
  readonly tellsLoss?: boolean
}
export interface Sent {
  readonly bytesEach: number
  readonly arrivals: readonly Arrival[]
}
/** When a node was lost and when it was back, on the clock of `performance.timeOrigin + performance.now()`. */
export interface Return {
  readonly lostMs: number
  readonly backMs: number | null
}

interface Place {
  readonly node: LoadNode
  isConnected: boolean
  task: TaskMessage | null
  refusal: string | null
  lostMs: number | null
  backMs: number | null
  /** Told the first time it is connected or refused. */
  settle: (outcome: string) => void
}
const LOOK_AGAIN_MS = 20
const wallMs = (): number => performance.timeOrigin + performance.now()

/** Falls as a loss does, from another height at each member. */
const madeUpLoss = ({ round, slot }: TaskMessage): number =>
  (1 + (slot % 7) / 7) / (1 + round / 10) + ((round * 7919 + slot * 31) % 13) / 100

/** Many nodes in one process. Runs in a process of its own (generator-main.ts), so that it takes no time from the coordinator. */
export class Crowd {
  readonly #places = new Map<LoadNode, Place>()
  #lost = 0

  async connect({ url, identities, rate, withinSeconds }: Connecting): Promise<Connected> {
    const arrivals = await atFixedRate({
      count: identities.length,
      rate,
      one: (index) => {
        const identity = identities[index]
        if (identity === undefined) return Promise.resolve('internal/bug')
        const tooLate = pause(withinSeconds * 1000, 'timeout', { ref: false })
        return Promise.race([this.#add(url, identity), tooLate])
      },
    })
    return { arrivals }
  }
  standing(): Standing {
    const places = [...this.#places.values()]
    return {
      connected: places.filter((place) => place.isConnected).length,
      lost: this.#lost,
      refused: problemsAmong(places.flatMap(({ refusal }) => refusal ?? [])),
      tasks: places.filter(({ task }) => task !== null).length,
    }
  }
  /** Counts losses from now on. */
  forget(): void {
    this.#lost = 0
    for (const place of this.#places.values()) Object.assign(place, { lostMs: null, backMs: null })
  }
  /** Resolves with how many tasks there are when there are `count`, or the time is over. */
  tasks({ runId, ...limits }: Asked): Promise<number> {
    return until(() => this.#waiting(runId).length, limits)
  }
  /** Resolves with how many nodes are connected when `count` are, or the time is over. */
  connected(count: number, withinSeconds: number): Promise<number> {
    return until(() => this.standing().connected, { count, withinSeconds })
  }
  /** Answers the tasks that wait, at a fixed rate; resolves when every answer has come. */
  async send({ runId, rate, seed, tellsLoss = false }: Sending): Promise<Sent> {
    const waiting = this.#waiting(runId)
    const [first] = waiting
    if (first === undefined) return { bytesEach: 0, arrivals: [] }
    const updates = new RandomUpdates(first.task.uplink, seed)
    for (const { place } of waiting) place.task = null
    const arrivals = await atFixedRate({
      count: waiting.length,
      rate,
      one: (index) => {
        const one = waiting[index]
        if (one === undefined) return Promise.resolve('internal/bug')
        const metrics = tellsLoss ? { loss: madeUpLoss(one.task) } : {}
        return one.place.node.send(one.task, updates.make(index), metrics)
      },
    })
    return { bytesEach: updates.bytes, arrivals }
  }
  /** Begins `count` of the updates that wait and goes no further with them. Returns how many were begun. */
  async stall({ runId, count, seed }: Stalling): Promise<number> {
    const waiting = this.#waiting(runId).slice(0, count)
    const begun = await Promise.all(
      waiting.map(({ place, task }, index) => {
        place.task = null
        return place.node.beginOnly(task, new RandomUpdates(task.uplink, seed).make(index))
      }),
    )
    return begun.filter((outcome) => outcome === 'ok').length
  }
  /** Of each node that was lost since the last `forget`. */
  returns(): readonly Return[] {
    return [...this.#places.values()].flatMap(({ lostMs, backMs }) =>
      lostMs === null ? [] : [{ lostMs, backMs }],
    )
  }
  leave(): void {
    for (const node of this.#places.keys()) node.leave()
    this.#places.clear()
  }

  #waiting(runId: string): readonly { readonly place: Place; readonly task: TaskMessage }[] {
    return [...this.#places.values()].flatMap((place) =>
      place.task?.runId === runId ? [{ place, task: place.task }] : [],
    )
  }
  #add(url: string, identity: LoadIdentity): Promise<string> {
    return new Promise((settle) => {
      const change = (node: LoadNode, next: Partial<Place>): Place | undefined => {
        const place = this.#places.get(node)
        return place === undefined ? undefined : Object.assign(place, next)
      }
      const node = new LoadNode(url, identity, {
        onConnected: (one) => {
          const place = change(one, { isConnected: true })
          if (place !== undefined && place.lostMs !== null) place.backMs ??= wallMs()
          place?.settle('ok')
        },
        onLost: (one) => {
          this.#lost += 1
          change(one, { isConnected: false, lostMs: wallMs(), backMs: null })
        },
        onRefused: (one, code) => change(one, { isConnected: false, refusal: code })?.settle(code),
        onTask: (one, task) => change(one, { task }),
      })
      this.#places.set(node, {
        ...{ node, settle, isConnected: false, task: null, refusal: null },
        ...{ lostMs: null, backMs: null },
      })
    })
  }
}

async function until(
  now: () => number,
  { count, withinSeconds }: { readonly count: number; readonly withinSeconds: number },
): Promise<number> {
  const end = performance.now() + withinSeconds * 1000
  while (now() < count && performance.now() < end) await pause(LOOK_AGAIN_MS)
  return now()
}
