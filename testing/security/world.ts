/** A coordinator with its doors open, in this process, and what attackers and honest nodes need to talk to it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunId } from '#protocol/ids.js'
import { startCoordinator, type CoordinatorHandle } from '#coordinator/server.js'
import type { Store } from '#coordinator/store/store.js'
import { FakeCompute } from '#testing/fake-fleet.js'
import { enrolNode, post, SocketNode } from '#testing/socket-node.js'
import type { Identity } from '#testing/synthetic-identity.js'
import { CLASSES, FEATURES } from '#testing/tiny-federation.js'
import { RawWebSocket } from './raw-websocket.js'

/** Two members train one round after the other until a test has seen enough. */
export const CONFIG = {
  task: { inputShape: [FEATURES], classes: [...CLASSES] },
  model: { name: 'logistic' },
  compute: { backend: 'cpu', threads: 1 },
  cohort: { all: true, minReporters: 1, graceSeconds: 10, deadlineSeconds: 60 },
  rounds: 2,
  seed: 7,
}

export interface Answer {
  readonly status: number
  readonly code: string
  readonly headers: Headers
  readonly text: string
}

export class World {
  readonly nodes: SocketNode[] = []
  coordinator!: CoordinatorHandle
  store!: Store
  /** The operator's access token. */
  people = ''

  private constructor(readonly dataDir: string) {}

  static async open(options: object = {}): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), 'tributary-security-')))
    await world.start(options)
    return world
  }
  async start(options: object = {}): Promise<void> {
    this.coordinator = await startCoordinator({
      ...{ dataDir: this.dataDir, port: 0, logLevel: 'silent' },
      compute: (store) => {
        this.store = store
        return new FakeCompute(store.blobs)
      },
      ...options,
    })
    const file = await readFile(join(this.dataDir, 'operator.json'), 'utf8')
    this.people = (JSON.parse(file) as { token: string }).token
  }
  async close(): Promise<void> {
    for (const node of this.nodes.splice(0)) node.close()
    RawWebSocket.endAll()
    await this.coordinator.stop()
    await rm(this.dataDir, { recursive: true, force: true })
  }

  get url(): string {
    return this.coordinator.url
  }
  enrol(name: string): Promise<Identity> {
    return enrolNode(this.url, this.people, name)
  }
  async join(name: string, identity?: Identity): Promise<SocketNode> {
    const node = await SocketNode.join(this.url, identity ?? (await this.enrol(name)), { name })
    this.nodes.push(node)
    return node
  }
  async run(change: object = {}): Promise<RunId> {
    const body = { config: { ...CONFIG, ...change } }
    const response = await post(`${this.url}/api/runs`, body, this.people)
    return ((await response.json()) as { runId: RunId }).runId
  }
  async call(
    [method, path]: readonly [string, string],
    init: {
      readonly token?: string
      readonly body?: string | Buffer
      readonly headers?: Readonly<Record<string, string>>
    } = {},
  ): Promise<Answer> {
    const { token = this.people, body, headers = {} } = init
    const response = await fetch(`${this.url}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    return { status: response.status, code: codeIn(text), headers: response.headers, text }
  }
}

/** The problem's code in an answer, '' where there is none. */
function codeIn(text: string): string {
  try {
    return (JSON.parse(text) as { problem?: { code?: string } }).problem?.code ?? ''
  } catch {
    return ''
  }
}
/** The code of a refused acknowledgement; 'ok' when it was none. */
export const codeOf = (ack: { readonly ok: boolean; readonly [key: string]: unknown }): string =>
  ack.ok ? 'ok' : (ack['problem'] as { code: string }).code
