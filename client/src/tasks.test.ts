import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeBundle, float32Of, makeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { sha256, type RunId } from '#protocol/ids.js'
import { CHUNK_BYTES, type TaskMessage } from '#protocol/messages.js'
import { DEFAULT_POLICY, type Policy } from '#protocol/policy.js'
import { configHash } from '#protocol/run-config.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import { FakeLink, lost } from '#testing/tiny-node.js'
import { CLASSES, FEATURES, tinyConfig } from '#testing/tiny-federation.js'
import type { NodeContext } from './node-context.js'
import { openNodeState, type NodeState } from './state/node-state.js'
import { Tasks } from './tasks.js'
import type { Performed } from './training/messages.js'

const RUN = 'run-000000000000' as RunId
const OTHER_RUN = 'run-000000000001' as RunId
const CONFIG = tinyConfig() as TaskMessage['config']
const GROUP: UplinkGroup = {
  ...{ name: 'delta', reduce: 'mean', weight: 'examples', grid: null },
  ...{ privacyClass: 'model-delta', maxBytes: 100 },
  tensors: [{ name: 'w', shape: [1], dtype: 'float32' }],
}
const number = (name: string, value: number): Bundle =>
  makeBundle([{ name, shape: [1], dtype: 'float32', data: Float32Array.of(value) }])
const valueOf = (bundle: Bundle | null): number | null =>
  bundle === null ? null : (float32Of(bundle, 'm')[0] ?? null)

const taskOf = (round: number, change: Partial<TaskMessage> = {}): TaskMessage => ({
  ...{ runId: RUN, round, attempt: 1, slot: 3, lease: String(round).repeat(32) },
  ...{ cohort: 2, deadlineMs: 1000 },
  ...{ config: CONFIG, configHash: configHash(CONFIG), purpose: 'train', part: 'method', task: {} },
  ...{ shared: { hash: sha256('shared'), bytes: 6 }, assets: [], personal: null },
  uplink: [GROUP] as unknown as TaskMessage['uplink'],
  chunkBytes: CHUNK_BYTES,
  ...change,
})
const placeOf = ({ runId, round, attempt, slot }: TaskMessage) => ({ runId, round, attempt, slot })

describe('the tasks of a node', () => {
  let directory: string
  let state: NodeState
  let link: FakeLink
  let tasks: Tasks
  let events: (readonly [string, Readonly<Record<string, unknown>>])[]
  let leaving: AbortController
  let policy: Policy
  /** Rounds that were trained; and what the trainer does instead of succeeding. */
  let trained: number[]
  let train: (signal: AbortSignal) => Promise<void>

  const node = (): NodeContext => ({
    ...{ state, link, signal: leaving.signal },
    card: { inputShape: [FEATURES], classes: [...CLASSES] },
    policy,
    auditKey: '',
    trainer: {
      async perform({ round }, signal): Promise<Performed> {
        trained.push(round)
        await train(signal)
        return {
          update: encodeBundle(number('delta/w', round)),
          pending: encodeBundle(number('m', 10 * round)),
          ...{ weight: 8, metrics: { loss: 1 } },
          engine: { backend: 'cpu', version: '1', threads: 1 },
          hasPersonalModel: true,
        }
      },
      settle: async ({ memory, pending, fate }) => (fate === 'accepted' ? pending : memory),
    },
    fetchBlob: async () => Buffer.from('shared'),
    emit: (type, data) => void events.push([type, data]),
  })
  const happened = (type: string) => events.flatMap(([one, data]) => (one === type ? [data] : []))

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-tasks-'))
    state = await openNodeState(directory)
    link = new FakeLink()
    events = []
    leaving = new AbortController()
    policy = DEFAULT_POLICY
    trained = []
    train = () => Promise.resolve()
    tasks = new Tasks(node())
  })
  afterEach(async () => {
    leaving.abort()
    await tasks.idle()
    await state.release()
    await rm(directory, { recursive: true })
  })

  describe('that it does not take', () => {
    it('are those for data of another order of classes', () => {
      const task = { inputShape: [FEATURES], classes: ['bee', 'ant', 'cat'] }
      const config = { ...CONFIG, task }
      const offer = taskOf(1, { config, configHash: configHash(config) })
      const answer = tasks.offered(offer)
      expect(answer).toMatchObject({ ok: false, problem: { code: 'data/mismatch' } })
      expect(JSON.stringify(answer)).toContain('another order')
    })
    it('are those whose configuration is not the one of the hash', () => {
      const offer = taskOf(1, { config: { ...CONFIG, seed: 8 } })
      expect(tasks.offered(offer)).toMatchObject({
        problem: { message: expect.stringContaining('configHash') as string },
      })
    })
    it('are those that it cannot read', () => {
      expect(tasks.offered({ runId: RUN })).toMatchObject({
        ok: false,
        problem: { code: 'message/malformed' },
      })
      expect(tasks.fate(null)).toMatchObject({ ok: false })
    })
  })

  it('are performed once, however often they are offered', async () => {
    for (let times = 0; times < 3; times += 1)
      expect(tasks.offered(taskOf(1))).toEqual({ ok: true })
    await tasks.idle()
    expect(trained).toEqual([1])
    expect(link.all('update:begin')).toHaveLength(1)
    expect(link.all('update:begin')[0]).toMatchObject({ weight: 8, slot: 3, metrics: { loss: 1 } })
    expect(happened('update:accepted')).toHaveLength(1)
    expect(await state.entries()).toMatchObject([
      {
        ...{ runId: RUN, round: 1, attempt: 1, name: 'tiny', method: 'fedavg', part: 'method' },
        // The announcement {"metrics":{"loss":1},"weight":8} tells of the data too.
        ...{ bytes: { 'model-delta': 4, metrics: 33 }, fate: 'sent' },
      },
    ])
    expect(await state.runs()).toMatchObject([
      { runId: RUN, name: 'tiny', method: 'fedavg', slot: 3, config: CONFIG, round: 1 },
    ])
  })

  it.each([
    ['accepted', 20],
    ['refused', 10],
    ['abandoned', 10],
  ] as const)('leave the right memory when the second is %s', async (fate, memory) => {
    tasks.offered(taskOf(1))
    await tasks.idle()
    tasks.fate({ ...placeOf(taskOf(1)), fate: 'accepted' })
    tasks.offered(taskOf(2))
    await tasks.idle()
    tasks.fate({ ...placeOf(taskOf(2)), fate })
    tasks.fate({ ...placeOf(taskOf(2)), fate: 'accepted' })
    await tasks.idle()
    expect(valueOf(await state.memory(RUN))).toBe(memory)
    expect(await state.openTasks()).toEqual([])
    expect(happened('task:settled').map(({ fate: told }) => told)).toEqual(['accepted', fate])
  })

  it('wait for the fate of the one before: their memory depends on it', async () => {
    link.answers = {
      'fate:ask': (_message, count) => ({ ok: true, fate: count < 2 ? 'open' : 'accepted' }),
    }
    tasks.offered(taskOf(1))
    tasks.offered(taskOf(2))
    await tasks.idle()
    expect(link.all('fate:ask')).toEqual([placeOf(taskOf(1)), placeOf(taskOf(1))])
    expect(valueOf(await state.memory(RUN))).toBe(10)
    expect((await state.openTask(RUN))?.round).toBe(2)
  })

  it('are sent again, not performed again, by a node that died with the update', async () => {
    tasks.offered(taskOf(1))
    await tasks.idle()
    tasks = new Tasks(node())
    tasks.offered(taskOf(1))
    await tasks.idle()
    expect(trained).toEqual([1])
    const ids = link.all('update:begin').map(({ updateId }) => updateId)
    expect(ids).toEqual([ids[0], ids[0]])
    expect(await state.entries()).toHaveLength(1)
  })

  describe('that the policy of the owner forbids', () => {
    const rows = { ...GROUP, name: 'rows', privacyClass: 'per-example' }
    const revealing = { uplink: [GROUP, rows] as unknown as TaskMessage['uplink'] }
    const ccvr = { ...CONFIG, calibration: { name: 'ccvr', when: 'final' } } as const
    const calibrating = { config: ccvr, configHash: configHash(ccvr) }

    it.each<[string, Partial<Policy>, Partial<TaskMessage>, RegExp]>([
      ['are those that upload rows', {}, revealing, /per-example.*--allow-per-example/],
      ['are those of another method', { methods: ['moon'] }, {}, /fedavg, only moon.*moon,fedavg/],
      ['are those of a calibration', { methods: ['fedavg'] }, calibrating, /ccvr, only fedavg/],
      ['are those of few members', { minCohort: 3 }, {}, /fewer than 3.*--min-cohort 2/],
    ])('%s', async (_what, forbids, change, message) => {
      policy = { ...DEFAULT_POLICY, ...forbids }
      tasks = new Tasks(node())
      for (let times = 0; times < 2; times += 1) {
        expect(tasks.offered(taskOf(1, change))).toMatchObject({
          ok: false,
          problem: { code: 'policy/refused', message: expect.stringMatching(message) as string },
        })
      }
      await tasks.idle()
      expect([trained, link.asked, await state.openTasks(), await state.runs()]).toEqual([
        ...[[], [], [], []],
      ])
      expect(happened('task:refused')).toMatchObject([{ round: 1, code: 'policy/refused' }])
      expect(await state.entries()).toMatchObject([
        {
          ...{ runId: RUN, round: 1, attempt: 1, bytes: {}, fate: 'policy' },
          reason: expect.stringMatching(message) as string,
        },
      ])
    })

    it('are refused by who trains when the coordinator has not told the truth; the memory stays', async () => {
      tasks.offered(taskOf(1))
      await tasks.idle()
      tasks.fate({ ...placeOf(taskOf(1)), fate: 'accepted' })
      train = () => Promise.reject(new FederationError('policy/refused', 'It sends rows'))
      tasks.offered(taskOf(2))
      await tasks.idle()
      expect(link.all('task:failed')).toMatchObject([{ problem: { code: 'policy/refused' } }])
      expect(link.all('update:begin')).toHaveLength(1)
      expect([happened('task:failed'), happened('task:refused')]).toMatchObject([
        ...[[], [{ round: 2, message: 'It sends rows' }]],
      ])
      expect((await state.entries()).map(({ round, fate }) => [round, fate])).toEqual([
        ...[
          [1, 'sent'],
          [1, 'accepted'],
          [2, 'policy'],
        ],
      ])
      expect(valueOf(await state.memory(RUN))).toBe(10)
    })

    it('are taken when it allows them', async () => {
      policy = { perExample: true, methods: ['fedavg', 'ccvr'], minCohort: 2 }
      tasks = new Tasks(node())
      expect(tasks.offered(taskOf(1, { ...revealing, ...calibrating }))).toEqual({ ok: true })
      await tasks.idle()
      expect(trained).toEqual([1])
    })
  })

  describe('that fail', () => {
    it('are reported until the coordinator has heard, in words that the wire takes', async () => {
      train = () => Promise.reject(new FederationError('update/not-finite', 'x'.repeat(9000)))
      link.answers = {
        'task:failed': (_message, count) => {
          if (count === 1) throw lost()
          return { ok: true }
        },
      }
      tasks.offered(taskOf(1))
      await tasks.idle()
      expect(link.all('task:failed')).toHaveLength(2)
      expect(link.all('task:failed')[1]).toEqual({
        ...placeOf(taskOf(1)),
        lease: '1'.repeat(32),
        problem: { code: 'update/not-finite', message: 'x'.repeat(4000) },
      })
      expect(happened('task:failed')).toMatchObject([{ code: 'update/not-finite', round: 1 }])
    })

    it('do not stand in the way of the next', async () => {
      train = () => Promise.reject(new FederationError('task/failed', 'The process ended'))
      tasks.offered(taskOf(1))
      await tasks.idle()
      train = () => Promise.resolve()
      tasks.offered(taskOf(2))
      await tasks.idle()
      expect(happened('update:accepted')).toMatchObject([{ round: 2 }])
    })

    it('are reported too when the update was refused before it was complete', async () => {
      link.answers = {
        'update:begin': () => {
          throw new FederationError('bundle/too-large', 'too large')
        },
      }
      tasks.offered(taskOf(1))
      await tasks.idle()
      expect(link.all('task:failed')).toMatchObject([{ problem: { code: 'bundle/too-large' } }])
      expect(happened('update:refused')).toMatchObject([{ code: 'bundle/too-large' }])
      // What the memory becomes is for the record to say: the round is open.
      expect((await state.openTask(RUN))?.round).toBe(1)
    })

    it('are no news when the round is over', async () => {
      link.answers = {
        'update:finish': () => {
          throw new FederationError('round/closed', 'too late')
        },
      }
      tasks.offered(taskOf(1))
      await tasks.idle()
      expect(link.all('task:failed')).toEqual([])
      expect(happened('node:problem')).toEqual([])
    })
  })

  describe('of a round that is over', () => {
    const untilAborted = (signal: AbortSignal): Promise<void> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () =>
          reject(new FederationError('task/failed', 'The training process ended with SIGKILL')),
        )
      })

    it('end while they train, and the next begins', async () => {
      train = untilAborted
      tasks.offered(taskOf(1))
      tasks.offered(taskOf(1, { runId: OTHER_RUN, lease: 'a'.repeat(32) }))
      await link.until(() => trained.length === 1)
      train = () => Promise.resolve()
      tasks.fate({ ...placeOf(taskOf(1)), fate: 'refused' })
      await tasks.idle()
      expect(happened('task:failed')).toMatchObject([{ runId: RUN, code: 'round/closed' }])
      expect(link.all('task:failed')).toEqual([])
      expect(happened('update:accepted')).toMatchObject([{ runId: OTHER_RUN }])
    })

    it('end after a reconnection, even the ones that have not begun', async () => {
      train = untilAborted
      tasks.offered(taskOf(1))
      tasks.offered(taskOf(1, { runId: OTHER_RUN, lease: 'a'.repeat(32) }))
      await link.until(() => trained.length === 1)
      link.fate = 'abandoned'
      tasks.connected()
      await tasks.idle()
      expect(trained).toEqual([1])
      expect(happened('task:failed').map(({ runId }) => runId)).toEqual([RUN, OTHER_RUN])
    })
  })

  it('are settled after a restart, also when the slot is another node’s by now', async () => {
    const runs = [RUN, OTHER_RUN]
    for (const runId of runs) tasks.offered(taskOf(1, { runId, lease: sha256(runId).slice(32) }))
    await tasks.idle()
    tasks = new Tasks(node())
    link.answers = {
      'fate:ask': ({ runId }) => {
        if (runId === RUN) throw new FederationError('round/not-leased', 'not yours')
        return { ok: true, fate: 'accepted' }
      },
    }
    tasks.connected()
    await tasks.idle()
    expect(await state.openTasks()).toEqual([])
    expect(valueOf(await state.memory(RUN))).toBeNull()
    expect(valueOf(await state.memory(OTHER_RUN))).toBe(10)
  })

  it('tell how far they are while they are performed, and not else', async () => {
    tasks.progress({ done: 1, total: 2 })
    train = async () => tasks.progress({ done: 3, total: 9 })
    tasks.offered(taskOf(4))
    await tasks.idle()
    expect(link.all('node:progress')).toEqual([
      { runId: RUN, round: 4, slot: 3, done: 3, total: 9 },
    ])
  })
})
