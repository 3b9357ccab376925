import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newRunId, type RunId } from '#protocol/ids.js'
import type { RunEvent } from '#protocol/ui-messages.js'
import { startCoordinator, type CoordinatorHandle } from '#coordinator/server.js'
import { FakeCompute } from '#testing/fake-fleet.js'
import { enrolNode, post, SocketNode } from '#testing/socket-node.js'
import type { Identity } from '#testing/synthetic-identity.js'
import { CLASSES, FEATURES } from '#testing/tiny-federation.js'
import { Live, type LiveState, type RunWatcher } from './live.js'

const CONFIG = {
  task: { inputShape: [FEATURES], classes: [...CLASSES] },
  model: { name: 'logistic' },
  compute: { backend: 'cpu', threads: 1 },
  cohort: { all: true, minReporters: 1, graceSeconds: 10, deadlineSeconds: 60 },
  rounds: 3,
  seed: 7,
}

describe('what a page hears', () => {
  let dataDir: string
  let coordinator: CoordinatorHandle
  let token: string
  let identity: Identity
  let node: SocketNode
  const open: Live[] = []
  let heard: (() => void)[] = []

  const hear = (): void => {
    for (const one of heard.splice(0)) one()
  }
  /** Looks again whenever something was heard. */
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>((resolve) => heard.push(resolve))
  }
  const start = async (port = 0): Promise<void> => {
    const compute = (store: { blobs: never }) => new FakeCompute(store.blobs)
    const rest = { compute: compute as never, logLevel: 'silent' }
    coordinator = await startCoordinator({ dataDir, port, ...rest })
    const file = await readFile(join(dataDir, 'operator.json'), 'utf8')
    ;({ token } = JSON.parse(file) as { token: string })
  }
  const live = (shown: unknown = token): Live => {
    const page = new Live({
      url: coordinator.url,
      socket: { auth: (give) => give({ token: shown }), reconnectionDelay: 20 },
    })
    open.push(page)
    page.onState(hear)
    return page
  }
  const begin = async (change: object = {}): Promise<RunId> => {
    const response = await post(
      `${coordinator.url}/api/runs`,
      { config: { ...CONFIG, ...change } },
      token,
    )
    return ((await response.json()) as { runId: RunId }).runId
  }
  const rejoin = async (): Promise<void> => {
    node = await SocketNode.join(coordinator.url, identity, { name: 'a' })
  }
  const upload = async (nth: number): Promise<void> => {
    const task = await node.task(nth)
    await node.upload({ task, bytes: new TextEncoder().encode(`round ${task.round}`) })
  }
  /** A watcher, and what it was told. */
  const watcher = () => {
    const told: RunEvent[] = []
    const stages: string[] = []
    let lost = 0
    const tells: RunWatcher = {
      onEvents: (events) => {
        told.push(...events)
        hear()
      },
      onStage: ({ stage }) => {
        stages.push(stage)
        hear()
      },
      onLost: () => {
        lost += 1
        hear()
      },
    }
    const has = (type: string, count = 1): boolean =>
      told.filter((event) => event.type === type).length >= count
    return { tells, told, stages, has, lost: () => lost }
  }
  const stored = async (runId: RunId): Promise<unknown> => {
    const response = await fetch(`${coordinator.url}/api/runs/${runId}/events`, {
      headers: { authorization: `Bearer ${token}` },
    })
    return ((await response.json()) as { events: unknown }).events
  }

  beforeEach(async () => {
    heard = []
    dataDir = await mkdtemp(join(tmpdir(), 'tributary-live-'))
    await start()
    identity = await enrolNode(coordinator.url, token, 'a')
    await rejoin()
  })
  afterEach(async () => {
    for (const page of open.splice(0)) page.close()
    node.close()
    await coordinator.stop()
    await rm(dataDir, { recursive: true })
  })

  it('is every event once, also when the coordinator was stopped and started meanwhile', async () => {
    const runId = await begin()
    const page = live()
    const states: LiveState[] = []
    page.onState(() => states.push(page.state))
    const { tells, told, stages, has } = watcher()
    page.onRun(runId, 0, tells)
    await upload(1)
    await until(() => has('round:closed', 2))
    await until(() => has('round:opened', 2))
    const port = Number(new URL(coordinator.url).port)
    await coordinator.stop()
    await until(() => page.state === 'away')
    await start(port)
    await rejoin()
    await upload(1)
    await upload(2)
    await until(() => has('run:finished') && stages.at(-1) === 'done')
    expect(told.map(({ seq }) => seq)).toEqual(told.map((_, i) => i + 1))
    expect(told).toEqual(await stored(runId))
    expect(states).toEqual(['live', 'away', 'live'])
  })

  it('is the same for each part of it, wherever that begins', async () => {
    const runId = await begin({ rounds: 1 })
    const page = live()
    const [first, second, third] = [watcher(), watcher(), watcher()]
    const stop = page.onRun(runId, 0, first.tells)
    await until(() => first.has('round:opened') && first.stages.at(-1) === 'collecting')
    page.onRun(runId, 1, second.tells)
    expect(second.stages).toEqual(['collecting'])
    await until(() => second.has('round:opened'))
    stop()
    page.onRun(runId, 2, third.tells)
    await upload(1)
    await until(() => second.has('run:finished') && third.has('run:finished'))
    const all = await stored(runId)
    expect(second.told).toEqual((all as readonly unknown[]).slice(1))
    expect(third.told).toEqual((all as readonly unknown[]).slice(2))
    expect(first.has('run:finished')).toBe(false)
  })

  it('is that a list may have changed: when it begins to listen, when it changed, and when it comes back', async () => {
    let times = 0
    const page = live()
    page.onList('runs', () => {
      times += 1
      hear()
    })
    await until(() => times === 1)
    await begin()
    await until(() => times >= 2)
    const port = Number(new URL(coordinator.url).port)
    await coordinator.stop()
    await until(() => page.state === 'away')
    const before = times
    await start(port)
    await until(() => times > before)
    expect(page.state).toBe('live')
  })

  it('is that what it knows of a run is of another past', async () => {
    const runId = await begin()
    const page = live()
    const [gone, ahead] = [watcher(), watcher()]
    page.onRun(newRunId(), 0, gone.tells)
    page.onRun(runId, 900, ahead.tells)
    await until(() => gone.lost() === 1 && ahead.lost() === 1)
    const again = watcher()
    page.onRun(runId, 0, again.tells)
    await until(() => again.has('run:started'))
    expect(ahead.told).toEqual([])
  })

  it('is that nobody is signed in', async () => {
    const page = live('no token')
    await until(() => page.state === 'refused')
    expect(page.problem?.code).toBe('auth/bad-token')
    page.wake()
    expect(page.state).toBe('refused')
  })

  it('is that another page of the same person took its place, until it is looked at', async () => {
    const page = live()
    await until(() => page.state === 'live' || page.state === 'connecting')
    page.onList('runs', hear)
    await until(() => page.state === 'live')
    for (let other = 0; other < 8; other += 1) live()
    await until(() => page.state === 'replaced')
    page.wake()
    await until(() => page.state === 'live')
  })
})
