import { FederationError } from '#protocol/errors.js'
import type { Hash, RunId } from '#protocol/ids.js'
import type { RosterEntry } from '#protocol/record.js'
import { reachableFrom } from './reachable.js'
import type {
  AuditRow,
  BlobStore,
  EventRow,
  Head,
  NodeRow,
  RunRow,
  Store,
  UserRow,
} from './store.js'

/**
 * One record on its way from one store to another. One-time codes and tokens stay behind: who restores an older state must not
 * bring back to life what was used or ended since. So do open rounds: their updates are nobody else's to keep.
 */
export type ArchivedRecord =
  | { readonly kind: 'node'; readonly node: NodeRow }
  | { readonly kind: 'user'; readonly user: UserRow }
  | { readonly kind: 'audit'; readonly entry: AuditRow }
  | { readonly kind: 'run'; readonly run: RunRow; readonly head: Head }
  | { readonly kind: 'member'; readonly runId: RunId; readonly member: RosterEntry }
  | { readonly kind: 'event'; readonly runId: RunId; readonly event: EventRow }

const PAGE = 500

/** A head without its open round, which begins anew, and without bundles for single members, which only the vault can read. */
export function closedHead(head: Head): Head {
  const closed: Head = { ...head, openingHash: null, personalHash: null }
  const isOpen = head.state === 'COLLECTING' || head.state === 'FROZEN'
  return isOpen ? { ...closed, state: 'PLANNED', attempt: head.attempt + 1 } : closed
}

/** All records of a store that nobody writes to meanwhile. */
export async function* recordsOf(store: Store): AsyncIterable<ArchivedRecord> {
  for (const node of await store.nodes()) yield { kind: 'node', node }
  for (const user of await store.users()) yield { kind: 'user', user }
  for await (const entry of paged((after) => store.audits(after, PAGE)))
    yield { kind: 'audit', entry }
  for (const run of await store.runs()) {
    const { runId } = run
    yield { kind: 'run', run, head: closedHead(await headOf(store, runId)) }
    for (const member of await store.roster(runId)) yield { kind: 'member', runId, member }
    for await (const event of paged((after) => store.events(runId, after, PAGE)))
      yield { kind: 'event', runId, event }
  }
}

/** The blobs that archived records need, each once. */
export async function blobsOf(store: Store): Promise<ReadonlySet<Hash>> {
  const needed = new Set<Hash>()
  for (const run of await store.runs()) {
    const head = closedHead(await headOf(store, run.runId))
    for await (const hash of reachableFrom(store.blobs, { run, head, accepted: [] }))
      needed.add(hash)
  }
  return needed
}

async function headOf(store: Store, runId: RunId): Promise<Head> {
  const head = await store.head(runId)
  if (head === null) throw new FederationError('store/corrupt', `The run ${runId} has no head`)
  return head
}

async function* paged<T extends { readonly seq: number }>(
  read: (after: number) => Promise<readonly T[]>,
): AsyncIterable<T> {
  for (let after = 0; ;) {
    const page = await read(after)
    yield* page
    const last = page.at(-1)
    if (last === undefined) return
    after = last.seq
  }
}

/** Copies the blobs; each is checked against its name while it is read. Returns their bytes. */
export async function copyBlobs(
  from: BlobStore,
  to: BlobStore,
  hashes: ReadonlySet<Hash>,
): Promise<number> {
  let total = 0
  for (const hash of hashes) {
    const bytes = await from.get(hash)
    if (bytes === null)
      throw new FederationError('store/corrupt', `The blob ${hash} is missing`, {
        details: { hash },
      })
    await to.put(bytes)
    total += bytes.byteLength
  }
  return total
}

/** A store that is being filled. Events keep the time at which they happened: `at` is what the store's clock must say. */
export interface FilledStore {
  readonly store: Store
  readonly setTime: (at: string) => void
}

/** Throws `store/not-empty` if the store holds anything that would be mixed with what is to come. */
export async function assertEmpty(store: Store, name: string): Promise<void> {
  const held = [await store.runs(), await store.nodes(), await store.users()]
  if (held.every((rows) => rows.length === 0) && (await store.lastAudit()) === null) return
  throw new FederationError('store/not-empty', `${name} holds records already`)
}

/** Puts records into an empty store. Their blobs must be there. Returns how many there were. */
export async function fillStore(
  { store, setTime }: FilledStore,
  records: AsyncIterable<ArchivedRecord>,
): Promise<number> {
  let count = 0
  for await (const record of records) {
    await addRecord(store, setTime, record)
    count += 1
  }
  return count
}

async function addRecord(
  store: Store,
  setTime: FilledStore['setTime'],
  record: ArchivedRecord,
): Promise<void> {
  switch (record.kind) {
    case 'node':
      return store.addNode(record.node)
    case 'user':
      return assertTaken(await store.addUser(record.user), `the user ${record.user.name}`)
    case 'audit':
      return assertTaken(await store.appendAudit(record.entry), `log entry ${record.entry.seq}`)
    case 'run':
      return store.createRun(record.run, record.head)
    case 'member': {
      const { slot, ...member } = record.member
      const taken = await store.enlist(record.runId, member)
      return assertTaken(taken.slot === slot, `slot ${slot} of ${record.runId}`)
    }
    case 'event': {
      const { at, seq, type, data } = record.event
      setTime(at)
      const taken = await store.appendEvent(record.runId, type, data)
      return assertTaken(taken.seq === seq, `event ${seq} of ${record.runId}`)
    }
  }
}

function assertTaken(isTaken: boolean, what: string): void {
  if (!isTaken)
    throw new FederationError('store/corrupt', `The records do not fit together: ${what}`)
}
