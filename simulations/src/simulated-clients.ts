import { bundleHash, decodeBundle, encodeBundle, type Bundle } from '#protocol/bundle.js'
import type { DataCard } from '#protocol/data-card.js'
import { FederationError, type Problem } from '#protocol/errors.js'
import { sha256, type Hash, type Slot } from '#protocol/ids.js'
import { updateIdOf } from '#protocol/messages.js'
import { createStreams, type Streams } from '#protocol/random.js'
import type { AcceptedUpdate, Engine, Fate } from '#protocol/record.js'
import { fail, unwrap, type Result } from '#protocol/result.js'
import type { RunConfig } from '#protocol/run-config.js'
import { createFold, type Fold } from '#algorithms/aggregators/fold.js'
import { aggregatorOf } from '#algorithms/from-config.js'
import { labelParams } from '#algorithms/model-file.js'
import { receiveUpdate } from '#algorithms/methods/update.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import { createProgram } from '#algorithms/programs/create-program.js'
import type { ClientHalves, Program } from '#algorithms/programs/program.js'
import { roundOf } from '#algorithms/programs/riders.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { seededNoise } from '#algorithms/update-transforms/apply.js'
import { computeUpdate, settleMemory } from '#client/compute-update.js'
import type { CohortMember, Opening } from '#coordinator/fleet/fleet.js'
import type { BlobStore } from '#coordinator/store/store.js'
import { ClientDataLoader, type ClientSource } from './client-data.js'
import { ClientMemory } from './client-memory.js'

/** Plain data, so that a worker process can be given it. */
export interface ClientsSetup {
  /** With a backend that is named: `auto` is settled before. */
  readonly config: RunConfig
  /** By slot. */
  readonly sources: readonly (ClientSource | null)[]
  readonly memoryDirectory: string
}

/** What some members of a round did: their valid updates as one partial sum, the others one by one. */
export interface Share {
  readonly folded: {
    readonly members: readonly Omit<AcceptedUpdate, 'blob'>[]
    readonly blob: Hash
  } | null
  readonly invalid: readonly AcceptedUpdate[]
  /** Members whose training came to nothing, as a node's may: the round closes without them. */
  readonly failed: readonly { readonly slot: Slot; readonly problem: Problem }[]
  readonly bytesUp: number
  readonly bytesDown: number
}

export interface Clients {
  engine(): Promise<Engine>
  cards(slots: readonly Slot[]): Promise<readonly DataCard[]>
  /** Performs the round's task for these members, one after another, and folds what they send. */
  perform(opening: Opening, slots: readonly Slot[]): Promise<Share>
  settle(part: string, fates: readonly (readonly [Slot, Fate])[]): Promise<void>
  /** The models of their own that these members have now; null for who has none yet. */
  personalModels(slots: readonly Slot[]): Promise<readonly (KeptModel | null)[]>
}

/** As the command `client export` of a node writes it. */
export interface KeptModel {
  /** Of the params as the client keeps them. */
  readonly hash: Hash
  /** The same params, labelled as a model file. */
  readonly blob: Hash
}

/** The clients of one process. They run what nodes run: the client halves, the validation, the fold. */
export async function createClients(setup: ClientsSetup, blobs: BlobStore): Promise<Clients> {
  const { backend, threads } = setup.config.compute
  if (backend === 'auto')
    throw new FederationError('internal/bug', 'A simulation must name its backend')
  return new SimulatedClients({
    ...setup,
    blobs,
    engine: await useBackend(backend, { threads }),
    memory: await ClientMemory.open(setup.memoryDirectory),
  })
}

interface Parts extends ClientsSetup {
  readonly blobs: BlobStore
  readonly engine: Engine
  readonly memory: ClientMemory
}
/** What the members of a round have in common. */
interface Task {
  readonly opening: Opening
  readonly shared: Bundle
  readonly assets: Readonly<Record<string, Bundle>>
}
interface Performed {
  readonly member: Omit<AcceptedUpdate, 'blob'>
  /** As it may be folded; or why it does not count. */
  readonly received: Result<Bundle>
  readonly bytes: Uint8Array
}

class SimulatedClients implements Clients {
  readonly #parts: Parts
  readonly #halves: ClientHalves
  readonly #program: Program
  readonly #streams: Streams
  readonly #data: ClientDataLoader
  readonly #assets = new Map<Hash, Promise<Bundle>>()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#halves = createClientHalves(parts.config)
    this.#program = createProgram(parts.config)
    this.#streams = createStreams(parts.config.seed)
    this.#data = new ClientDataLoader(parts.sources)
  }

  async engine(): Promise<Engine> {
    return this.#parts.engine
  }
  async cards(slots: readonly Slot[]): Promise<readonly DataCard[]> {
    return Promise.all(slots.map(async (slot) => (await this.#data.of(slot)).card))
  }

  async perform(opening: Opening, slots: readonly Slot[]): Promise<Share> {
    const { config, blobs } = this.#parts
    const task = await this.#taskOf(opening)
    const fold = createFold(opening.plan.uplink, aggregatorOf(config))
    const invalid: AcceptedUpdate[] = []
    const failed: { slot: Slot; problem: Problem }[] = []
    const members: Omit<AcceptedUpdate, 'blob'>[] = []
    let bytesUp = 0
    for (const slot of slots) {
      const performed = await this.#performOne(task, memberOf(opening, slot)).catch(trainingFailure)
      if ('code' in performed) {
        failed.push({ slot, problem: performed })
        continue
      }
      const { member, received, bytes } = performed
      bytesUp += bytes.byteLength
      if (received.ok) {
        fold.add({ slot, weight: member.weight, update: received.value })
        members.push(member)
      } else {
        invalid.push({ ...member, blob: await blobs.put(bytes) })
      }
    }
    return {
      folded: await this.#putPartial(fold, members),
      invalid,
      failed,
      bytesUp,
      bytesDown: bytesDownOf(opening, slots),
    }
  }

  async settle(part: string, fates: readonly (readonly [Slot, Fate])[]): Promise<void> {
    const { memory } = this.#parts
    for (const [slot, fate] of fates) {
      const [kept, pending] = [
        await memory.read('memory', slot),
        await memory.read('pending', slot),
      ]
      await memory.write(
        'memory',
        slot,
        settleMemory(this.#halves, part, { memory: kept, pending, fate }),
      )
      await memory.write('pending', slot, null)
    }
  }

  async personalModels(slots: readonly Slot[]): Promise<readonly (KeptModel | null)[]> {
    const { memory, blobs, config } = this.#parts
    const found: (KeptModel | null)[] = []
    for (const slot of slots) {
      const kept = await memory.read('memory', slot)
      const personal = kept === null ? undefined : this.#halves.method.personalModel?.(kept)
      if (personal === undefined) {
        found.push(null)
        continue
      }
      const { params, model } = personal
      const file = labelParams(params, { model, task: config.task })
      found.push({ hash: bundleHash(params), blob: await blobs.put(encodeBundle(file)) })
    }
    return found
  }

  async #performOne(
    { opening, shared, assets }: Task,
    { slot, lease, personal }: CohortMember,
  ): Promise<Performed> {
    const { config, memory } = this.#parts
    const { round, plan } = opening
    const { uplink, task } = plan
    const { update, weight, metrics, pending } = await computeUpdate(this.#halves, plan.part, {
      ...{ round, slot, task, shared, assets, uplink },
      noise: seededNoise(this.#streams, { round: roundOf({ task, round }), slot }),
      personal: personal === null ? null : await this.#bundle(personal.hash),
      data: await this.#data.of(slot),
      memory: await memory.read('memory', slot),
    })
    await memory.write('pending', slot, pending)
    const bytes = encodeBundle(update)
    const hash = sha256(bytes)
    const { maxExamples } = config.aggregation
    const received = this.#judged(
      plan,
      { slot, weight },
      receiveUpdate(update, weight, { uplink, maxExamples }),
    )
    return {
      member: {
        slot,
        updateId: updateIdOf({ ...opening, slot, lease, sha256: hash }),
        sha256: hash,
        weight,
        metrics,
      },
      received,
      bytes,
    }
  }

  /** As the coordinator judges what a node sends. */
  #judged(
    plan: Opening['plan'],
    member: { readonly slot: Slot; readonly weight: number },
    received: Result<Bundle>,
  ): Result<Bundle> {
    if (!received.ok) return received
    const problem = this.#program.inspect(plan, received.value, member)
    return problem === null ? received : fail(new FederationError(problem.code, problem.message))
  }

  async #taskOf(opening: Opening): Promise<Task> {
    const { plan } = opening
    const assets = plan.assets.map(
      async ({ name, hash }) => [name, await this.#asset(hash)] as const,
    )
    return {
      opening,
      shared: await this.#bundle(plan.shared.hash),
      assets: Object.fromEntries(await Promise.all(assets)),
    }
  }
  /** Kept: the same bundle is the same object, and methods cache by it. */
  #asset(hash: Hash): Promise<Bundle> {
    const asset = this.#assets.get(hash) ?? this.#bundle(hash)
    this.#assets.set(hash, asset)
    return asset
  }
  async #putPartial(fold: Fold, members: Omit<AcceptedUpdate, 'blob'>[]): Promise<Share['folded']> {
    if (members.length === 0) return null
    return { members, blob: await this.#parts.blobs.put(encodeBundle(fold.toPartial())) }
  }
  async #bundle(hash: Hash): Promise<Bundle> {
    const bytes = await this.#parts.blobs.get(hash)
    if (bytes === null) throw new FederationError('store/corrupt', `The blob ${hash} is missing`)
    return unwrap(decodeBundle(bytes))
  }
}

/** What can go wrong with one client's data and settings; anything else is a fault of the simulation and ends it. */
function trainingFailure(error: unknown): Problem {
  if (error instanceof FederationError && error.code === 'update/not-finite') {
    return error.toProblem()
  }
  throw error
}

function memberOf(opening: Opening, slot: Slot): CohortMember {
  const member = opening.cohort.find((one) => one.slot === slot)
  if (member === undefined)
    throw new FederationError(
      'internal/bug',
      `Slot ${slot} is not in the cohort of round ${opening.round}`,
    )
  return member
}

/** What nodes would have fetched. Assets are not counted: a node fetches them once and keeps them. */
function bytesDownOf({ plan, cohort }: Opening, slots: readonly Slot[]): number {
  const asked = new Set(slots)
  const personal = cohort
    .filter(({ slot }) => asked.has(slot))
    .reduce((sum, member) => sum + (member.personal?.bytes ?? 0), 0)
  return slots.length * plan.shared.bytes + personal
}
