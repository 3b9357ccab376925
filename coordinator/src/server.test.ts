import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle } from '#protocol/bundle.js'
import { sha256, type RunId } from '#protocol/ids.js'
import { CHUNK_BYTES } from '#protocol/messages.js'
import { HTTP_API } from '#protocol/http-api.js'
import type { RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { computeUpdate } from '#client/compute-update.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import type { ClientData } from '#data/dataset.js'
import { FakeCompute } from '#testing/fake-fleet.js'
import { beginOf, enrolNode, frameOf, post, SocketNode } from '#testing/socket-node.js'
import type { Identity } from '#testing/synthetic-identity.js'
import { CLASSES, FEATURES, tinyClients } from '#testing/tiny-federation.js'
import { createCompute } from './compute/create-compute.js'
import type { Compute } from './compute/compute.js'
import { startCoordinator, type CoordinatorHandle } from './server.js'
import type { Store } from './store/store.js'

const CONFIG = {
  task: { inputShape: [FEATURES], classes: [...CLASSES] },
  model: { name: 'logistic' },
  compute: { backend: 'cpu', threads: 1 },
  cohort: { all: true, minReporters: 1, graceSeconds: 10, deadlineSeconds: 60 },
  rounds: 2,
  seed: 7,
}
const fake = (store: Store): Compute => new FakeCompute(store.blobs)
const real = (store: Store): Compute => createCompute({ blobs: store.blobs })

describe('a coordinator', () => {
  let dataDir: string
  let coordinator: CoordinatorHandle
  let people: string
  const nodes: SocketNode[] = []

  const start = async (compute: (store: Store) => Compute = fake, port = 0): Promise<void> => {
    coordinator = await startCoordinator({ dataDir, port, compute, logLevel: 'silent' })
    const file = await readFile(join(dataDir, 'operator.json'), 'utf8')
    people = (JSON.parse(file) as { token: string }).token
  }
  const enrol = (name: string): Promise<Identity> => enrolNode(coordinator.url, people, name)
  const connect = async (
    credential: Identity,
    options: Parameters<typeof SocketNode.join>[2],
  ): Promise<SocketNode> => {
    const node = await SocketNode.join(coordinator.url, credential, options)
    nodes.push(node)
    return node
  }
  const joinAs = async (name: string): Promise<SocketNode> => connect(await enrol(name), { name })
  const run = async (change: object = {}): Promise<RunId> => {
    const response = await post(
      `${coordinator.url}/api/runs`,
      { config: { ...CONFIG, ...change } },
      people,
    )
    return ((await response.json()) as { runId: RunId }).runId
  }
  const recordOf = (runId: RunId): Promise<RunRecord> => coordinator.runs.record(runId)
  const eventsOf = async (
    runId: RunId,
    type: string,
  ): Promise<readonly Record<string, unknown>[]> => {
    const response = await fetch(`${coordinator.url}/api/runs/${runId}/events`, {
      headers: { authorization: `Bearer ${people}` },
    })
    const { events } = (await response.json()) as {
      events: { type: string; data: Record<string, unknown> }[]
    }
    return events.filter((event) => event.type === type).map(({ data }) => data)
  }

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tributary-coordinator-'))
  })
  afterEach(async () => {
    for (const node of nodes.splice(0)) node.close()
    await coordinator.stop()
    await rm(dataDir, { recursive: true })
  })

  it('runs two rounds of training with three nodes that compute', async () => {
    await start(real)
    await useBackend('cpu')
    const clients = tinyClients([8, 6, 4])
    const members = await Promise.all(
      ['c', 'a', 'b'].map(async (name) => ({ name, node: await joinAs(name) })),
    )
    const runId = await run()
    const work = members.map(({ name, node }) => train(node, clients['abc'.indexOf(name)]!, 2))
    await Promise.all(work)
    await coordinator.runs.ended(runId)

    const record = await recordOf(runId)
    expect(record).toMatchObject({ state: 'finished', kind: 'deployed' })
    // Slots follow names, not the order of arrival.
    expect(record.roster.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(record.roster[0]?.engine).toEqual({ backend: 'cpu', version: '1', threads: 1 })
    const slots = record.rounds.map(({ accepted }) => accepted.map(({ slot }) => slot))
    expect(slots).toEqual([[], [0, 1, 2], [0, 1, 2]])
    expect(record.rounds[1]?.accepted.map(({ weight }) => weight)).toEqual([8, 6, 4])
    expect(record.rounds[1]?.bytesDown).toBeGreaterThan(3 * 4 * (FEATURES * 3 + 3))
    expect(record.modelHash).not.toBe(record.rounds[0]?.modelHash)
    const get = (path: string) =>
      fetch(`${coordinator.url}${path}`, { headers: { authorization: `Bearer ${people}` } })
    const shown = HTTP_API['GET /api/runs/:id'].answer.parse(
      await (await get(`/api/runs/${runId}`)).json(),
    )
    expect(shown).toEqual(record)
    const { runs } = HTTP_API['GET /api/runs'].answer.parse(await (await get('/api/runs')).json())
    expect(runs).toMatchObject([{ runId, state: 'finished', round: 2, rounds: 2, accuracy: null }])
    const events: unknown = await (await get(`/api/runs/${runId}/events?after=2`)).json()
    expect(HTTP_API['GET /api/runs/:id/events'].answer.parse(events).events[0]?.seq).toBe(3)
    const model = new Uint8Array(await (await get(`/api/runs/${runId}/model`)).arrayBuffer())
    expect(sha256(model)).toBe(record.modelHash)
    for (const { node } of members) {
      await node.until(() => node.ended.length > 0)
      expect(node.fates.map(({ round, fate }) => [round, fate])).toEqual([
        [1, 'accepted'],
        [2, 'accepted'],
      ])
    }
  })

  describe('with updates that come in pieces', () => {
    const bytes = new Uint8Array(2 * CHUNK_BYTES + 1000).map((_, i) => i % 251)

    it('lets a node that lost its connection go on where it stopped', async () => {
      await start()
      const credential = await enrol('a')
      const first = await connect(credential, { name: 'a' })
      const runId = await run({ rounds: 1 })
      const update = { task: await first.task(1), bytes }
      expect(await first.begin(update)).toMatchObject({ nextChunk: 0, chunkBytes: CHUNK_BYTES })
      expect(await first.chunk(update, 0)).toEqual({ ok: true, nextChunk: 1 })
      first.close()

      const again = await connect(credential, { name: 'a' })
      // The same task under the same lease.
      expect(await again.task(1)).toMatchObject({ lease: update.task.lease })
      expect(await again.begin(update)).toMatchObject({ nextChunk: 1 })
      expect(await again.chunk(update, 0)).toMatchObject({
        problem: { code: 'upload/out-of-order' },
      })
      expect(await again.upload(update)).toEqual({ ok: true, status: 'accepted' })
      await coordinator.runs.ended(runId)
      const record = await recordOf(runId)
      expect(record.rounds[1]?.accepted).toMatchObject([{ slot: 0, sha256: sha256(bytes) }])
    })

    it('lets nodes go on after a restart: what was accepted counts, what was staged is not sent again', async () => {
      await start()
      const [a, b] = [await enrol('a'), await enrol('b')]
      const [first, second] = [await connect(a, { name: 'a' }), await connect(b, { name: 'b' })]
      const runId = await run({ rounds: 1 })
      const [whole, part] = [
        { task: await first.task(1), bytes: bytes.slice(1) },
        { task: await second.task(1), bytes },
      ]
      expect(await first.upload(whole)).toMatchObject({ status: 'accepted' })
      await second.begin(part)
      await second.chunk(part, 0)
      const { url } = coordinator
      await coordinator.stop()

      await start(fake, Number(new URL(url).port))
      expect(coordinator).toMatchObject({ url, signInCode: null })
      const [firstAgain, secondAgain] = [
        await connect(a, { name: 'a' }),
        await connect(b, { name: 'b' }),
      ]
      expect(await firstAgain.upload(whole)).toEqual({ ok: true, status: 'accepted' })
      expect((await secondAgain.task(1)).lease).toBe(part.task.lease)
      expect(await secondAgain.begin(part)).toMatchObject({ nextChunk: 1 })
      expect(await secondAgain.upload(part)).toMatchObject({ status: 'accepted' })
      await coordinator.runs.ended(runId)
      expect((await recordOf(runId)).rounds[1]?.accepted.map(({ slot }) => slot)).toEqual([0, 1])
      // Its work was done before the restart, so it was not asked again.
      expect(firstAgain.tasks).toEqual([])
    })

    it('refuses bytes that are not those announced, and takes them when they are sent again', async () => {
      await start()
      const node = await joinAs('a')
      await run({ rounds: 1 })
      const update = { task: await node.task(1), bytes: bytes.slice(0, 1000) }
      await node.begin(update)
      const wrong = frameOf({ ...update, bytes: bytes.slice(1, 1001) }, 0, {
        payloadSha256: sha256(update.bytes),
        updateId: beginOf(update).updateId,
      })
      expect(await node.ask('update:chunk', Buffer.from(wrong))).toMatchObject({ ok: true })
      expect(await node.finish(update)).toMatchObject({ problem: { code: 'update/corrupt' } })
      expect(await node.upload(update)).toEqual({ ok: true, status: 'accepted' })
    })
  })

  it('answers a repeated update as it did the first time, and another one of the same member with a conflict', async () => {
    await start()
    const [a, b] = [await joinAs('a'), await joinAs('b')]
    const runId = await run({ rounds: 1 })
    const update = { task: await a.task(1), bytes: Buffer.from('first') }
    expect(await a.upload(update)).toEqual({ ok: true, status: 'accepted' })
    expect(await a.finish(update)).toEqual({ ok: true, status: 'accepted' })
    expect(await a.upload(update)).toEqual({ ok: true, status: 'accepted' })
    expect(await a.upload({ ...update, bytes: Buffer.from('second') })).toMatchObject({
      problem: { code: 'update/conflict' },
    })
    await b.upload({ task: await b.task(1), bytes: Buffer.from('of b') })
    await coordinator.runs.ended(runId)
    expect((await recordOf(runId)).rounds[1]?.accepted).toMatchObject([
      { sha256: sha256('first') },
      { sha256: sha256('of b') },
    ])
    // After the round, too.
    expect(await a.upload(update)).toEqual({ ok: true, status: 'accepted' })
  })

  it('closes a round without a member that is lost, and refuses its late update', async () => {
    await start()
    const away = await enrol('b')
    const [a, b] = [await joinAs('a'), await connect(away, { name: 'b' })]
    const runId = await run({ rounds: 1, cohort: { ...CONFIG.cohort, graceSeconds: 0 } })
    const late = { task: await b.task(1), bytes: Buffer.from('late') }
    b.close()
    await a.upload({ task: await a.task(1), bytes: Buffer.from('in time') })
    await coordinator.runs.ended(runId)
    expect((await recordOf(runId)).rounds[1]).toMatchObject({
      cohort: [0, 1],
      accepted: [{ slot: 0 }],
    })
    expect(await eventsOf(runId, 'task:failed')).toMatchObject([{ slot: 1 }])

    const back = await connect(away, { name: 'b' })
    expect(await back.upload(late)).toMatchObject({ problem: { code: 'round/closed' } })
    const { round, attempt, slot } = late.task
    expect(await back.ask('fate:ask', { runId, round, attempt, slot })).toEqual({
      ok: true,
      fate: 'refused',
    })
  })

  it('takes updates only from the member that holds the lease', async () => {
    await start()
    const [a, b] = [await joinAs('a'), await joinAs('b')]
    const runId = await run({ rounds: 1 })
    const [own, other] = [await a.task(1), await b.task(1)]
    const bytes = Buffer.from('x')
    const places = [
      { ...own, lease: other.lease },
      { ...other },
      { ...own, slot: 7 },
      { ...own, runId: 'run-000000000000' as RunId },
    ]
    for (const task of places)
      expect(await a.upload({ task, bytes })).toMatchObject({
        problem: { code: 'round/not-leased' },
      })
    const { round, attempt, slot } = other
    for (const name of ['fate:ask', 'task:failed'])
      expect(
        await a.ask(name, {
          ...{ runId, round, attempt, slot },
          ...(name === 'fate:ask'
            ? {}
            : { lease: other.lease, problem: { code: 'task/failed', message: '' } }),
        }),
      ).toMatchObject({ problem: { code: 'round/not-leased' } })
    expect(await a.ask('fate:ask', { runId, round, attempt, slot: own.slot })).toEqual({
      ok: true,
      fate: 'open',
    })
    const id = beginOf({ task: own, bytes }).updateId.replace(/^./, (x) => (x === '0' ? '1' : '0'))
    expect(await a.begin({ task: own, bytes }, { updateId: id })).toMatchObject({
      problem: { code: 'message/malformed' },
    })
    expect(await a.begin({ task: own, bytes }, { bytes: 3_000_000 })).toMatchObject({
      problem: { code: 'bundle/too-large' },
    })
  })

  it('does not enlist a node whose classes are in another order, and says so', async () => {
    await start()
    const card = { inputShape: [FEATURES], classes: [...CLASSES].reverse() }
    const [, fits] = [await connect(await enrol('z'), { name: 'z', card }), await joinAs('a')]
    const runId = await run({ rounds: 1 })
    await fits.upload({ task: await fits.task(1), bytes: Buffer.from('x') })
    await coordinator.runs.ended(runId)
    expect((await recordOf(runId)).roster.map(({ name }) => name)).toEqual(['a'])
    expect(await eventsOf(runId, 'member:refused')).toMatchObject([
      {
        name: 'z',
        code: 'data/mismatch',
        message: expect.stringContaining('another order') as string,
      },
    ])
  })

  it('goes on without a member that refuses its task, and one whose task failed', async () => {
    await start()
    const [a, b, c] = [await joinAs('a'), await joinAs('b'), await joinAs('c')]
    b.offer = { ok: false, problem: { code: 'task/refused', message: 'policy' } }
    const runId = await run({ rounds: 1 })
    const { round, attempt, slot, lease } = await c.task(1)
    const problem = { code: 'task/failed', message: 'no memory' }
    expect(await c.ask('task:failed', { runId, round, attempt, slot, lease, problem })).toEqual({
      ok: true,
    })
    await a.upload({ task: await a.task(1), bytes: Buffer.from('x') })
    await coordinator.runs.ended(runId)
    const failed = await eventsOf(runId, 'task:failed')
    expect(failed.map(({ slot, code }) => [slot, code]).sort()).toEqual([
      [1, 'task/refused'],
      [2, 'task/failed'],
    ])
  })

  it('gives a node that serves two runs one task at a time', async () => {
    await start()
    const node = await joinAs('a')
    const [first, second] = [await run({ rounds: 1 }), await run({ rounds: 1 })]
    const task = await node.task(1)
    expect(task.runId).toBe(first)
    expect(node.tasks).toHaveLength(1)
    await node.upload({ task, bytes: Buffer.from('x') })
    const next = await node.task(2)
    expect(next.runId).toBe(second)
    await node.upload({ task: next, bytes: Buffer.from('y') })
    await Promise.all([first, second].map((runId) => coordinator.runs.ended(runId)))
    expect((await recordOf(second)).state).toBe('finished')
  })

  it('tells members when a run was stopped', async () => {
    await start()
    const node = await joinAs('a')
    const runId = await run()
    const { round, attempt, slot } = await node.task(1)
    await post(`${coordinator.url}/api/runs/${runId}/stop`, {}, people)
    await node.until(() => node.fates.length > 0)
    expect(node.fates).toEqual([{ runId, round, attempt, slot, fate: 'abandoned' }])
  })

  it('shows a sign-in code the first time, and it works once', async () => {
    await start()
    const code = coordinator.signInCode
    const signIn = () => post(`${coordinator.url}/api/sign-in`, { code })
    const { token } = (await (await signIn()).json()) as { token: string }
    const nodes = await fetch(`${coordinator.url}/api/nodes`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(await nodes.json()).toEqual({ nodes: [] })
    expect((await signIn()).status).toBe(401)
  })

  it('starts neither on a port nor in a directory that is in use', async () => {
    await start()
    const port = Number(new URL(coordinator.url).port)
    const other = join(dataDir, 'other')
    await expect(
      startCoordinator({ dataDir: other, port, compute: fake, logLevel: 'silent' }),
    ).rejects.toThrow(expect.objectContaining({ code: 'coordinator/port-in-use' }) as Error)
    await expect(
      startCoordinator({ dataDir, port: 0, compute: fake, logLevel: 'silent' }),
    ).rejects.toThrow(expect.objectContaining({ code: 'store/locked' }) as Error)
  })
})

/** What a node does with its tasks, less everything that makes it survive. */
async function train(node: SocketNode, data: ClientData, rounds: number): Promise<void> {
  for (let count = 1; count <= rounds; count += 1) {
    const task = await node.task(count)
    const shared = new Uint8Array(await (await node.blob(task.shared.hash)).arrayBuffer())
    const { round, slot, part, uplink } = task
    const computed = await computeUpdate(createClientHalves(task.config), part, {
      ...{ round, slot, task: task.task, uplink, data },
      ...{ shared: unwrap(decodeBundle(shared)), assets: {}, personal: null, memory: null },
    })
    const bytes = encodeBundle(computed.update)
    const { weight } = computed
    expect(await node.upload({ task, bytes, weight })).toEqual({ ok: true, status: 'accepted' })
  }
}
