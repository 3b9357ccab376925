import { beforeEach, describe, expect, it } from 'vitest'
import { parseAnswer } from '#protocol/http-api.js'
import { newNodeId, newRunId, type NodeId, type RunId } from '#protocol/ids.js'
import { DEFAULT_POLICY } from '#protocol/policy.js'
import { unwrap } from '#protocol/result.js'
import type { NodeLine } from '#protocol/server-views.js'
import { FakeClock } from '#testing/fake-clock.js'
import { engine, planned, runRow, text } from '#testing/store-fixtures.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { nodeLines, type NodeLineParts } from './node-lines.js'

const CARD = {
  ...{ inputShape: [2], classes: ['cat', 'dog'] },
  counts: { train: 7, test: 0, perClass: [3, 4] },
}
const [OPEN, HIDING] = [newRunId(), newRunId()]

describe('lines of nodes', () => {
  let store: MemoryStore
  let parts: NodeLineParts
  const clock = new FakeClock()
  const [busy, away] = [newNodeId(), newNodeId()]
  let taskIn: RunId

  beforeEach(async () => {
    store = new MemoryStore()
    taskIn = OPEN
    const state = await store.blobs.put(text('state'))
    const updates = [{ name: 'gaussian-noise', stddev: 1 }]
    await store.createRun(runRow(OPEN), planned(state))
    await store.createRun(
      { ...runRow(HIDING), config: { ...runRow(HIDING).config, updates } },
      planned(state),
    )
    for (const [nodeId, name] of [
      [busy, 'busy'],
      [away, 'away'],
    ] as const)
      await store.addNode({
        ...{ nodeId, name, publicKey: 'key', revokedAt: null },
        enrolledAt: clock.timestamp(),
      })
    const facts = {
      ...{ card: CARD, policy: DEFAULT_POLICY, lastSeenAt: '2026-01-01T00:00:00.000Z' },
      ...{ examplesPerSecond: 80, failures: { count: 0, latest: [] } },
    }
    const is = (nodeId: NodeId): boolean => nodeId === busy
    const coolDown = (runId: RunId) => ({
      runId,
      nodeId: busy,
      failures: 3,
      seconds: 9,
      reason: 'no',
    })
    parts = {
      ...{ store, clock },
      fleet: {
        registry: { get: (nodeId: NodeId) => (is(nodeId) ? {} : null) },
        reception: { engineOf: (nodeId: NodeId) => (is(nodeId) ? engine : null) },
        taskOf: (nodeId: NodeId) =>
          is(nodeId) ? { runId: taskIn, round: 2, slot: 0, progress: { done: 1, total: 9 } } : null,
        factsOf: (nodeId: NodeId) => (is(nodeId) ? facts : null),
        coolDownsOf: (nodeId: NodeId) => (is(nodeId) ? [coolDown(OPEN), coolDown(HIDING)] : []),
      } as unknown as NodeLineParts['fleet'],
    }
  })
  const lines = async (): Promise<readonly NodeLine[]> => {
    const nodes = JSON.parse(JSON.stringify(await nodeLines(parts))) as unknown
    return unwrap(parseAnswer('GET /api/nodes', { nodes })).nodes
  }

  it('say what a node is, has and does; of one that was not there, what is stored', async () => {
    expect(await lines()).toMatchObject([
      {
        ...{ nodeId: busy, online: true, engine, card: CARD, examplesPerSecond: 80 },
        lastSeenAt: clock.timestamp(),
        task: { runId: OPEN, round: 2 },
      },
      { nodeId: away, online: false, card: null, policy: null, lastSeenAt: null, task: null },
    ])
  })
  it('SEC-T25: say nothing of a part in a run that hides its members', async () => {
    taskIn = HIDING
    const [line] = await lines()
    expect(line?.task).toBeNull()
    expect(line?.coolDowns.map(({ runId }) => runId)).toEqual([OPEN])
  })
  it('SEC-T25: tell no counts of a node that is a member of such a run', async () => {
    expect((await lines())[0]?.card?.counts).toBeDefined()
    await store.enlist(HIDING, { nodeId: busy, name: 'busy', card: CARD, engine })
    const [line] = await lines()
    expect(line?.card).toEqual({ inputShape: [2], classes: ['cat', 'dog'] })
  })
})
