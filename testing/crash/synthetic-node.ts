/**
 * A node that computes nothing: its update is whole numbers that say who sent it, so that the sum of a round shows who counts
 * in it, and how often. It comes back after every loss of the connection, as a node does, and writes down what it sees.
 */
import { decodeBundle, encodeBundle, float32Of, type Bundle } from '#protocol/bundle.js'
import type { Hash } from '#protocol/ids.js'
import type { TaskMessage } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import { packUpdate } from '#algorithms/methods/update.js'
import { beginOf, SocketNode, type Outgoing } from '../socket-node.js'
import type { Identity } from '../synthetic-identity.js'
import type { History } from './history.js'

/** What each member adds to the witness coordinate of a round's sum. */
export const witnessOfSlot = (slot: number): number => 10 ** slot
/** The coordinate: the first bias of the logistic model. */
const WITNESS = 'out/bias'
export const witnessIn = (params: Bundle): number => float32Of(params, WITNESS)[0] ?? Number.NaN

/** The update of a slot in a round: nothing else goes into it, so an undisturbed run gives the same bytes. */
export function updateFor({ slot, round, uplink }: TaskMessage): Uint8Array {
  const [group] = uplink
  const tensors = (group?.tensors ?? []).map(({ name, shape }) => {
    const length = shape.reduce<number>((product, size) => product * (size ?? 0), 1)
    const data = Float32Array.from({ length }, (_, i) => ((slot + 1) * 31 + round * 7 + i) % 13)
    if (name === WITNESS) data[0] = witnessOfSlot(slot)
    return { name, shape: shape.map(Number), dtype: 'float32' as const, data }
  })
  return encodeBundle(packUpdate({ [group?.name ?? '']: tensors }, uplink))
}

/** Refusals after which the node asks again. */
const UNDECIDED = new Set([
  'coordinator/unreachable',
  'upload/out-of-order',
  'update/corrupt',
  'store/io',
])

export class SyntheticNode {
  /** The witness coordinate with which each round began, as this node read it. */
  readonly witnesses = new Map<number, number>()
  readonly #history: History
  readonly #identity: Identity
  readonly #name: string
  /** Updates whose answer is known, and what it is. */
  readonly #answered = new Set<Hash>()

  constructor(name: string, identity: Identity, history: History) {
    this.#name = name
    this.#identity = identity
    this.#history = history
  }

  /** Takes tasks until the connection is lost. Resolves then; and when the run is over. */
  async serve(url: string): Promise<void> {
    const node = await SocketNode.join(url, this.#identity, { name: this.#name })
    const lost = new Promise<'lost'>((resolve) =>
      node.socket.once('disconnect', () => resolve('lost')),
    )
    if (!node.socket.connected) return
    let [tasks, fates] = [0, 0]
    for (;;) {
      const heard = await Promise.race([
        lost,
        node.until(
          () => node.tasks.length > tasks || node.fates.length > fates || node.ended.length > 0,
        ),
      ])
      for (const { round, attempt, slot, fate } of node.fates.slice(fates))
        this.#note({ op: 'fate', round, attempt, slot, fate })
      fates = node.fates.length
      if (heard === 'lost') return
      const task = node.tasks[tasks]
      if (task === undefined) {
        if (node.ended.length > 0) return node.close()
        continue
      }
      tasks += 1
      const done = await Promise.race([lost, this.#perform(node, task)])
      if (done === 'lost') return
    }
  }

  async #perform(node: SocketNode, task: TaskMessage): Promise<void> {
    const { round, attempt, slot, shared } = task
    const response = await node.blob(shared.hash).catch(() => null)
    if (response?.ok !== true) return
    const bytes = new Uint8Array(await response.arrayBuffer())
    this.witnesses.set(round, witnessIn(unwrap(decodeBundle(bytes))))
    this.#note({ op: 'fetch', round, attempt, slot, version: shared.hash })
    const update: Outgoing = { task, bytes: updateFor(task) }
    const { updateId } = beginOf(update)
    const member = { round, attempt, slot, updateId }
    this.#note({ op: 'submit', ...member })
    for (;;) {
      const reply = await node.upload(update).catch(() => null)
      if (reply === null) return this.#note({ op: 'info', ...member })
      const { code = 'accepted' } = (reply['problem'] ?? {}) as { readonly code?: string }
      this.#note({ op: 'ack', ...member, result: code })
      if (!UNDECIDED.has(code)) break
      if (!node.socket.connected) return
    }
    // A node that has its answer asks again now and then, as after a loss of the connection: the answer must be the same.
    if (this.#answered.has(updateId)) return
    this.#answered.add(updateId)
  }
  #note(what: Parameters<History['add']>[1]): void {
    this.#history.add(this.#name, what)
  }
}
