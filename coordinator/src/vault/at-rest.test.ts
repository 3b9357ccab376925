import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sha256, type RunId, type Slot } from '#protocol/ids.js'
import { CHUNK_BYTES, type TaskMessage } from '#protocol/messages.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { ArrivedUpdate, Closed, FrozenRound } from '#coordinator/compute/compute.js'
import { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import { RunManager } from '#coordinator/run.js'
import { writeBackup } from '#coordinator/store/backup.js'
import { openStore } from '#coordinator/store/open-store.js'
import type { Store } from '#coordinator/store/store.js'
import { FakeClock } from '#testing/fake-clock.js'
import { FakeCompute } from '#testing/fake-fleet.js'
import { session, settleDown, type Told } from '#testing/fleet-world.js'
import { filesWith, piecesOf } from '#testing/search-bytes.js'
import { beginOf, chunksOf, frameOf, type Outgoing } from '#testing/socket-node.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import { SealedBlobs } from './sealed-blobs.js'
import { Vault } from './vault.js'

const CONFIG = tinyConfig((base) => ({ ...base, rounds: 2 }))
const LENGTH = 2 * CHUNK_BYTES + 1000

/** Bytes that occur nowhere else. */
function bytesFor(what: string, length = LENGTH): Uint8Array {
  const parts: Buffer[] = []
  for (let i = 0; i * 32 < length; i += 1)
    parts.push(createHash('sha256').update(`${what} ${i}`).digest())
  return Buffer.concat(parts).subarray(0, length)
}

/** Reads each update where it lies, and makes a bundle for each member. */
class ReadingCompute extends FakeCompute {
  readonly keys: Buffer[] = []
  readonly given: Uint8Array[] = []
  readonly #store: Store
  constructor(store: Store) {
    super(store.blobs)
    this.#store = store
  }
  override async inspect(...args: Parameters<FakeCompute['inspect']>) {
    const { blob, updates } = args[2] as unknown as ArrivedUpdate
    const shelf = updates ? new SealedBlobs(updates) : this.#store.blobs
    expect(sha256((await shelf.get(blob)) ?? new Uint8Array())).toBe(blob)
    if (updates) this.keys.push(Buffer.from(updates.key))
    return super.inspect(...args)
  }
  override async close(config: RunConfig, round: FrozenRound): Promise<Closed> {
    const { personal } = round
    const shelf = personal ? new SealedBlobs(personal) : this.#store.blobs
    if (personal) this.keys.push(Buffer.from(personal.key))
    const made = round.accepted.map(async ({ slot }) => {
      const bytes = bytesFor(`for ${slot} after ${round.round}`, 5000)
      this.given.push(bytes)
      return { slot, blob: { hash: await shelf.put(bytes), bytes: bytes.length } }
    })
    return { ...(await super.close(config, round)), personal: await Promise.all(made) }
  }
}

interface Node extends Told {
  readonly tasks: TaskMessage[]
}
function node(name: string): Node {
  const tasks: TaskMessage[] = []
  const base = session(name)
  const send: Told['link']['send'] = async (event, message) => {
    if (event === 'round:start') tasks.push(message as unknown as TaskMessage)
    return base.link.send(event, message)
  }
  return { ...base, tasks, link: { ...base.link, send } }
}

describe('what lies on disk', () => {
  let root: string
  let store: Store
  let fleet: SocketFleet
  let compute: ReadingCompute
  let runs: RunManager
  let clock: FakeClock
  const nodes: Node[] = []
  const sent: Uint8Array[] = []
  const dataDirectory = (): string => join(root, 'data')
  const start = async (vault: Vault | null): Promise<void> => {
    const sealing = vault === null ? {} : { vault }
    clock = new FakeClock()
    store = await openStore(dataDirectory())
    fleet = new SocketFleet({ store, clock, ...sealing })
    compute = new ReadingCompute(store)
    runs = new RunManager({ store, fleet, compute, clock, kind: 'deployed', ...sealing })
    for (const name of ['a', 'b']) {
      const joined = node(name)
      nodes.push(joined)
      fleet.join(joined)
    }
  }
  const openVault = (): Promise<Vault> =>
    Vault.open({ dataDirectory: dataDirectory(), masterKeyFile: join(root, 'master') })
  /** Longer than a blob is waited for whose round may be about to be taken up. */
  const waitLong = async (): Promise<void> => {
    for (let i = 0; i < 8; i += 1) {
      await settleDown()
      clock.advance(250)
    }
  }
  /** Waits, without a clock, for a task that some other step has caused. */
  const taskOf = async (slot: Slot, round: number): Promise<TaskMessage> => {
    for (;;) {
      const task = nodes[slot]?.tasks.find((one) => one.round === round)
      if (task !== undefined) return task
      await settleDown()
    }
  }
  /** Sends the first chunks of an update, or all and waits for the verdict. */
  const send = async (slot: Slot, round: number, chunks = Infinity): Promise<void> => {
    const bytes = bytesFor(`update of ${slot} in ${round}`)
    sent.push(bytes)
    const update: Outgoing = { task: await taskOf(slot, round), bytes }
    const from = nodes[slot]!
    const begun = await fleet.reception.begin(from, beginOf(update))
    const first = 'nextChunk' in begun ? begun.nextChunk : 0
    for (let i = first; i < Math.min(chunks, chunksOf(bytes)); i += 1)
      await fleet.reception.chunk(from, frameOf(update, i))
    if (chunks === Infinity) await fleet.reception.finish(from, beginOf(update))
  }
  /** Until the second round holds one update whole and of another the first chunk. */
  const toSecondRound = async (): Promise<RunId> => {
    const runId = await runs.create(CONFIG)
    await Promise.all([send(0, 1), send(1, 1)])
    await send(0, 2)
    await send(1, 2, 1)
    return runId
  }
  const search = async (directory = dataDirectory()): Promise<readonly string[]> => {
    const secrets = [...sent, ...compute.given].flatMap((bytes) => piecesOf(bytes))
    const master = Buffer.from((await readFile(join(root, 'master'), 'utf8')).trim(), 'hex')
    return filesWith(directory, [...secrets, ...compute.keys, master])
  }

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-at-rest-'))
    nodes.length = 0
    sent.length = 0
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await runs.shutdown()
    await store.close()
    await rm(root, { recursive: true })
  })

  it('is no byte of an update, of a bundle for one member, or of a key', async () => {
    await start(await openVault())
    const runId = await toSecondRound()
    // All of it is there, or nothing would be shown.
    const [round, personal] = [`${runId}-2-1`, `${runId}-1-1-personal`]
    const filesIn = async (name: string): Promise<number> =>
      (await readdir(join(dataDirectory(), 'vault', name))).length
    expect([await filesIn(round), await filesIn(personal)]).toEqual([3, 3])
    expect([sent.length, compute.given.length, compute.keys.length]).toEqual([4, 2, 4])
    expect(await search()).toEqual([])
    // The update that was begun goes on from its first chunk, so it was kept.
    const update: Outgoing = { task: await taskOf(1, 2), bytes: sent[3]! }
    const begun = await fleet.reception.begin(nodes[1]!, beginOf(update))
    expect(begun).toMatchObject({ nextChunk: 1 })
    await runs.stop(runId)
    expect(await search()).toEqual([])
    expect(await readdir(join(dataDirectory(), 'vault'))).toEqual(['id', personal])
  })
  it('is given to the member alone that it is for, as it was made', async () => {
    await start(await openVault())
    const runId = await toSecondRound()
    const { personal } = await taskOf(1, 2)
    const made = bytesFor('for 1 after 1', 5000)
    // Where it lies is nobody's business.
    expect(personal).toEqual({ hash: sha256(made), bytes: 5000 })
    const reading = await fleet.readBlob(nodes[1]!.nodeId, sha256(made))
    expect(Buffer.from((await reading?.blobs.get(sha256(made))) ?? '').equals(made)).toBe(true)
    expect(await reading?.blobs.size(sha256(made))).toBe(5000)
    // No file holds it, so none can be sent as it is.
    expect(reading?.blobs.path(sha256(made))).toBeNull()
    const [refused] = await Promise.all([
      fleet.readBlob(nodes[0]!.nodeId, sha256(made)),
      waitLong(),
    ])
    expect(refused).toBeNull()
    await runs.stop(runId)
  })
  it('is nothing of a closed round, encrypted or not', async () => {
    await start(await openVault())
    const runId = await toSecondRound()
    const keys = [...compute.keys]
    await send(1, 2)
    await runs.ended(runId)
    expect((await store.head(runId))?.state).toBe('DONE')
    expect(await search()).toEqual([])
    // Whoever had copied the keys in time finds nothing that they open.
    expect(keys).toHaveLength(4)
    expect(await readdir(join(dataDirectory(), 'vault'))).toEqual(['id'])
  })
  it('is not in a backup either, whatever is open', async () => {
    await start(await openVault())
    await toSecondRound()
    await runs.shutdown()
    const backup = join(root, 'backup')
    await writeBackup(store, backup, '2026-01-01T00:00:00.000Z')
    expect(await search(backup)).toEqual([])
    const vaultFiles = await readdir(join(dataDirectory(), 'vault'), { recursive: true })
    const names = (await readdir(backup, { recursive: true })).map((path) => path.split('/').at(-1))
    for (const path of vaultFiles) expect(names).not.toContain(path.split('/').at(-1))
  })
  it('would be found by this search: without a vault it is', async () => {
    await openVault()
    await start(null)
    await toSecondRound()
    const found = await search()
    const where = found.map((path) => path.split('/')[0])
    expect(new Set(where)).toEqual(new Set(['blobs', 'staging']))
    // Two updates of round 1, one of round 2, two bundles for members; and the one that was begun.
    expect(found).toHaveLength(6)
  })
})
