import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle, float32Of } from '#protocol/bundle.js'
import { setFaultHook } from '#protocol/fault-points.js'
import { sha256, type RunId } from '#protocol/ids.js'
import { CHUNK_BYTES, type TaskMessage } from '#protocol/messages.js'
import { DEFAULT_POLICY } from '#protocol/policy.js'
import { unwrap } from '#protocol/result.js'
import { configHash, type RunConfig } from '#protocol/run-config.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import { createProgram } from '#algorithms/programs/create-program.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { FakeLink } from '#testing/tiny-node.js'
import { tinyClients, tinyConfig } from '#testing/tiny-federation.js'
import { computeUpdate } from './compute-update.js'
import type { NodeContext } from './node-context.js'
import { noiseOf } from './noise.js'
import { performTask } from './perform-task.js'
import { openNodeState, type NodeState } from './state/node-state.js'
import type { Performed } from './training/messages.js'

const [DATA, OTHER_DATA] = tinyClients([8, 8])
const STDDEV = 0.5
const configWith = (updates: RunConfig['updates'] & object): RunConfig =>
  tinyConfig((config) => ({ ...config, updates }))
const NOISY = configWith([{ name: 'gaussian-noise', stddev: STDDEV }])
const QUIET = configWith([{ name: 'gaussian-noise', stddev: 0 }])
const { signal: never } = new AbortController()

/** The first task of a run, and the model that it sends. */
function offerOf(config: RunConfig, change: Partial<TaskMessage> = {}) {
  const program = createProgram(config)
  const plan = program.next(program.observe(program.init(null), {}))
  if (plan === 'done') throw new Error('The run ends before its first round')
  const bytes = encodeBundle(plan.shared)
  const task = {
    ...{ runId: 'run-000000000000' as RunId, round: 1, attempt: 1, slot: 0, cohort: 1 },
    ...{ lease: '1'.repeat(32), deadlineMs: 1000, config, configHash: configHash(config) },
    ...{ purpose: 'train', part: plan.part, task: plan.task, uplink: plan.uplink },
    ...{ shared: { hash: sha256(bytes), bytes: bytes.length }, assets: [], personal: null },
    ...{ chunkBytes: CHUNK_BYTES, ...change },
  } as unknown as TaskMessage
  return { task, bytes }
}

describe('noise of a node that dies after training', () => {
  let directory: string
  let state: NodeState
  /** What was trained, in order: the bytes that would be sent. */
  let trained: Buffer[]
  let data = DATA!
  beforeAll(async () => void (await useBackend('cpu')))
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-noise-'))
    state = await openNodeState(directory)
    trained = []
    data = DATA!
  })
  afterEach(async () => {
    setFaultHook(null)
    await state.release()
    await rm(directory, { recursive: true })
  })

  const contextFor = (bytes: Uint8Array): NodeContext => ({
    ...{ state, link: new FakeLink(), signal: never, policy: DEFAULT_POLICY, auditKey: '' },
    card: data.card,
    trainer: {
      async perform(request): Promise<Performed> {
        const { config, part, round, slot, task, uplink } = request
        const computed = await computeUpdate(createClientHalves(config), part, {
          ...{ round, slot, task, uplink, data, assets: {}, personal: null, memory: null },
          shared: unwrap(decodeBundle(request.shared)),
          noise: noiseOf(request.noiseKey),
        })
        const update = encodeBundle(computed.update)
        trained.push(Buffer.from(update))
        return {
          ...{ update, weight: computed.weight, metrics: computed.metrics, pending: null },
          ...{ engine: { backend: 'cpu', version: '1', threads: 1 }, hasPersonalModel: false },
        }
      },
      settle: async () => null,
    },
    fetchBlob: async () => bytes,
    emit: () => undefined,
  })
  const perform = ({ task, bytes }: ReturnType<typeof offerOf>) =>
    performTask(contextFor(bytes), task, never)
  /** As after a kill: what was not on disk is gone. */
  const dieAndComeBack = async (offer: ReturnType<typeof offerOf>): Promise<void> => {
    setFaultHook((point) => {
      if (point === 'client.trained') throw new Error('Killed')
    })
    await expect(perform(offer)).rejects.toThrow('Killed')
    setFaultHook(null)
    await state.release()
    state = await openNodeState(directory)
  }
  const deltaIn = (update: Buffer): readonly number[] =>
    unwrap(decodeBundle(update)).tensors.flatMap(({ name }) => [
      ...float32Of(unwrap(decodeBundle(update)), name),
    ])

  it('is the same when the task is performed again, also under another lease and attempt', async () => {
    await dieAndComeBack(offerOf(NOISY))
    await dieAndComeBack(offerOf(NOISY, { lease: '2'.repeat(32), attempt: 2, deadlineMs: 7 }))
    expect(await perform(offerOf(NOISY))).toBe('accepted')
    expect(trained).toHaveLength(3)
    expect(trained[1]).toEqual(trained[0])
    expect(trained[2]).toEqual(trained[0])
  })

  it('is there, and of the size that the run says', async () => {
    await dieAndComeBack(offerOf(NOISY))
    await dieAndComeBack(offerOf(QUIET))
    const [noisy, quiet] = trained.map(deltaIn)
    const noise = noisy!.map((value, i) => value - quiet![i]!)
    const deviation = Math.sqrt(noise.reduce((sum, each) => sum + each ** 2, 0) / noise.length)
    expect(deviation).toBeGreaterThan(STDDEV / 2)
    expect(deviation).toBeLessThan(STDDEV * 2)
  })

  it('is the same whatever else the coordinator says, where the same is trained', async () => {
    const offer = offerOf(NOISY)
    await dieAndComeBack(offer)
    const shared = { ...offer.task.shared, hash: sha256('other') }
    const task = { ...offer.task.task, extra: 1 }
    await dieAndComeBack({ ...offer, task: { ...offer.task, shared, task } })
    expect(trained[1]).toEqual(trained[0])
  })

  it('is another when the owner changed the data before the round was trained again', async () => {
    for (const config of [NOISY, QUIET])
      for (const own of [DATA, OTHER_DATA]) {
        data = own!
        await dieAndComeBack(offerOf(config))
      }
    const [noisy, noisyLater, quiet, quietLater] = trained.map(deltaIn)
    const moved = quiet!.map((value, i) => quietLater![i]! - value)
    const seen = noisy!.map((value, i) => noisyLater![i]! - value)
    seen.forEach((value, i) => expect(Math.abs(value - moved[i]!)).toBeGreaterThan(1e-5))
  })

  it('comes from a key that only its owner can read, which stays when the node starts again', async () => {
    const secret = await state.noiseSecret()
    expect(secret).toHaveLength(32)
    await state.release()
    state = await openNodeState(directory)
    expect(Buffer.from(await state.noiseSecret())).toEqual(Buffer.from(secret))
    const path = join(directory, 'noise.key')
    expect(await readFile(path)).toEqual(Buffer.from(secret))
    expect((await stat(path)).mode & 0o077).toBe(0)
    // Another node has another.
    const elsewhere = await openNodeState(join(directory, 'other'))
    expect(Buffer.from(await elsewhere.noiseSecret())).not.toEqual(Buffer.from(secret))
    await elsewhere.release()
  })

  it('is no part of what leaves: neither the key nor the secret is in a message', async () => {
    const context = contextFor(offerOf(NOISY).bytes)
    await performTask(context, offerOf(NOISY).task, never)
    const said = JSON.stringify((context.link as FakeLink).asked)
    const secret = Buffer.from(await state.noiseSecret())
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(said).not.toContain(secret.toString(encoding))
  })
})
