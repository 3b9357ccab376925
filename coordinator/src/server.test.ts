import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle } from '#protocol/bundle.js'
import type { RunId } from '#protocol/ids.js'
import type { RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { computeUpdate } from '#client/compute-update.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import type { ClientData } from '#data/dataset.js'
import { FakeCompute } from '#testing/fake-fleet.js'
import { enrolNode, post, SocketNode, type Credential } from '#testing/socket-node.js'
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
  const enrol = (name: string): Promise<Credential> => enrolNode(coordinator.url, people, name)
  const connect = async (
    credential: Credential,
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
    for (const { node } of members) {
      await node.until(() => node.ended.length > 0)
      expect(node.fates.map(({ round, fate }) => [round, fate])).toEqual([
        [1, 'accepted'],
        [2, 'accepted'],
      ])
    }
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
