/**
 * A node that computes nothing: its update is whole numbers that say who sent it, so that the sum of a round shows who counts
 * in it, and how often. It comes back after every loss of the connection, as a node does, and writes down what it sees.
 */
import { decodeBundle, encodeBundle, float32Of, type Bundle } from '#protocol/bundle.js'
import type { TaskMessage } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import { packUpdate } from '#algorithms/methods/update.js'
import { beginOf, SocketNode, type Outgoing } from '../socket-node.js'
import type { Identity } from '../synthetic-identity.js'
import { UNDECIDED, type History } from './history.js'

/** What each member adds to the witness coordinate of a round's sum. */
export const witnessOfSlot = (slot: number): number => 10 ** slot
/** The coordinate: the first bias of the logistic model. */
const WITNESS = 'head/bias'
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

export class SyntheticNode {
  /** The witness coordinate with which each round began, as this node read it. */
  readonly witnesses = new Map<number, number>()
  readonly #history: History
  readonly #identity: Identity
  readonly #name: string
  #last: Outgoing | null = null

  constructor(name: string, identity: Identity, history: History) {
    this.#name = name
    this.#identity = identity
    this.#history = history
  }

  /** Takes tasks until the connection is lost, or the run is over. */
  async serve(url: string): Promise<'lost' | 'over'> {
    const node = await SocketNode.join(url, this.#identity, { name: this.#name }).catch(() => null)
    if (node === null) return 'lost'
    const lost = new Promise<'lost'>((resolve) => {
      if (!node.socket.connected) resolve('lost')
      node.socket.once('disconnect', () => resolve('lost'))
    })
    const end = await Promise.race([lost, this.#work(node).catch(() => 'lost' as const)])
    this.#noteFates(node)
    node.close()
    return end
  }

  async #work(node: SocketNode): Promise<'over'> {
    await this.#askAgain(node)
    for (let done = 0; ; done += 1) {
      await node.until(() => node.tasks.length > done || node.ended.length > 0)
      const task = node.tasks[done]
      if (task === undefined) return 'over'
      await this.#perform(node, task)
    }
  }
  #noteFates(node: SocketNode): void {
    for (const { round, attempt, slot, fate } of node.fates)
      this.#note({ op: 'fate', round, attempt, slot, fate })
  }

  /** Whoever comes back asks what became of its last task, and may send its update again. */
  async #askAgain(node: SocketNode): Promise<void> {
    const last = this.#last
    if (last === null) return
    const { runId, round, attempt, slot } = last.task
    const { updateId } = beginOf(last)
    const { fate } = await node.ask('fate:ask', { runId, round, attempt, slot })
    if (fate === 'accepted' || fate === 'refused' || fate === 'abandoned')
      this.#note({ op: 'fate', round, attempt, slot, fate })
    // Of an attempt that was given up nothing counts any more.
    if (fate === 'abandoned') return
    const reply = await node.begin(last)
    if (reply['status'] === 'accepted' || !reply.ok)
      this.#note({ op: 'ack', round, attempt, slot, updateId, result: codeOf(reply) })
  }

  async #perform(node: SocketNode, task: TaskMessage): Promise<void> {
    const { round, attempt, slot, shared } = task
    const response = await node.blob(shared.hash)
    const bytes = new Uint8Array(await response.arrayBuffer())
    this.witnesses.set(round, witnessIn(unwrap(decodeBundle(bytes))))
    this.#note({ op: 'fetch', round, attempt, slot, version: shared.hash })
    const update: Outgoing = { task, bytes: updateFor(task) }
    const member = { round, attempt, slot, updateId: beginOf(update).updateId }
    this.#last = update
    this.#note({ op: 'submit', ...member })
    for (;;) {
      const reply = await node.upload(update).catch(() => null)
      if (reply === null) {
        this.#note({ op: 'info', ...member })
        throw new Error('The answer was lost')
      }
      const result = codeOf(reply)
      this.#note({ op: 'ack', ...member, result })
      if (!UNDECIDED.has(result)) return
    }
  }
  #note(what: Parameters<History['add']>[1]): void {
    this.#history.add(this.#name, what)
  }
}
const codeOf = (reply: { readonly [key: string]: unknown }): string =>
  (reply['problem'] as { readonly code: string } | undefined)?.code ?? 'accepted'
