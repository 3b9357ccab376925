/** A node of a few lines that does exactly what a test says: for what an honest node never does. */
import { io, type Socket } from 'socket.io-client'
import type { DataCard } from '#protocol/data-card.js'
import { encodeFrame } from '#protocol/frame.js'
import { DEFAULT_POLICY, type Policy } from '#protocol/policy.js'
import { sha256, type Hash } from '#protocol/ids.js'
import { CHUNK_BYTES, updateIdOf, type Message, type TaskMessage } from '#protocol/messages.js'
import { enrolWithCode, tokenOf, type Identity } from './synthetic-identity.js'
import { FEATURES, CLASSES } from './tiny-federation.js'

export const TINY_CARD: DataCard = { inputShape: [FEATURES], classes: [...CLASSES] }
type Reply = { readonly ok: boolean; readonly [key: string]: unknown }

export const post = async (url: string, body: object, token = ''): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })
const json = async <T>(response: Response): Promise<T> => (await response.json()) as T

/** Enrols a node with a fresh invitation. */
export async function enrolNode(url: string, people: string, name: string): Promise<Identity> {
  const { code } = await json<{ code: string }>(await post(`${url}/api/nodes/invite`, {}, people))
  return enrolWithCode(url, code, name)
}

export class SocketNode {
  readonly tasks: TaskMessage[] = []
  readonly fates: Message<'round:fate'>[] = []
  readonly ended: string[] = []
  /** What it answers when a task is offered. */
  offer: object = { ok: true }
  #heard: (() => void)[] = []

  private constructor(
    readonly url: string,
    readonly token: string,
    readonly socket: Socket,
  ) {
    const on = <T>(name: string, what: (message: T) => void) =>
      socket.on(name, (message: T, acknowledge: (ack: object) => void) => {
        what(message)
        acknowledge(name === 'round:start' ? this.offer : { ok: true })
        for (const heard of this.#heard.splice(0)) heard()
      })
    on('round:start', (task: TaskMessage) => this.tasks.push(task))
    on('round:fate', (fate: Message<'round:fate'>) => this.fates.push(fate))
    on('run:finished', ({ runId }: Message<'run:finished'>) => this.ended.push(runId))
  }

  static async connect(url: string, credential: Identity): Promise<SocketNode> {
    const token = await tokenOf(url, credential)
    const socket = connectWith(url, token)
    const node = new SocketNode(url, token, socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
      // A line that breaks while the coordinator makes up its mind is no refusal.
      socket.once('disconnect', (reason) =>
        reject(new Error(`Lost before it was let in: ${reason}`)),
      )
    })
    return node
  }
  static async join(
    url: string,
    credential: Identity,
    {
      name,
      card = TINY_CARD,
      policy = DEFAULT_POLICY,
    }: { readonly name: string; readonly card?: DataCard; readonly policy?: Policy },
  ): Promise<SocketNode> {
    const node = await SocketNode.connect(url, credential)
    await node.ask('node:hello', { version: '1', name, card, policy })
    return node
  }

  ask(name: string, message: unknown): Promise<Reply> {
    return this.socket.timeout(20_000).emitWithAck(name, message) as Promise<Reply>
  }
  /** Resolves once the predicate holds; looks again whenever something was heard. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#heard.push(resolve))
  }
  async task(count: number): Promise<TaskMessage> {
    await this.until(() => this.tasks.length >= count)
    return this.tasks[count - 1]!
  }
  blob(hash: Hash, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}/api/blobs/${hash}`, {
      headers: { authorization: `Bearer ${this.token}`, ...headers },
    })
  }

  begin(update: Outgoing, change: object = {}): Promise<Reply> {
    return this.ask('update:begin', { ...beginOf(update), ...change })
  }
  chunk(update: Outgoing, index: number): Promise<Reply> {
    return this.ask('update:chunk', Buffer.from(frameOf(update, index)))
  }
  finish(update: Outgoing): Promise<Reply> {
    return this.ask('update:finish', { updateId: beginOf(update).updateId })
  }
  /** The whole of an update; resolves with the verdict. */
  async upload(update: Outgoing): Promise<Reply> {
    const begun = await this.begin(update)
    if (!begun.ok || begun['status'] === 'accepted') return begun
    for (let i = Number(begun['nextChunk']); i < chunksOf(update.bytes); i += 1) {
      const written = await this.chunk(update, i)
      if (!written.ok) return written
    }
    return this.finish(update)
  }
  close(): void {
    this.socket.disconnect()
  }
}

export const connectWith = (url: string, token: unknown): Socket =>
  io(`${url}/fl`, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    auth: { token },
  })

export const ENGINE = { backend: 'cpu', version: '1', threads: 1 }
export const chunksOf = (bytes: Uint8Array): number => Math.ceil(bytes.length / CHUNK_BYTES)

/** An update and the task that it answers. */
export interface Outgoing {
  readonly task: Pick<TaskMessage, 'runId' | 'round' | 'attempt' | 'slot' | 'lease'>
  readonly bytes: Uint8Array
  readonly weight?: number
}
export function beginOf({ task, bytes, weight = 1 }: Outgoing): Message<'update:begin'> {
  const { runId, round, attempt, slot, lease } = task
  const key = { runId, round, attempt, slot, lease, sha256: sha256(bytes) }
  const rest = { bytes: bytes.length, weight, metrics: {}, engine: ENGINE }
  return { ...key, ...rest, updateId: updateIdOf(key) }
}
export function frameOf(update: Outgoing, chunkIndex: number, change: object = {}): Uint8Array {
  const { runId, round, attempt, lease, updateId, sha256: payloadSha256, weight } = beginOf(update)
  const payloadBytes = update.bytes.length
  const header = { runId, round, attempt, lease, updateId, payloadSha256, payloadBytes, weight }
  const chunk = update.bytes.subarray(chunkIndex * CHUNK_BYTES, (chunkIndex + 1) * CHUNK_BYTES)
  return encodeFrame({ header: { ...header, ...change }, chunkIndex, chunk })
}
