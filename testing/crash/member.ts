/**
 * A node in the process of the test: the product's own client, without a socket and without a process that trains. Its state
 * directory outlives it; `die` and `revive` are a kill and a new start.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeBundle, encodeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import { sha256, type Hash, type NodeId } from '#protocol/ids.js'
import type { Message, TaskMessage } from '#protocol/messages.js'
import { parsePolicy } from '#protocol/policy.js'
import { unwrap } from '#protocol/result.js'
import type { ClientData } from '#data/dataset.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import { computeUpdate, settleMemory } from '#client/compute-update.js'
import { noiseOf } from '#client/noise.js'
import type { NodeContext } from '#client/node-context.js'
import { readNodeState, type NodeState } from '#client/state/node-state.js'
import { Tasks } from '#client/tasks.js'
import type { Answers, Request } from '#client/training/messages.js'
import type { Link } from '#client/transport/socket.js'
import type { Announcement, Session } from '#coordinator/fleet/registry.js'
import type { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import { receive } from '#coordinator/transport/receive.js'
import type { History } from './history.js'
import { Crash, Life } from './mortal.js'

/** The coordinator of the moment, as a node can reach it. */
export interface Reachable {
  readonly life: Life
  readonly fleet: SocketFleet
  readonly blob: (nodeId: NodeId, hash: Hash) => Promise<Uint8Array | null>
}
export interface MemberOptions {
  readonly slot: number
  readonly directory: string
  readonly data: ClientData
  readonly history: History
}

/** Everything may leave: what is tested is that it arrives once. */
const POLICY = unwrap(parsePolicy({ perExample: true }))
/** Whose code passes a fault point. */
const passing = new AsyncLocalStorage<Member>()
export const passingMember = (): Member | null => passing.getStore() ?? null

const gone = (): FederationError =>
  new FederationError('coordinator/unreachable', 'The connection was lost')

export class Member {
  readonly nodeId: NodeId
  readonly #options: MemberOptions
  #coordinator: Reachable | null = null
  #waiting: (() => void)[] = []
  #life = new Life()
  #leaving = new AbortController()
  #session: Session | null = null
  #tasks: Tasks

  constructor(options: MemberOptions) {
    this.#options = options
    this.nodeId = `node-${String(options.slot).padStart(12, '0')}` as NodeId
    this.#tasks = this.#start()
  }
  get name(): string {
    return `node-${this.#options.slot}`
  }

  /** A new connection; the one before is gone. */
  connect(coordinator: Reachable): void {
    this.#coordinator = coordinator
    const session = this.#sessionWith(coordinator)
    this.#session = session
    coordinator.fleet.join(session)
    for (const wake of this.#waiting.splice(0)) wake()
    passing.run(this, () => this.#tasks.connected())
  }
  disconnect(): void {
    const [coordinator, session] = [this.#coordinator, this.#session]
    this.#coordinator = null
    if (coordinator?.life.isOver === false && session !== null) coordinator.fleet.leave(session)
  }
  /** Nothing of what it does reaches the coordinator any more. */
  die(): void {
    this.#life.end()
    this.#leaving.abort()
    this.disconnect()
  }
  revive(): void {
    this.#life = new Life()
    this.#leaving = new AbortController()
    this.#waiting = []
    this.#tasks = this.#start()
  }
  /** Resolves when nothing is being done any more. */
  idle(): Promise<void> {
    return this.#tasks.idle()
  }

  #sessionWith(coordinator: Reachable): Session {
    const life = this.#life
    const isHere = (): boolean => !life.isOver && this.#coordinator === coordinator
    return {
      ...{ nodeId: this.nodeId, name: this.name, card: this.#options.data.card, policy: POLICY },
      link: {
        send: async <Name extends Announcement>(name: Name, message: Message<Name>) => {
          if (!isHere()) throw gone()
          return this.#told(name, message) as never
        },
        close: () => this.disconnect(),
      },
    }
  }
  #told(name: Announcement, message: unknown): object {
    if (name === 'round:start') {
      const { round, attempt, slot, shared } = message as TaskMessage
      this.#note({ op: 'fetch', round, attempt, slot, version: shared.hash })
      return passing.run(this, () => this.#tasks.offered(message))
    }
    if (name === 'run:finished') return { ok: true }
    const { round, attempt, slot, fate } = message as Message<'round:fate'>
    this.#note({ op: 'fate', round, attempt, slot, fate })
    return passing.run(this, () => this.#tasks.fate(message))
  }
  #note(what: Parameters<History['add']>[1]): void {
    this.#options.history.add(this.name, what)
  }

  #start(): Tasks {
    const { data, directory } = this.#options
    const state = this.#life.guard<NodeState>(readNodeState(join(directory, this.name)))
    const context: NodeContext = {
      ...{ state, card: data.card, policy: POLICY, auditKey: '', emit: () => undefined },
      trainer: this.#life.guard(trainerOf(data)),
      link: this.#link(this.#life),
      signal: this.#leaving.signal,
      fetchBlob: (blob) => this.#fetch(blob.hash),
    }
    return new Tasks(context)
  }

  async #fetch(hash: Hash): Promise<Uint8Array> {
    for (;;) {
      await this.#connected(this.#life)
      const coordinator = this.#coordinator
      const bytes = await coordinator?.blob(this.nodeId, hash).catch(() => null)
      if (coordinator === null || this.#coordinator !== coordinator) continue
      if (bytes === null || bytes === undefined || sha256(bytes) !== hash)
        throw new FederationError('http/not-found', `The blob ${hash} is not there`)
      return bytes
    }
  }
  async #connected(life: Life): Promise<void> {
    while (this.#coordinator === null || this.#coordinator.life.isOver) {
      if (life.isOver) throw gone()
      await Promise.race([new Promise<void>((resolve) => this.#waiting.push(resolve)), life.died])
    }
    if (life.isOver) throw gone()
  }

  /** As a socket would: what the other end says is lost with the connection. */
  #link(life: Life): Link {
    return {
      connected: () => this.#connected(life),
      on: () => undefined,
      close: () => undefined,
      ask: async (name: string, message: unknown) => {
        const [coordinator, session] = [this.#coordinator, this.#session]
        if (coordinator === null || session === null || life.isOver) throw gone()
        const upload = uploadOf(name, message)
        if (upload !== null && name === 'update:begin') this.#note({ op: 'submit', ...upload })
        const answer = receive(name, message, {
          ...{ fleet: coordinator.fleet, session, join: () => undefined },
        }).catch((error: unknown) => {
          if (error instanceof FederationError) return error
          throw error
        })
        const heard = await Promise.race([answer, coordinator.life.died, life.died])
        if (coordinator.life.isOver || life.isOver || this.#coordinator !== coordinator) {
          if (upload !== null) this.#note({ op: 'info', ...upload })
          throw gone()
        }
        this.#noteAnswer(name, message, heard)
        if (heard instanceof Error) throw heard
        passAfterAnswer(name, heard)
        return heard as never
      },
    } as Link
  }
  readonly #uploads = new Map<Hash, ReturnType<typeof uploadOf>>()
  #noteAnswer(name: string, message: unknown, heard: unknown): void {
    const { updateId } = message as { updateId?: Hash }
    if (name === 'update:begin' && updateId !== undefined)
      this.#uploads.set(updateId, uploadOf(name, message))
    const upload = updateId === undefined ? null : (this.#uploads.get(updateId) ?? null)
    if (upload === null || !/^update:(begin|finish)$/.test(name)) return
    if (heard instanceof FederationError) this.#note({ op: 'ack', ...upload, result: heard.code })
    else if (typeof heard === 'object' && heard !== null && 'status' in heard)
      this.#note({ op: 'ack', ...upload, result: 'accepted' })
  }
}

/** What the transport passes once an answer has left: the coordinator may be dead then, and the node has its answer. */
function passAfterAnswer(name: string, answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) return
  try {
    if ('nextChunk' in answer && name === 'update:begin') faultPoint('grant.sent')
    if ('status' in answer && name === 'update:finish') faultPoint('ack.sent')
  } catch (error) {
    if (!(error instanceof Crash)) throw error
  }
}

function uploadOf(name: string, message: unknown) {
  if (name !== 'update:begin') return null
  const { round, attempt, slot, updateId } = message as Message<'update:begin'>
  return { round, attempt, slot, updateId }
}

/** What the node's child process does, in this one. */
function trainerOf(data: ClientData): NodeContext['trainer'] {
  const decode = (bytes: Uint8Array): Bundle => unwrap(decodeBundle(bytes))
  const maybe = (bytes: Uint8Array | null): Bundle | null => (bytes === null ? null : decode(bytes))
  const encoded = (bundle: Bundle | null): Uint8Array | null =>
    bundle === null ? null : encodeBundle(bundle)
  return {
    perform: async (request) => {
      const { config, part, round, slot, task, uplink } = request
      const computed = await computeUpdate(createClientHalves(config), part, {
        ...{ round, slot, task, uplink, data },
        shared: decode(request.shared),
        assets: await assetsOf(request),
        personal: maybe(request.personal),
        memory: maybe(request.memory),
        noise: noiseOf(request.noiseKey),
        onStep: (done) => {
          if (done === 1) faultPoint('client.training')
        },
      })
      const { weight, metrics } = computed
      return {
        ...{ weight, metrics, hasPersonalModel: false },
        update: encodeBundle(computed.update),
        pending: encoded(computed.pending),
        engine: { backend: 'cpu', version: '1', threads: 1 },
      } satisfies Answers['perform']
    },
    settle: async ({ config, part, memory, pending, fate }) =>
      encoded(
        settleMemory(createClientHalves(config), part, {
          ...{ memory: maybe(memory), pending: maybe(pending), fate },
        }),
      ),
  }
}
async function assetsOf({
  assets,
}: Extract<Request, { kind: 'perform' }>): Promise<Readonly<Record<string, Bundle>>> {
  const read = Object.entries(assets).map(async ([name, { path }]) => {
    const bytes = new Uint8Array(await readFile(path))
    return [name, unwrap(decodeBundle(bytes))] as const
  })
  return Object.fromEntries(await Promise.all(read))
}

/** How a test's members read blobs: as the coordinator serves them, a task at a time. */
export const blobsOf =
  (fleet: SocketFleet): Reachable['blob'] =>
  async (nodeId, hash) =>
    (await fleet.readBlob(nodeId, hash))?.blobs.get(hash) ?? null
