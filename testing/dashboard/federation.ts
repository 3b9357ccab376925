/** A coordinator, nodes and people as real processes, driven as their owners would. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '#protocol/json.js'
import type { RunConfigInput } from '#protocol/run-config.js'
import type { RunEvent } from '#protocol/ui-messages.js'
import { operatorAccess } from '#cli/access.js'
import { createApi, type Api } from '#cli/api.js'
import { start, tributary, type Running } from '../e2e/harness.js'
import type { Person } from './people.js'

export class Federation {
  readonly #directory: string
  readonly #env: NodeJS.ProcessEnv
  readonly #nodes: Running[] = []
  #coordinator: Running | null = null
  #api: Api | null = null

  /** Everything is in `directory`, also what a person's home would hold. */
  constructor(directory: string) {
    this.#directory = directory
    this.#env = { TRIBUTARY_HOME: this.at('home') }
  }
  get api(): Api {
    if (this.#api === null) throw new Error('The coordinator is not started')
    return this.#api
  }
  get url(): string {
    return this.api.url
  }
  get dataDir(): string {
    return this.at('data')
  }
  at(name: string): string {
    return join(this.#directory, name)
  }

  /** Again, after an end, at the same address. */
  async start(): Promise<void> {
    await mkdir(this.#directory, { recursive: true })
    const port = this.#api === null ? '0' : new URL(this.#api.url).port
    const args = ['coordinator', 'start', '--data-dir', this.dataDir, '--port', port]
    const key = ['--master-key', this.at('master-key')]
    this.#coordinator = start([...args, ...key], { env: this.#env })
    const { url } = await this.#coordinator.event('coordinator:listening')
    this.#api ??= createApi(String(url), operatorAccess(this.dataDir))
  }
  async kill(signal: NodeJS.Signals): Promise<void> {
    await this.#coordinator?.kill(signal)
  }
  /** The last line of a command that has to succeed. */
  async command(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const { status, result, errorText } = await tributary(args, { env: this.#env })
    if (status !== 0) throw new Error(`${args.join(' ')}: ${errorText}`)
    return result
  }
  /** Nodes first, so that nothing is lost of what they do; then the coordinator. */
  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.kill('SIGINT')))
    await this.kill('SIGINT')
  }

  async add({ name, role, password }: Person): Promise<void> {
    const { code } =
      name === 'administrator'
        ? await this.api.call('POST /api/users/:id/code', { id: name })
        : await this.api.call('POST /api/users', { body: { name, role } })
    await createApi(this.api.url, null).call('POST /api/sign-in', { body: { code, password } })
  }
  /** With an invitation the first time. */
  async join(name: string, ...flags: readonly string[]): Promise<Running> {
    const { code } = await this.api.call('POST /api/nodes/invite', { body: { minutes: 10 } })
    return this.rejoin(name, '--code', code, ...flags)
  }
  async rejoin(name: string, ...flags: readonly string[]): Promise<Running> {
    const state = ['--state-dir', this.at(join('nodes', name.replaceAll(/\W+/g, '-')))]
    const args = ['client', 'join', this.url, '--name', name, ...state, ...flags]
    const node = start(args, { env: this.#env })
    this.#nodes.push(node)
    await node.event('node:connected')
    return node
  }

  async begin(config: RunConfigInput): Promise<string> {
    const { runId } = await this.api.call('POST /api/runs', { body: { config } })
    return runId
  }
  /** The first event, past or future, that matches. */
  async event(runId: string, matches: (event: RunEvent) => boolean): Promise<RunEvent> {
    for (let after = 0; ;) {
      const query = { after, wait: 30 }
      const { events } = await this.api.call('GET /api/runs/:id/events', { id: runId, query })
      const found = events.find((event) => matches(event))
      if (found !== undefined) return found
      after = events.at(-1)?.seq ?? after
    }
  }
  closed(runId: string, round: number): Promise<RunEvent> {
    const isClosed = ({ type, data }: RunEvent): boolean =>
      type === 'round:closed' && Number((data['record'] as JsonObject)['round']) >= round
    return this.event(runId, isClosed)
  }
  ended(runId: string): Promise<RunEvent> {
    const ends = ['run:finished', 'run:stopped', 'run:failed']
    return this.event(runId, ({ type }) => ends.includes(type))
  }
  /** From beginning to end. */
  async perform(config: RunConfigInput): Promise<string> {
    const runId = await this.begin(config)
    await this.ended(runId)
    return runId
  }
}
