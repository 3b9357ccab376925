import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import { createCompute } from '#coordinator/compute/create-compute.js'
import { startCoordinator, type CoordinatorHandle } from '#coordinator/server.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { post } from '#testing/socket-node.js'
import { CLASSES, FEATURES } from '#testing/tiny-federation.js'
import { tinyModule } from '#testing/tiny-node.js'
import { joinFederation, type JoinOptions, type NodeEvent, type NodeHandle } from './join.js'
import { openNodeState, readNodeState } from './state/node-state.js'
import { readNodeStatus } from './status.js'

const CONFIG = {
  task: { inputShape: [FEATURES], classes: [...CLASSES] },
  ...{ model: { name: 'logistic' }, method: { name: 'scaffold' } },
  training: { localEpochs: 1, batchSize: 4, optimizer: { learningRate: 0.1 } },
  compute: { backend: 'cpu', threads: 1 },
  cohort: { all: true, minReporters: 1, graceSeconds: 60, deadlineSeconds: 120 },
  ...{ rounds: 2, seed: 7 },
}

/** A node with its events, which a test can wait for. */
interface Joined {
  readonly handle: NodeHandle
  readonly events: readonly NodeEvent[]
  /** Resolves with the first event that fits among those after the first `after`. */
  event(type: string, fits?: (event: NodeEvent) => boolean): Promise<NodeEvent>
  /** Forgets what has happened so far. */
  clear(): void
}

describe('a node in a federation', () => {
  let directory: string
  let coordinator: CoordinatorHandle
  let people: string
  const nodes: NodeHandle[] = []
  const at = (name: string): string => join(directory, name)

  const start = async (port = 0): Promise<void> => {
    coordinator = await startCoordinator({
      ...{ dataDir: at('coordinator'), port, logLevel: 'silent' },
      compute: ({ blobs }) => createCompute({ blobs }),
    })
    const file = await readFile(join(at('coordinator'), 'operator.json'), 'utf8')
    people = (JSON.parse(file) as { token: string }).token
  }
  const run = async (change: object = {}): Promise<RunId> => {
    const config = { ...CONFIG, ...change }
    const response = await post(`${coordinator.url}/api/runs`, { config }, people)
    return ((await response.json()) as { runId: RunId }).runId
  }
  const joinAs = async (name: string, options: Partial<JoinOptions> = {}): Promise<Joined> => {
    const events: NodeEvent[] = []
    const listeners = new Set<() => void>()
    const handle = await joinFederation({
      ...{ url: coordinator.url, name, stateDir: at(name) },
      data: { module: await tinyModule(directory) },
      onEvent: (event) => {
        events.push(event)
        for (const listener of [...listeners]) listener()
      },
      ...options,
    })
    nodes.push(handle)
    const event: Joined['event'] = (type, fits = () => true) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = events.find((one) => one.type === type && fits(one))
          if (found === undefined) return
          listeners.delete(look)
          resolve(found)
        }
        listeners.add(look)
        look()
      })
    return { handle, events, event, clear: () => void events.splice(0) }
  }
  const revoke = async ({ nodeId }: NodeHandle): Promise<void> => {
    await post(`${coordinator.url}/api/nodes/${nodeId}/revoke`, {}, people)
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-node-'))
    await useBackend('cpu')
    await start()
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.leave()))
    await coordinator.stop()
    await rm(directory, { recursive: true })
  })

  it('trains, settles its memory, leaves with nothing left open, and is back without a code', async () => {
    const leaving = new AbortController()
    const code = await coordinator.invite()
    const first = await joinAs('a', { code, signal: leaving.signal })
    const runId = await run()
    await coordinator.runs.ended(runId)
    await first.event('task:settled', ({ round }) => round === 2)
    expect((await coordinator.runs.record(runId)).rounds.at(-1)?.accepted).toMatchObject([
      { slot: 0, weight: 8 },
    ])
    leaving.abort()
    await first.handle.closed
    const state = await openNodeState(at('a'))
    expect(await state.openTasks()).toEqual([])
    expect(await state.memory(runId)).not.toBeNull()
    await state.release()
    expect(await readNodeStatus(at('a'))).toMatchObject({ updatesSent: 2, memories: [runId] })

    const back = await joinAs('a', { code })
    expect(back.handle.nodeId).toBe(first.handle.nodeId)
    const second = await run({ rounds: 1 })
    await coordinator.runs.ended(second)
    await back.event('task:settled', ({ fate }) => fate === 'accepted')
  })

  it('that sends no tensors at all takes part all the same, and keeps what it trained', async () => {
    const alone = await joinAs('a', { code: await coordinator.invite() })
    const runId = await run({ method: { name: 'local-only' } })
    await coordinator.runs.ended(runId)
    await alone.event('task:settled', ({ round }) => round === 2)
    const { state, rounds } = await coordinator.runs.record(runId)
    expect(state).toBe('finished')
    const trained = rounds.filter(({ purpose }) => purpose === 'train')
    expect(trained.map(({ accepted }) => accepted)).toMatchObject([
      [{ slot: 0, weight: 8 }],
      [{ slot: 0, weight: 8 }],
    ])
    // The task that brought no params is answered by bytes that are the same whatever was trained.
    const [first, second] = trained.map(({ accepted }) => accepted[0]!.sha256)
    expect(first).toBe(second)
    expect(trained[0]!.accepted[0]!.metrics['loss']).not.toBe(
      trained[1]!.accepted[0]!.metrics['loss'],
    )
    await alone.handle.leave()
    expect(await readNodeStatus(at('a'))).toMatchObject({ updatesSent: 2 })
    const kept = await openNodeState(at('a'))
    expect(await kept.memory(runId)).not.toBeNull()
    await kept.release()
  })

  it('whose training fails does not hold up the round of the others', async () => {
    const [well, ill] = await Promise.all([
      joinAs('a', { code: await coordinator.invite() }),
      joinAs('b', {
        code: await coordinator.invite(),
        data: { module: await tinyModule(directory, { scale: 1e30 }) },
      }),
    ])
    const runId = await run({ rounds: 1 })
    await coordinator.runs.ended(runId)
    expect(await ill.event('task:failed')).toMatchObject({ code: 'update/not-finite', round: 1 })
    expect(await well.event('task:settled')).toMatchObject({ fate: 'accepted' })
    const record = await coordinator.runs.record(runId)
    expect(record.state).toBe('finished')
    expect(record.rounds.at(-1)?.accepted.map(({ slot }) => slot)).toEqual([0])
  })

  it('is told apart from the run when its classes are in another order', async () => {
    const classes = [...CLASSES].reverse()
    const module = await tinyModule(directory, { classes })
    await joinAs('b', { code: await coordinator.invite(), data: { module } })
    const runId = await run({ rounds: 1 })
    const refused = async (after: number): Promise<Record<string, unknown>> => {
      const url = `${coordinator.url}/api/runs/${runId}/events?after=${after}&wait=30`
      const response = await fetch(url, { headers: { authorization: `Bearer ${people}` } })
      const { events } = (await response.json()) as { events: { seq: number; type: string }[] }
      const found = events.find(({ type }) => type === 'member:refused')
      return found ?? refused(events.at(-1)?.seq ?? after)
    }
    expect(await refused(0)).toMatchObject({
      data: {
        name: 'b',
        code: 'data/mismatch',
        message: expect.stringContaining('order') as string,
      },
    })
  })

  it('comes back to a coordinator that was away, and finishes its run', async () => {
    const node = await joinAs('a', { code: await coordinator.invite() })
    const { port } = new URL(coordinator.url)
    const runId = await run({ rounds: 3 })
    await node.event('update:accepted')
    await coordinator.stop()
    await node.event('node:disconnected')
    node.clear()
    await start(Number(port))
    await node.event('node:connected')
    await coordinator.runs.ended(runId)
    await node.event('task:settled', ({ round }) => round === 3)
    const record = await coordinator.runs.record(runId)
    expect(record.rounds.slice(1).map(({ accepted }) => accepted.length)).toEqual([1, 1, 1])
  })

  it('goes on with an upload where the connection was cut', async () => {
    const proxy = await cuttingProxy(new URL(coordinator.url), 500_000)
    const node = await joinAs('a', { url: proxy.url, code: await coordinator.invite() })
    // 8 numbers for each of 40,000 hidden units: 1.3 MB, six chunks.
    const model = { name: 'mlp', hidden: [40_000] }
    const runId = await run({ model, method: { name: 'fedavg' }, rounds: 1 })
    await coordinator.runs.ended(runId)
    await node.event('task:settled')
    const kinds = node.events.map(({ type }) => type)
    const after = kinds.slice(kinds.indexOf('update:sending'))
    expect(after.slice(0, 3)).toEqual(['update:sending', 'node:disconnected', 'node:connected'])
    expect(kinds.filter((type) => type === 'task:started')).toHaveLength(1)
    expect(await node.event('task:settled')).toMatchObject({ fate: 'accepted' })
    proxy.server.close()
  })

  it('that was revoked ends with the reason, and may come back with a new code as another', async () => {
    const node = await joinAs('a', { code: await coordinator.invite() })
    const runId = await run({ rounds: 1 })
    await node.event('task:settled')
    const closed = expect(node.handle.closed).rejects.toMatchObject({
      code: 'auth/bad-token',
      message: expect.stringContaining('revoked') as string,
    })
    await revoke(node.handle)
    await closed
    const code = await coordinator.invite()
    await expect(joinAs('a')).rejects.toMatchObject({ code: 'auth/bad-token' })
    await expect(joinAs('a', { code: 'WRONG-CODE' })).rejects.toMatchObject({
      code: 'auth/bad-token',
    })
    const again = await joinAs('a', { code })
    expect(again.handle.nodeId).not.toBe(node.handle.nodeId)
    // What the other one kept for its runs is not this one's.
    expect(await readNodeState(at('a')).memory(runId)).toBeNull()
  })

  it('gives way to another process with a copy of its state directory, once and for all', async () => {
    const node = await joinAs('a', { code: await coordinator.invite() })
    await cp(at('a'), at('copy'), { recursive: true })
    const closed = expect(node.handle.closed).rejects.toMatchObject({ code: 'store/locked' })
    const copy = await joinAs('copy')
    await closed
    expect(copy.handle.nodeId).toBe(node.handle.nodeId)
    await run({ rounds: 1 })
    await copy.event('task:settled')
    expect(copy.events.map(({ type }) => type)).not.toContain('node:disconnected')
  })

  describe('that cannot join', () => {
    it.each([
      ['without a code', {}, 'auth/bad-code'],
      ['with a wrong code', { code: 'WRONG-CODE' }, 'auth/bad-code'],
      ['at an address that is none', { url: 'localhost:7400' }, 'usage/bad-value'],
      ['where nobody answers', { url: 'http://127.0.0.1:1', code: 'x' }, 'coordinator/unreachable'],
    ])('%s says so, and holds nothing', async (_why, options, code) => {
      await expect(joinAs('a', options)).rejects.toMatchObject({ code })
      await (await openNodeState(at('a'))).release()
    })

    it('because it was told to leave says just that', async () => {
      const leaving = new AbortController()
      const joining = joinAs('a', { code: await coordinator.invite(), signal: leaving.signal })
      const refused = expect(joining).rejects.toMatchObject({ name: 'AbortError' })
      leaving.abort()
      await refused
      await expect(joinAs('a', { signal: leaving.signal })).rejects.toMatchObject({
        name: 'AbortError',
      })
      await (await openNodeState(at('a'))).release()
    })
  })
})

/** Passes connections on; the first one that has carried so many bytes upwards is cut. */
async function cuttingProxy(target: URL, cutAfter: number) {
  let isCut = false
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    let carried = 0
    near.on('data', (bytes) => {
      carried += bytes.length
      if (isCut || carried < cutAfter) return
      isCut = true
      near.destroy()
    })
    near.on('close', () => far.destroy()).on('error', () => undefined)
    far.on('close', () => near.destroy()).on('error', () => undefined)
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
