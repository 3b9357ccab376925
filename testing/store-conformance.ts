import { beforeEach, afterEach, describe, expect, it } from 'vitest'
import { newNodeId, newRunId, sha256, type RunId } from '#protocol/ids.js'
import type { Head, Store } from '#coordinator/store/store.js'
import { describeBlobs } from './blob-conformance.js'
import { describeGate } from './store-gate-conformance.js'
import { auditRows, describePeople, person } from './store-people-conformance.js'
import {
  config,
  growRun,
  listed,
  member,
  planned,
  putOpening,
  runRow,
  text,
  times,
  update,
} from './store-fixtures.js'

/** How the suite gets at one kind of store. `reopen` is absent where nothing outlives the store. */
export interface StoreUnderTest {
  open(): Promise<Store>
  readonly reopen?: (store: Store) => Promise<Store>
}

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
      it('answers repeated updates of rounds and attempts that the head has left, and takes no new ones', async () => {
        for (const slot of [3, 1]) await store.accept(runId, collecting, update(slot, 'x'))
        const again: Head = { ...collecting, state: 'PLANNED', attempt: 2 }
        expect(await store.advance(runId, collecting, again)).toBe(true)
        const second: Head = { ...again, state: 'COLLECTING' }
        await store.advance(runId, again, second)
        await store.accept(runId, second, update(1, 'y'))
        const next: Head = { ...second, state: 'PLANNED', round: 2, attempt: 1 }
        expect(await store.advance(runId, second, next)).toBe(true)
        const statusOf = async (of: Head, slot: number, payload: string): Promise<string> =>
          (await store.accept(runId, of, update(slot, payload))).status
        expect(await statusOf(collecting, 3, 'x')).toBe('accepted')
        expect(await statusOf(collecting, 3, 'z')).toBe('closed')
        expect(await statusOf(second, 1, 'y')).toBe('accepted')
        expect(await statusOf(second, 2, 'y')).toBe('closed')
        expect(await store.accepted(runId, 1, 1)).toEqual([update(1, 'x'), update(3, 'x')])
        expect(await store.accepted(runId, 1, 2)).toEqual([update(1, 'y')])
        expect(await store.accepted(runId, 2, 1)).toEqual([])
      })
      it('goes on for a coordinator that took the run over, and for none before it', async () => {
        await store.accept(runId, collecting, update(0, 'x'))
        const taken: Head = { ...collecting, epoch: collecting.epoch + 1 }
        expect(await store.advance(runId, collecting, taken)).toBe(true)
        expect(await store.accept(runId, collecting, update(1, 'x'))).toEqual({ status: 'closed' })
        expect(await store.accept(runId, taken, update(2, 'x'))).toEqual({ status: 'accepted' })
        expect(await store.accepted(runId, 1, 1)).toEqual([update(0, 'x'), update(2, 'x')])
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
        expect(await store.memberCount(runId)).toBe(30)
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
      it('tell the number of the latest, of this run alone', async () => {
        expect(await store.lastSeq(runId)).toBe(0)
        for (let i = 1; i <= 3; i += 1) await store.appendEvent(runId, 'test', {})
        const other = newRunId()
        await store.createRun(runRow(other), collecting)
        await store.appendEvent(other, 'test', {})
        expect(await store.lastSeq(runId)).toBe(3)
        expect(await store.lastSeq(other)).toBe(1)
      })
    })

    describe('nodes and codes', () => {
      it('remembers nodes and revokes each once', async () => {
        const node = {
          nodeId: newNodeId(),
          name: 'n',
          publicKey: sha256('s'),
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
      it('replaces the key of a node that is not revoked, once', async () => {
        const [nodeId, other] = [newNodeId(), newNodeId()]
        const node = { name: 'n', publicKey: 'first', enrolledAt: 'then', revokedAt: null }
        for (const id of [nodeId, other]) await store.addNode({ nodeId: id, ...node })
        const replaced = await Promise.all(
          times(9, (i) => store.replaceKey(nodeId, 'first', `second ${i}`)),
        )
        expect(replaced.filter(Boolean)).toHaveLength(1)
        expect((await store.node(nodeId))?.publicKey).toMatch(/^second \d$/)
        expect((await store.node(other))?.publicKey).toBe('first')
        await store.revokeNode(other, 'now')
        expect(await store.replaceKey(other, 'first', 'second')).toBe(false)
        expect(await store.replaceKey(newNodeId(), 'first', 'second')).toBe(false)
      })
      it('lets one of 50 racers use a one-time code', async () => {
        const codeHash = sha256('code')
        await store.addCode({
          codeHash,
          purpose: 'enrol-node',
          subject: 'ada',
          expiresAt: '2026-01-01T01:00:00.000Z',
          usedAt: null,
        })
        const now = '2026-01-01T00:30:00.000Z'
        const outcomes = await Promise.all(
          times(50, () => store.useCode(codeHash, 'enrol-node', now)),
        )
        expect(outcomes.filter((outcome) => outcome.status === 'used-now')).toHaveLength(1)
        expect(outcomes.filter((outcome) => outcome.status === 'used-before')).toHaveLength(49)
      })
      it('knows expired codes, unknown codes and codes for something else', async () => {
        const codeHash = sha256('code')
        await store.addCode({
          codeHash,
          purpose: 'sign-in',
          subject: 'ada',
          expiresAt: '2026-01-01T01:00:00.000Z',
          usedAt: null,
        })
        expect(await store.useCode(codeHash, 'sign-in', '2026-01-01T01:00:00.000Z')).toEqual({
          status: 'expired',
        })
        expect(await store.useCode(codeHash, 'enrol-node', '2026-01-01T00:00:00.000Z')).toEqual({
          status: 'unknown',
        })
        expect(await store.useCode(sha256('other'), 'sign-in', '2026-01-01T00:00:00.000Z')).toEqual(
          { status: 'unknown' },
        )
        expect(await store.useCode(codeHash, 'sign-in', '2026-01-01T00:00:00.000Z')).toEqual({
          status: 'used-now',
          subject: 'ada',
        })
      })
    })

    describePeople(() => ({ store, runId, collecting }))
    describeBlobs(() => store)
    describeGate(() => ({ store, runId, collecting }))

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
    it('finds people, denied tokens and the audit log again', async () => {
      const { store } = scene()
      await store.addUser(person('ada'))
      await store.denyToken('token', '2026-02-01T00:00:00.000Z')
      const [first, second] = auditRows(2)
      await store.appendAudit(first!)
      const next = await reopen(store)
      use(next)
      expect(await next.users()).toEqual([person('ada')])
      expect(await next.deniedTokens('2026-01-01T00:00:00.000Z')).toEqual(['token'])
      expect(await next.appendAudit(second!)).toBe(true)
      expect(await next.audits(0, 5)).toEqual([first, second])
    })
    it('finds the run, its open round, roster, events, nodes and codes again', async () => {
      const { store, runId, collecting } = scene()
      await store.accept(runId, collecting, update(0, 'x'))
      const entry = await store.enlist(runId, member('a'))
      await store.appendEvent(runId, 'test', { n: 1 })
      await store.addCode({
        codeHash: sha256('c'),
        purpose: 'sign-in',
        subject: null,
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
      expect(await next.useCode(sha256('c'), 'sign-in', '2')).toEqual({ status: 'used-before' })
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
