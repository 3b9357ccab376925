import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DataCard } from '#protocol/data-card.js'
import type { Slot } from '#protocol/ids.js'
import type { Engine, Fate } from '#protocol/record.js'
import { startChild } from '#coordinator/compute/child-calls.js'
import type { Opening } from '#coordinator/fleet/fleet.js'
import { FileBlobs } from '#coordinator/store/file-blobs.js'
import { MemoryBlobs } from '#coordinator/store/memory-blobs.js'
import type { BlobStore } from '#coordinator/store/store.js'
import { measured, type Measured, type WorkerReport } from './process-use.js'
import {
  createClients,
  type Clients,
  type ClientsSetup,
  type KeptModel,
  type Share,
} from './simulated-clients.js'

export interface WorkerSetup extends ClientsSetup {
  readonly blobDirectory: string
}
interface Worker extends Omit<Clients, 'perform'> {
  perform(opening: Opening, slots: readonly Slot[]): Promise<Measured<Share>>
  stop(): Promise<void>
}
/** Told of each worker's share of a round, when it is done. */
export type OnWorker = (report: WorkerReport) => void

/** The simulated clients of a run, dealt to processes: slot s belongs to worker s mod workers. Zero workers: they live here. */
export class ClientPool {
  readonly blobs: BlobStore
  readonly #directory: string
  readonly #workers: readonly Worker[]
  readonly #onWorker: OnWorker

  private constructor(parts: PoolParts) {
    this.#directory = parts.directory
    this.blobs = parts.blobs
    this.#workers = parts.workers
    this.#onWorker = parts.onWorker
  }

  /** Throws `backend/missing` or `backend/broken` when the configured backend does not compute here. */
  static async start(
    setup: Omit<ClientsSetup, 'memoryDirectory'>,
    workers: number,
    onWorker: OnWorker = () => undefined,
  ): Promise<ClientPool> {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-simulation-'))
    try {
      const full = { ...setup, memoryDirectory: join(directory, 'memory') }
      const started = await (workers > 0 ? forkWorkers(directory, full, workers) : hereOnly(full))
      return new ClientPool({ directory, onWorker, ...started })
    } catch (cause) {
      await rm(directory, { recursive: true, force: true })
      throw cause
    }
  }

  async engine(): Promise<Engine> {
    return this.#workerOf(0).engine()
  }

  /** In the order of `slots`. */
  cards(slots: readonly Slot[]): Promise<readonly DataCard[]> {
    return this.#ofEach(slots, (worker, own) => worker.cards(own))
  }

  /** In the order of `slots`; null for who has no model of its own yet. */
  personalModels(slots: readonly Slot[]): Promise<readonly (KeptModel | null)[]> {
    return this.#ofEach(slots, (worker, own) => worker.personalModels(own))
  }

  /** Each worker's share, as soon as it is done. */
  async *perform(opening: Opening, slots: readonly Slot[]): AsyncIterable<Share> {
    const shares = this.#deal(slots, (slot) => slot).map(async ([worker, own]) => {
      const { value, use } = await worker.perform(opening, own)
      this.#onWorker({ round: opening.round, ...use })
      return value
    })
    // Whoever stops listening early, or fails with one, leaves the others' results to nobody.
    for (const share of shares) share.catch(() => undefined)
    yield* inOrderOfArrival(shares)
  }

  async settle(part: string, fates: ReadonlyMap<Slot, Fate>): Promise<void> {
    await Promise.all(
      this.#deal([...fates], ([slot]) => slot).map(([worker, own]) => worker.settle(part, own)),
    )
  }

  /** Ends the workers and forgets what the clients kept. */
  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()))
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** Asks each worker about its own of `slots`, which ascend. */
  async #ofEach<T>(
    slots: readonly Slot[],
    ask: (worker: Worker, own: readonly Slot[]) => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    const dealt = this.#deal(slots, (slot) => slot).map(async ([worker, own]) => {
      const answers = await ask(worker, own)
      return answers.map((answer, i) => [own[i] ?? -1, answer] as const)
    })
    return (await Promise.all(dealt))
      .flat()
      .sort(([a], [b]) => a - b)
      .map(([, answer]) => answer)
  }
  #workerOf(slot: Slot): Worker {
    const worker = this.#workers[slot % this.#workers.length]
    return worker as Worker
  }
  #deal<T>(
    items: readonly T[],
    slotOf: (item: T) => Slot,
  ): readonly (readonly [Worker, readonly T[]])[] {
    const dealt = new Map<Worker, T[]>()
    for (const item of items) {
      const worker = this.#workerOf(slotOf(item))
      dealt.set(worker, [...(dealt.get(worker) ?? []), item])
    }
    return [...dealt]
  }
}

interface PoolParts {
  readonly directory: string
  readonly blobs: BlobStore
  readonly workers: readonly Worker[]
  readonly onWorker: OnWorker
}

async function hereOnly(setup: ClientsSetup): Promise<Pick<PoolParts, 'blobs' | 'workers'>> {
  const blobs = new MemoryBlobs()
  const clients = await createClients(setup, blobs)
  const worker: Worker = {
    engine: () => clients.engine(),
    cards: (slots) => clients.cards(slots),
    perform: (opening, slots) => measured(() => clients.perform(opening, slots)),
    settle: (part, fates) => clients.settle(part, fates),
    personalModels: (slots) => clients.personalModels(slots),
    stop: () => Promise.resolve(),
  }
  return { blobs, workers: [worker] }
}

async function forkWorkers(
  directory: string,
  setup: ClientsSetup,
  count: number,
): Promise<Pick<PoolParts, 'blobs' | 'workers'>> {
  const blobDirectory = join(directory, 'store')
  const blobs = await FileBlobs.open(blobDirectory, { durable: false })
  const file = join(directory, 'setup.json')
  await writeFile(file, JSON.stringify({ ...setup, blobDirectory } satisfies WorkerSetup))
  const workers = Array.from({ length: count }, () => forkWorker(file))
  try {
    // The first call starts the processes, all at once.
    await Promise.all(workers.map((worker) => worker.engine()))
    return { blobs, workers }
  } catch (cause) {
    await Promise.all(workers.map((worker) => worker.stop()))
    throw cause
  }
}

function forkWorker(setupFile: string): Worker {
  const child = startChild({
    parentUrl: import.meta.url,
    path: './worker-main.js',
    args: [setupFile],
  })
  return {
    engine: () => child.call('engine'),
    cards: (...args) => child.call('cards', ...args),
    perform: (...args) => child.call('perform', ...args),
    settle: (...args) => child.call('settle', ...args),
    personalModels: (...args) => child.call('personalModels', ...args),
    stop: () => child.stop(),
  }
}

async function* inOrderOfArrival<T>(promises: readonly Promise<T>[]): AsyncIterable<T> {
  const waiting = new Map(
    promises.map((promise, i) => [i, promise.then((value) => ({ i, value }))]),
  )
  while (waiting.size > 0) {
    const { i, value } = await Promise.race(waiting.values())
    waiting.delete(i)
    yield value
  }
}
