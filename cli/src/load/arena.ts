import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { FederationError } from '#protocol/errors.js'
import { newNodeId } from '#protocol/ids.js'
import { newKeyPair } from '#protocol/proof.js'
import type { JsonObject } from '#protocol/json.js'
import type { RunRecord } from '#protocol/record.js'
import { openStore } from '#coordinator/store/open-store.js'
import { startGenerator, type Generator } from '#simulations/load/generator.js'
import { LOAD_CARD, type LoadIdentity } from '#simulations/load/load-node.js'
import { childrenOf, ProcessWatch, type Role } from '#simulations/load/process-samples.js'
import { createApi, type Api } from '../api.js'
import { startProgram, type Program } from '../processes.js'

export interface ArenaOptions {
  /** How many nodes are enrolled before the coordinator starts. */
  readonly nodes: number
  /** Connections that the coordinator is to take from one address: here all nodes come from the same. */
  readonly connectionsPerAddress: number
}
/** A run of which nodes answer the tasks with random numbers. */
export interface LoadRun {
  /** About as many bytes has one update. */
  readonly updateBytes: number
  readonly rounds: number
  readonly deadlineSeconds: number
  /** Default: those of every node that is not told otherwise. */
  readonly classes?: readonly string[]
  /** What of the configuration is otherwise. */
  readonly change?: JsonObject
}

/** Bytes of one more unit of the hidden layer, in float32: 256 inputs, a bias, two outputs. */
const UNIT_BYTES = 4 * (256 + 1 + 2)
const LOOK_AGAIN_MS = 100
const MOST_ROUND_MB = 64_000
/** Of all addresses together, beside those of the nodes. */
const OTHER_CONNECTIONS = 12_000

export const wallMs = (): number => performance.timeOrigin + performance.now()

/**
 * A coordinator as its users start it, and a generator of load, each a process of its own, in a temporary directory that is
 * gone afterwards. Nodes are enrolled by writing them into the coordinator's store before it starts: their keys are real, and
 * they come in as every node does.
 */
export class Arena {
  readonly identities: readonly LoadIdentity[]
  readonly generator: Generator
  readonly watch: ProcessWatch
  readonly #directory: string
  readonly #connectionsPerAddress: number
  #coordinator: Program
  #url: string

  private constructor(parts: {
    readonly directory: string
    readonly connectionsPerAddress: number
    readonly identities: readonly LoadIdentity[]
    readonly coordinator: Program
    readonly url: string
    readonly generator: Generator
  }) {
    this.identities = parts.identities
    this.generator = parts.generator
    this.#directory = parts.directory
    this.#connectionsPerAddress = parts.connectionsPerAddress
    this.#coordinator = parts.coordinator
    this.#url = parts.url
    this.watch = new ProcessWatch(() => this.#processes())
  }

  static async open({ nodes, connectionsPerAddress }: ArenaOptions): Promise<Arena> {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-load-'))
    try {
      const identities = await enrolAll(join(directory, 'coordinator'), nodes)
      const { coordinator, url } = await launch(directory, { port: 0, connectionsPerAddress })
      const generator = await startGenerator()
      return new Arena({
        directory,
        connectionsPerAddress,
        identities,
        coordinator,
        url,
        generator,
      })
    } catch (error) {
      await rm(directory, { recursive: true, force: true })
      throw error
    }
  }

  get url(): string {
    return this.#url
  }
  /** With the operator's token as it is now: it is renewed every few minutes. */
  async api(): Promise<Api> {
    const file = await readFile(join(this.#directory, 'coordinator', 'operator.json'), 'utf8')
    return createApi(this.#url, (JSON.parse(file) as { readonly token: string }).token)
  }
  async startRun({ updateBytes, rounds, deadlineSeconds, ...rest }: LoadRun): Promise<string> {
    const units = Math.max(1, Math.round(updateBytes / UNIT_BYTES))
    const config = {
      ...{ name: 'load', rounds, seed: 1 },
      task: { ...LOAD_CARD, classes: rest.classes ?? LOAD_CARD.classes },
      ...{ model: { name: 'mlp', hidden: [units] }, method: { name: 'fedavg' } },
      cohort: { all: true, minReporters: 1, attempts: 1, graceSeconds: 120, deadlineSeconds },
      compute: { backend: 'wasm', threads: 1 },
      ...rest.change,
    }
    return (await (await this.api()).call('POST /api/runs', { body: { config } })).runId
  }
  async record(runId: string): Promise<RunRecord> {
    return (await this.api()).call('GET /api/runs/:id', { id: runId })
  }
  /** The record once `round` is closed or the run is over. Throws `algorithm/failed` when neither happens in time. */
  async closed(runId: string, round: number, withinSeconds: number): Promise<RunRecord> {
    const end = performance.now() + withinSeconds * 1000
    for (;;) {
      const record = await this.record(runId)
      const isOver = !['waiting', 'running'].includes(record.state)
      if (isOver || record.rounds.some((one) => one.round === round)) return record
      if (performance.now() > end) {
        const message = `Round ${round} did not close within ${withinSeconds} s`
        throw new FederationError('algorithm/failed', message)
      }
      await pause(LOOK_AGAIN_MS)
    }
  }
  /** How late the coordinator's event loop was at p99 since this was last asked, in milliseconds. */
  async eventLoopLagMs(): Promise<number | null> {
    const text = await metricsOf(this.#url)
    const seconds = /^nodejs_eventloop_lag_p99_seconds(?:\{[^}]*\})? (\S+)$/m.exec(text)?.[1]
    return seconds === undefined ? null : Number(seconds) * 1000
  }
  /** Kills the coordinator where it stands, and resolves with when that was. */
  async killCoordinator(): Promise<number> {
    const at = wallMs()
    await this.#coordinator.kill()
    return at
  }
  /** On the same data and the same port. */
  async restartCoordinator(): Promise<void> {
    const port = Number(new URL(this.#url).port)
    const { coordinator, url } = await launch(this.#directory, {
      ...{ port, connectionsPerAddress: this.#connectionsPerAddress },
    })
    this.#coordinator = coordinator
    this.#url = url
  }

  /** Where the coordinator writes what it has to say. */
  get logFile(): string {
    return logIn(this.#directory)
  }
  /** Ends everything that was started, however far it got. `keep`: its directory stays, with the coordinator's log. */
  async close({ keep = false }: { readonly keep?: boolean } = {}): Promise<void> {
    await this.watch.stop()
    await this.generator.stop()
    await this.#coordinator.stop()
    if (!keep) await rm(this.#directory, { recursive: true, force: true })
  }

  async #processes(): Promise<readonly (readonly [Role, number])[]> {
    const { pid } = this.#coordinator
    const compute = (await childrenOf(pid)).map((child) => ['compute', child] as const)
    const generator = this.generator.pid
    return [
      ['coordinator', pid],
      ...compute,
      ...(generator === null ? [] : [['generator', generator] as const]),
      ['driver', process.pid],
    ]
  }
}

const logIn = (directory: string): string => join(directory, 'coordinator.log')

async function metricsOf(url: string): Promise<string> {
  try {
    return await (await fetch(new URL('/metrics', url))).text()
  } catch (cause) {
    throw new FederationError('coordinator/unreachable', `No coordinator answers at ${url}`, {
      cause,
    })
  }
}

/** Invitations one by one would be thousands of calls that no measurement is about. */
async function enrolAll(dataDir: string, count: number): Promise<readonly LoadIdentity[]> {
  const store = await openStore(dataDir)
  try {
    const identities: LoadIdentity[] = []
    const enrolledAt = new Date().toISOString()
    for (let i = 0; i < count; i += 1) {
      const [nodeId, name] = [newNodeId(), `load-${String(i).padStart(5, '0')}`]
      const { publicKey, privateKey } = newKeyPair()
      await store.addNode({ nodeId, name, publicKey, enrolledAt, revokedAt: null })
      identities.push({ nodeId, name, privateKey })
    }
    return identities
  } finally {
    await store.close()
  }
}

/** Everything that it keeps lies in `directory`, keys too. */
async function launch(
  directory: string,
  how: { readonly port: number; readonly connectionsPerAddress: number },
): Promise<{ readonly coordinator: Program; readonly url: string }> {
  const coordinator = startProgram(
    [
      ...['coordinator', 'start', '--data-dir', join(directory, 'coordinator')],
      ...['--port', String(how.port), '--log-level', 'warn'],
      ...['--max-round-mb', String(MOST_ROUND_MB)],
      ...['--max-connections', String(OTHER_CONNECTIONS + how.connectionsPerAddress)],
      ...['--max-connections-per-address', String(how.connectionsPerAddress)],
    ],
    logIn(directory),
    { TRIBUTARY_HOME: join(directory, 'home') },
  )
  const { url } = (await coordinator.event('coordinator:listening')) as { url: string }
  return { coordinator, url }
}
