/** A federation whose coordinator and nodes die at named points, in one process, over a real data directory. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { CLIENT_FAULT_POINTS, setFaultHook, type FaultPoint } from '#protocol/fault-points.js'
import type { RunId } from '#protocol/ids.js'
import type { RunRecord } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { ClientData } from '#data/dataset.js'
import { createCompute } from '#coordinator/compute/create-compute.js'
import { setSyncFailureHandler } from '#coordinator/durable-files.js'
import { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import { RunManager } from '#coordinator/run.js'
import { openStore } from '#coordinator/store/open-store.js'
import type { Store } from '#coordinator/store/store.js'
import { Vault } from '#coordinator/vault/vault.js'
import { History } from './history.js'
import { blobsOf, Member, passingMember, type Reachable } from './member.js'
import { Crash, Life } from './mortal.js'

/** A point, and which time it is passed since the process began. */
export interface Arming {
  readonly point: FaultPoint
  readonly nth: number
}
const isClients = (point: FaultPoint): boolean =>
  (CLIENT_FAULT_POINTS as readonly FaultPoint[]).includes(point)

/** What dies here dies with its page cache kept, so memory is as good as a disk, and faster. */
const fastestDirectory = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir())

export class CrashWorld {
  readonly history = new History()
  /** Points at which something died, in order. */
  readonly struck: FaultPoint[] = []
  readonly #members: readonly Member[]
  #coordinator: Reachable | null = null

  private constructor(
    readonly directory: string,
    readonly config: RunConfig,
    clients: readonly ClientData[],
  ) {
    this.#members = clients.map(
      (data, slot) =>
        new Member({ slot, directory: join(directory, 'nodes'), data, history: this.history }),
    )
  }
  static async create(config: RunConfig, clients: readonly ClientData[]): Promise<CrashWorld> {
    const directory = await mkdtemp(join(fastestDirectory(), 'tributary-crash-'))
    return new CrashWorld(directory, config, clients)
  }
  async remove(): Promise<void> {
    setFaultHook(null)
    setSyncFailureHandler(null)
    for (const member of this.#members) member.die()
    await rm(this.directory, { recursive: true, force: true })
  }
  get dataDir(): string {
    return join(this.directory, 'coordinator')
  }

  /** Runs to the end; something dies at each of `armings`, one after the other, as far as they are passed. */
  async run(armings: readonly Arming[] = []): Promise<RunRecord> {
    setSyncFailureHandler(() => undefined)
    const left = [...armings]
    for (;;) {
      const life = new Life()
      this.#arm(life, left)
      const record = await this.#liveOnce(life).catch((error: unknown) => {
        if (life.wasKilled) return null
        throw error
      })
      setFaultHook(null)
      this.#disconnectAll()
      if (record !== null) return record
      this.history.add('harness', { op: 'restart' })
    }
  }
  /** Files that nothing explains once everything that is not needed any more has been collected. */
  async orphans(): Promise<readonly string[]> {
    const store = await openStore(this.dataDir)
    await store.collectGarbage(0)
    const known = new Set<string>()
    for await (const hash of store.blobs.list(0)) known.add(store.blobs.path(hash) ?? '')
    await store.close()
    const files = await readdir(this.dataDir, { recursive: true, withFileTypes: true })
    return files
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !known.has(path) && !/tributary\.db|vault\/id$/.test(path))
      .map((path) => relative(this.dataDir, path))
  }

  /** From a boot to the end of the run, or to a death: then null, or what the death made of it. */
  async #liveOnce(life: Life): Promise<RunRecord | null> {
    const real = await openStore(this.dataDir)
    const store = life.store(real)
    const { clock } = life
    const masterKeyFile = join(this.directory, 'master.key')
    const dataDirectory = this.dataDir
    const vault = life.vault(await Vault.open({ dataDirectory, masterKeyFile }))
    const fleet = new SocketFleet({ store, clock, vault })
    const compute = createCompute({ blobs: store.blobs })
    const manager = new RunManager({
      ...{ store, fleet, compute, clock, kind: 'deployed', vault },
      garbage: { everyMs: 0, graceMs: 0 },
    })
    try {
      const known = await this.#observe(real)
      this.#connectAll({ life, fleet, blob: blobsOf(fleet) })
      await manager.resumeAll()
      const runId = known ?? (await manager.create(this.config))
      await Promise.race([manager.ended(runId), life.died])
      const record = await manager.record(runId)
      await Promise.race([Promise.all(this.#members.map((member) => member.idle())), life.died])
      life.assertAlive()
      return record
    } finally {
      life.end()
      await compute.stop()
      await real.close()
    }
  }
  /** What the store holds while nobody runs. Returns the run, if it was created already. */
  async #observe(store: Store): Promise<RunId | null> {
    const runId = (await store.runs())[0]?.runId ?? null
    const head = runId === null ? null : await store.head(runId)
    if (head !== null) this.history.add('harness', { op: 'observe', committed: head.round - 1 })
    return runId
  }
  #connectAll(coordinator: Reachable): void {
    this.#coordinator = coordinator
    for (const member of this.#members) member.connect(coordinator)
  }
  #disconnectAll(): void {
    this.#coordinator = null
    for (const member of this.#members) member.disconnect()
  }

  /** The next point: who passes it dies, the coordinator or a node. */
  #arm(life: Life, left: Arming[]): void {
    let passed = 0
    setFaultHook((point) => {
      const [next] = left
      if (next?.point !== point || life.isOver) return
      passed += 1
      if (passed < next.nth) return
      passed = 0
      left.shift()
      this.struck.push(point)
      this.history.add('harness', { op: 'kill', point })
      if (isClients(point)) this.#killNode(passingMember())
      else life.kill()
      throw new Crash(`Died at ${point}`)
    })
  }
  /** It comes back at once. */
  #killNode(member: Member | null): void {
    if (member === null) throw new Error('A point of nodes was passed by nobody')
    member.die()
    setImmediate(() => {
      member.revive()
      if (this.#coordinator !== null) member.connect(this.#coordinator)
    })
  }
}
