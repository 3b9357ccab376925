/** A coordinator, nodes and people as real processes, driven as their owners would. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '#protocol/json.js'
import type { Role } from '#protocol/roles.js'
import type { RunConfigInput } from '#protocol/run-config.js'
import type { RunEvent } from '#protocol/ui-messages.js'
import { operatorAccess } from '#cli/access.js'
import { createApi, type Api } from '#cli/api.js'
import { startProgram, type Program } from '#cli/processes.js'

export interface Person {
  readonly name: string
  readonly role: Role
  readonly password: string
}

export class Federation {
  readonly #directory: string
  readonly #programs: Program[] = []
  #api: Api | null = null

  constructor(directory: string) {
    this.#directory = directory
  }
  get api(): Api {
    if (this.#api === null) throw new Error('The coordinator is not started')
    return this.#api
  }
  get dataDir(): string {
    return this.at('data')
  }
  at(name: string): string {
    return join(this.#directory, name)
  }

  async start(): Promise<void> {
    await mkdir(this.#directory, { recursive: true })
    const coordinator = this.program([
      ...['coordinator', 'start', '--data-dir', this.dataDir, '--port', '0'],
      ...['--master-key', this.at('master-key')],
    ])
    const { url } = await coordinator.event('coordinator:listening')
    this.#api = createApi(String(url), operatorAccess(this.dataDir))
  }
  program(args: readonly string[], log = args[0] ?? ''): Program {
    const program = startProgram(args, this.at(`${log}.log`))
    this.#programs.push(program)
    return program
  }
  /** A command, to its end. */
  async command(
    args: readonly string[],
    event: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    const program = this.program(args)
    const line = await program.event(event)
    await program.stop()
    return line
  }
  /** Nodes first, so that nothing is lost of what they do; then the coordinator. */
  async stop(): Promise<void> {
    for (const program of this.#programs.toReversed()) await program.stop()
  }

  async add({ name, role, password }: Person): Promise<void> {
    const { code } =
      name === 'administrator'
        ? await this.api.call('POST /api/users/:id/code', { id: name })
        : await this.api.call('POST /api/users', { body: { name, role } })
    await createApi(this.api.url, null).call('POST /api/sign-in', { body: { code, password } })
  }
  async join(name: string, flags: readonly string[]): Promise<Program> {
    const { code } = await this.api.call('POST /api/nodes/invite', { body: { minutes: 10 } })
    const state = ['--state-dir', this.at(join('nodes', name.replaceAll(/\W+/g, '-')))]
    const node = this.program(
      ['client', 'join', this.api.url, '--code', code, '--name', name, ...state, ...flags],
      'nodes',
    )
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
