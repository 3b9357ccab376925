import { beforeEach, afterEach, describe, expect, it } from 'vitest'
import { newNodeId, newRunId, sha256, type Hash, type RunId } from '#protocol/ids.js'
import type { AcceptedUpdate, RosterEntry, RoundRecord } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Opening } from '#coordinator/fleet/fleet.js'
import type { Head, RunRow, Store } from '#coordinator/store/store.js'

/** How the suite gets at one kind of store. `reopen` is absent where nothing outlives the store. */
export interface StoreUnderTest {
  open(): Promise<Store>
  readonly reopen?: (store: Store) => Promise<Store>
}

const engine = { backend: 'cpu', version: '1', threads: 1 }
const card = { inputShape: [2], classes: ['a', 'b'] }
const config = { name: 'test', startFrom: null } as RunConfig

const runRow = (runId: RunId): RunRow => ({
  runId,
  name: 'test',
  kind: 'deployed',
  createdAt: '2026-01-01T00:00:00.000Z',
  engine,
  config,
  configHash: sha256('config'),
})
const planned = (stateHash: Hash): Head => ({
  epoch: 1,
  round: 1,
  attempt: 1,
  state: 'PLANNED',
  stateHash,
  modelHash: stateHash,
  recordHash: null,
  openingHash: null,
  personalHash: null,
  reason: null,
})
const update = (slot: number, payload: string, blob = sha256(payload)): AcceptedUpdate => ({
  slot,
  updateId: sha256(`${slot}|${payload}`),
  sha256: sha256(payload),
  weight: 3,
  metrics: { loss: 0.5 },
  blob,
})
const member = (name: string): Omit<RosterEntry, 'slot'> => ({
  nodeId: newNodeId(),
  name,
  card,
  engine,
})
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const json = (value: unknown): Uint8Array => text(JSON.stringify(value))
const times = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i))

/** Every promise of `Store` that does not depend on what it is made of. */
export function describeStore(name: string, under: StoreUnderTest): void {
  describe(name, () => {
    let store: Store
    let runId: RunId
    let collecting: Head

    beforeEach(async () => {
      store = await under.open()
      runId = newRunId()
      const head = planned(await store.blobs.put(text('state')))
      await store.createRun(runRow(runId), head)
      collecting = { ...head, state: 'COLLECTING', openingHash: await putOpening(store, runId) }
      await store.advance(runId, head, collecting)
    })
    afterEach(() => store.close())

    describe('the head', () => {
      it('moves for a caller who read the current one, and for nobody else', async () => {
        const frozen: Head = { ...collecting, state: 'FROZEN' }
        expect(await store.advance(runId, collecting, frozen)).toBe(true)
        expect(await store.advance(runId, collecting, frozen)).toBe(false)
        expect(await store.head(runId)).toEqual(frozen)
      })
      it('has one winner among 50 racing callers', async () => {
        const outcomes = await Promise.all(
          times(50, (i) =>
            store.advance(runId, collecting, {
              ...collecting,
              state: 'STOPPED',
              reason: `racer ${i}`,
            }),
          ),
        )
        expect(outcomes.filter(Boolean)).toHaveLength(1)
        expect((await store.head(runId))?.reason).toBe(`racer ${outcomes.indexOf(true)}`)
      })
      it('is absent for an unknown run, which cannot be advanced either', async () => {
        expect(await store.head(newRunId())).toBeNull()
        expect(await store.run(newRunId())).toBeNull()
        expect(await store.advance(newRunId(), collecting, collecting)).toBe(false)
      })
    })

    describe('accepting updates', () => {
      it('has one winner per slot among 40 racing updates', async () => {
        const outcomes = await Promise.all(
          times(40, (i) => store.accept(runId, collecting, update(i % 2, `payload ${i}`))),
        )
        expect(outcomes.filter((outcome) => outcome.status === 'accepted')).toHaveLength(2)
        expect(outcomes.filter((outcome) => outcome.status === 'conflict')).toHaveLength(38)
        expect((await store.accepted(runId, 1, 1)).map((accepted) => accepted.slot)).toEqual([0, 1])
      })
      it('answers a repeated update as it did the first time, even after the round closed', async () => {
        await store.accept(runId, collecting, update(4, 'mine'))
        expect(await store.accept(runId, collecting, update(4, 'mine'))).toEqual({
          status: 'accepted',
        })
        await store.advance(runId, collecting, { ...collecting, state: 'FROZEN' })
        expect(await store.accept(runId, collecting, update(4, 'mine'))).toEqual({
          status: 'accepted',
        })
        expect(await store.accepted(runId, 1, 1)).toHaveLength(1)
      })
      it('keeps the first of two different updates of one slot', async () => {
        await store.accept(runId, collecting, update(4, 'first'))
        expect(await store.accept(runId, collecting, update(4, 'second'))).toEqual({
          status: 'conflict',
        })
        expect(await store.accepted(runId, 1, 1)).toEqual([update(4, 'first')])
      })
      it('lists accepted updates by slot, whatever the order of arrival', async () => {
        for (const slot of [10, 2, 33]) await store.accept(runId, collecting, update(slot, 'x'))
        expect((await store.accepted(runId, 1, 1)).map((accepted) => accepted.slot)).toEqual([
          2, 10, 33,
        ])
      })
      it('is over once the round is frozen', async () => {
        await store.advance(runId, collecting, { ...collecting, state: 'FROZEN' })
        expect(await store.accept(runId, collecting, update(0, 'late'))).toEqual({
          status: 'closed',
        })
        expect(await store.accepted(runId, 1, 1)).toEqual([])
      })
      it('loses no update and takes none when it races the freeze', async () => {
        const racing = times(20, (slot) => store.accept(runId, collecting, update(slot, 'x')))
        const frozen = store.advance(runId, collecting, { ...collecting, state: 'FROZEN' })
        const late = times(20, (i) => store.accept(runId, collecting, update(20 + i, 'x')))
        const outcomes = await Promise.all([...racing, ...late])
        expect(await frozen).toBe(true)
        const won = outcomes.flatMap((outcome, slot) =>
          outcome.status === 'accepted' ? [slot] : [],
        )
        expect((await store.accepted(runId, 1, 1)).map((accepted) => accepted.slot)).toEqual(won)
      })
      it.each([
        ['an older epoch', { epoch: 0 }],
        ['another round', { round: 2 }],
        ['another attempt', { attempt: 2 }],
      ])('refuses a writer of %s', async (_, change) => {
        expect(await store.accept(runId, { ...collecting, ...change }, update(0, 'x'))).toEqual({
          status: 'closed',
        })
      })
    })

    describe('the roster', () => {
      it('gives racing newcomers the slots 0, 1, 2 … once each', async () => {
        const entries = await Promise.all(
          times(30, (i) => store.enlist(runId, member(`node ${i}`))),
        )
        expect(entries.map((entry) => entry.slot).sort((a, b) => a - b)).toEqual(
          times(30, (i) => i),
        )
        expect((await store.roster(runId)).map((entry) => entry.slot)).toEqual(times(30, (i) => i))
      })
      it('gives a node that comes back, or races itself, its own slot', async () => {
        const node = member('twice')
        const entries = await Promise.all(times(5, () => store.enlist(runId, node)))
        expect(new Set(entries.map((entry) => entry.slot)).size).toBe(1)
        expect(await store.roster(runId)).toHaveLength(1)
      })
      it('takes every simulated member, who has no node, as a new one', async () => {
        await store.enlist(runId, { ...member('a'), nodeId: null })
        expect((await store.enlist(runId, { ...member('b'), nodeId: null })).slot).toBe(1)
      })
      it('replaces an engine and nothing else', async () => {
        const entry = await store.enlist(runId, member('a'))
        const wasm = { backend: 'wasm', version: '4.22.0', threads: 1 }
        await store.updateEngine(runId, entry.slot, wasm)
        expect(await store.roster(runId)).toEqual([{ ...entry, engine: wasm }])
      })
      it('refuses members of an unknown run', async () => {
        await expect(store.enlist(newRunId(), member('a'))).rejects.toMatchObject({
          code: 'run/not-found',
        })
      })
    })

    describe('events', () => {
      it('are numbered 1, 2, 3 … without gaps by racing writers', async () => {
        await Promise.all(times(25, (i) => store.appendEvent(runId, 'test', { i })))
        const events = await store.events(runId, 0, 100)
        expect(events.map((event) => event.seq)).toEqual(times(25, (i) => i + 1))
        expect(new Set(events.map((event) => event.data['i'])).size).toBe(25)
      })
      it('are read onwards from a number, so many at a time', async () => {
        for (let i = 1; i <= 5; i += 1) await store.appendEvent(runId, 'test', {})
        expect((await store.events(runId, 2, 2)).map((event) => event.seq)).toEqual([3, 4])
        expect(await store.events(runId, 5, 10)).toEqual([])
      })
    })

    describe('nodes and codes', () => {
      it('remembers nodes and revokes each once', async () => {
        const node = {
          nodeId: newNodeId(),
          name: 'n',
          secretHash: sha256('s'),
          enrolledAt: 'then',
          revokedAt: null,
        }
        await store.addNode(node)
        expect(await store.node(node.nodeId)).toEqual(node)
        expect(await store.revokeNode(node.nodeId, 'now')).toBe(true)
        expect(await store.revokeNode(node.nodeId, 'later')).toBe(false)
        expect(await store.nodes()).toEqual([{ ...node, revokedAt: 'now' }])
        expect(await store.revokeNode(newNodeId(), 'now')).toBe(false)
      })
      it('lets one of 50 racers use a one-time code', async () => {
        const codeHash = sha256('code')
        await store.addCode({
          codeHash,
          purpose: 'enrol-node',
          expiresAt: '2026-01-01T01:00:00.000Z',
          usedAt: null,
        })
        const now = '2026-01-01T00:30:00.000Z'
        const outcomes = await Promise.all(
          times(50, () => store.useCode(codeHash, 'enrol-node', now)),
        )
        expect(outcomes.filter((outcome) => outcome === 'used-now')).toHaveLength(1)
        expect(outcomes.filter((outcome) => outcome === 'used-before')).toHaveLength(49)
      })
      it('knows expired codes, unknown codes and codes for something else', async () => {
        const codeHash = sha256('code')
        await store.addCode({
          codeHash,
          purpose: 'sign-in',
          expiresAt: '2026-01-01T01:00:00.000Z',
          usedAt: null,
        })
        expect(await store.useCode(codeHash, 'sign-in', '2026-01-01T01:00:00.000Z')).toBe('expired')
        expect(await store.useCode(codeHash, 'enrol-node', '2026-01-01T00:00:00.000Z')).toBe(
          'unknown',
        )
        expect(await store.useCode(sha256('other'), 'sign-in', '2026-01-01T00:00:00.000Z')).toBe(
          'unknown',
        )
        expect(await store.useCode(codeHash, 'sign-in', '2026-01-01T00:00:00.000Z')).toBe(
          'used-now',
        )
      })
    })

    describeBlobs(() => store)

    describe('collecting garbage', () => {
      it('keeps exactly what a head reaches', async () => {
        const kept = await growRun(store, runId, collecting)
        const dropped = await Promise.all(
          ['old state', 'refused update', 'orphan'].map((name) => store.blobs.put(text(name))),
        )
        expect(await store.collectGarbage(0)).toBe(dropped.length + 1) // and the state and model of round 1's start
        expect(await listed(store)).toEqual([...kept].sort())
        expect(await store.collectGarbage(0)).toBe(0)
      })
      it("drops a round's updates once it is closed", async () => {
        const blob = await store.blobs.put(text('update'))
        await store.accept(runId, collecting, update(0, 'update'))
        await store.collectGarbage(0)
        expect(await store.blobs.has(blob)).toBe(true)
        await store.advance(runId, collecting, {
          ...collecting,
          state: 'PLANNED',
          round: 2,
          openingHash: null,
        })
        await store.collectGarbage(0)
        expect(await store.blobs.has(blob)).toBe(false)
      })
      it('spares what was written within the grace period', async () => {
        const young = await store.blobs.put(text('on its way to a swap'))
        expect(await store.collectGarbage(60_000)).toBe(0)
        expect(await store.blobs.has(young)).toBe(true)
      })
      it('keeps the initial params that a configuration names', async () => {
        const startFrom = await store.blobs.put(text('params'))
        const row = { ...runRow(newRunId()), config: { ...config, startFrom } }
        await store.createRun(row, planned(await store.blobs.put(text('state'))))
        await store.collectGarbage(0)
        expect(await store.blobs.has(startFrom)).toBe(true)
      })
    })

    if (under.reopen !== undefined)
      describeReopening(
        under.reopen,
        () => ({ store, runId, collecting }),
        (next) => (store = next),
      )
  })
}

function describeBlobs(current: () => Store): void {
  describe('blobs', () => {
    it('are found by their hash, and put twice without harm', async () => {
      const { blobs } = current()
      const hash = await blobs.put(text('hello'))
      expect(hash).toBe(sha256('hello'))
      expect(await blobs.put(text('hello'))).toBe(hash)
      expect(Buffer.from((await blobs.get(hash))!).toString()).toBe('hello')
      expect([await blobs.has(hash), await blobs.size(hash)]).toEqual([true, 5])
    })
    it('are null where absent, and after deletion', async () => {
      const { blobs } = current()
      const absent = sha256('nothing')
      expect([await blobs.get(absent), await blobs.has(absent), await blobs.size(absent)]).toEqual([
        null,
        false,
        null,
      ])
      const hash = await blobs.put(text('x'))
      await blobs.delete(hash)
      await blobs.delete(hash)
      expect(await blobs.get(hash)).toBeNull()
    })
    it('do not change when the caller reuses its buffer', async () => {
      const { blobs } = current()
      const bytes = text('before')
      const hash = await blobs.put(bytes)
      bytes.fill(0)
      expect(Buffer.from((await blobs.get(hash))!).toString()).toBe('before')
    })
    it('survive 20 racing puts of the same bytes', async () => {
      const { blobs } = current()
      const hashes = await Promise.all(times(20, () => blobs.put(text('same'))))
      expect(new Set(hashes).size).toBe(1)
      expect(await blobs.size(sha256('same'))).toBe(4)
    })
  })

  describe('staged uploads', () => {
    it('go on from the bytes that are there', async () => {
      const { blobs } = current()
      const hash = sha256('hello world')
      await (await blobs.stage('upload', hash, 11)).append(text('hello'))
      const resumed = await blobs.stage('upload', hash, 11)
      expect(resumed.received).toBe(5)
      await resumed.append(text(' world'))
      expect(await resumed.finish()).toBe(hash)
      expect(await blobs.size(hash)).toBe(11)
      expect((await blobs.stage('upload', hash, 11)).received).toBe(0)
    })
    it('do not continue an upload of other bytes or of another id', async () => {
      const { blobs } = current()
      await (await blobs.stage('upload', sha256('a'), 3)).append(text('abc'))
      expect((await blobs.stage('upload', sha256('b'), 3)).received).toBe(0)
      expect((await blobs.stage('../../upload', sha256('a'), 3)).received).toBe(0)
    })
    it('are refused and dropped when the hash does not fit', async () => {
      const { blobs } = current()
      const staged = await blobs.stage('upload', sha256('right'), 5)
      await staged.append(text('wrong'))
      await expect(staged.finish()).rejects.toMatchObject({ code: 'update/corrupt' })
      expect(await blobs.has(sha256('wrong'))).toBe(false)
      expect((await blobs.stage('upload', sha256('right'), 5)).received).toBe(0)
    })
    it('are refused when bytes are missing, and never take more than announced', async () => {
      const { blobs } = current()
      const staged = await blobs.stage('upload', sha256('hello'), 5)
      await expect(staged.append(text('hello!'))).rejects.toMatchObject({ code: 'update/corrupt' })
      await staged.append(text('hell'))
      await expect(staged.finish()).rejects.toMatchObject({ code: 'update/corrupt' })
    })
    it('leave nothing behind when dropped', async () => {
      const { blobs } = current()
      const staged = await blobs.stage('upload', sha256('hello'), 5)
      await staged.append(text('he'))
      await staged.drop()
      expect((await blobs.stage('upload', sha256('hello'), 5)).received).toBe(0)
    })
  })
}

interface Scene {
  readonly store: Store
  readonly runId: RunId
  readonly collecting: Head
}

function describeReopening(
  reopen: (store: Store) => Promise<Store>,
  scene: () => Scene,
  use: (store: Store) => void,
): void {
  describe('reopened after closing', () => {
    it('finds the run, its open round, roster, events, nodes and codes again', async () => {
      const { store, runId, collecting } = scene()
      await store.accept(runId, collecting, update(0, 'x'))
      const entry = await store.enlist(runId, member('a'))
      await store.appendEvent(runId, 'test', { n: 1 })
      await store.addCode({
        codeHash: sha256('c'),
        purpose: 'sign-in',
        expiresAt: '9',
        usedAt: '1',
      })
      const next = await reopen(store)
      use(next)
      expect(await next.runs()).toEqual([runRow(runId)])
      expect(await next.head(runId)).toEqual(collecting)
      expect(await next.accepted(runId, 1, 1)).toEqual([update(0, 'x')])
      expect(await next.roster(runId)).toEqual([entry])
      expect((await next.appendEvent(runId, 'test', {})).seq).toBe(2)
      expect(await next.useCode(sha256('c'), 'sign-in', '2')).toBe('used-before')
    })
    it('continues a staged upload', async () => {
      const { store } = scene()
      await (await store.blobs.stage('upload', sha256('hello'), 5)).append(text('hel'))
      const next = await reopen(store)
      use(next)
      const staged = await next.blobs.stage('upload', sha256('hello'), 5)
      expect(staged.received).toBe(3)
      await staged.append(text('lo'))
      expect(await staged.finish()).toBe(sha256('hello'))
    })
  })
}

async function putOpening(store: Store, runId: RunId): Promise<Hash> {
  const shared = await store.blobs.put(text('shared'))
  const asset = await store.blobs.put(text('asset'))
  const personal = await store.blobs.put(text('personal of the cohort'))
  const opening: Opening = {
    runId,
    round: 1,
    attempt: 1,
    plan: {
      purpose: 'train',
      part: 'method',
      task: {},
      shared: { hash: shared, bytes: 6 },
      assets: [{ name: 'backbone', hash: asset, bytes: 5 }],
      uplink: [],
      audience: 'cohort',
    },
    cohort: [{ slot: 0, lease: '00', personal: { hash: personal, bytes: 22 } }],
    population: 1,
    deadlineSeconds: 1,
    graceSeconds: 1,
  }
  return store.blobs.put(json(opening))
}

const listed = async (store: Store): Promise<readonly Hash[]> => {
  const hashes: Hash[] = []
  for await (const hash of store.blobs.list(0)) hashes.push(hash)
  return hashes.sort()
}

/** Two closed rounds, an open third with one accepted update, and a personal bundle waiting. Returns what must stay. */
async function growRun(store: Store, runId: RunId, head: Head): Promise<ReadonlySet<Hash>> {
  const put = (name: string): Promise<Hash> => store.blobs.put(text(name))
  const record = (round: number, previous: Hash | null): Promise<Hash> =>
    store.blobs.put(
      json({
        round,
        previous,
        modelHash: sha256('old state'),
        stateHash: sha256('old state'),
      } as RoundRecord),
    )
  const first = await record(1, null)
  const second = await record(2, first)
  const personal = await put('personal waiting')
  const personalHash = await store.blobs.put(json({ 7: { hash: personal, bytes: 16 } }))
  const now: Head = {
    ...head,
    round: 3,
    recordHash: second,
    personalHash,
    stateHash: await put('new state'),
    modelHash: await put('new model'),
  }
  await store.advance(runId, head, now)
  const blob = await put('accepted update')
  await store.accept(runId, now, update(0, 'accepted update'))
  const opened = ['shared', 'asset', 'personal of the cohort'].map((name) => sha256(name))
  return new Set([
    first,
    second,
    personal,
    personalHash,
    now.stateHash,
    now.modelHash,
    blob,
    now.openingHash!,
    ...opened,
  ])
}
