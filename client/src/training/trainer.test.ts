import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle, float32Of, makeBundle } from '#protocol/bundle.js'
import { DEFAULT_POLICY } from '#protocol/policy.js'
import { unwrap } from '#protocol/result.js'
import { createProgram } from '#algorithms/programs/create-program.js'
import { CLASSES, FEATURES, tinyConfig } from '#testing/tiny-federation.js'
import { tinyModule } from '#testing/tiny-node.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Request } from './messages.js'
import { Trainer } from './trainer.js'

const { signal: never } = new AbortController()
const PROGRAM = createProgram(tinyConfig())
const PLAN = PROGRAM.next(PROGRAM.init(null)) as PlannedTask
type PlannedTask = Exclude<ReturnType<typeof PROGRAM.next>, 'done'>
type Perform = Extract<Request, { kind: 'perform' }>
const MLP = { name: 'mlp', hidden: [5, 4], activation: 'relu' } as RunConfig['model']
const number = (value: number): Uint8Array =>
  encodeBundle(
    makeBundle([{ name: 'm', shape: [1], dtype: 'float32', data: Float32Array.of(value) }]),
  )

describe('the training process', () => {
  let directory: string
  let trainer: Trainer
  const at = (name: string): string => join(directory, name)
  const perform = (change: Partial<Perform> = {}): Perform => ({
    ...{ kind: 'perform', config: tinyConfig(), round: 1, slot: 0 },
    ...{ part: PLAN.part, task: PLAN.task, uplink: PLAN.uplink, shared: encodeBundle(PLAN.shared) },
    ...{ assets: {}, personal: null, memory: null, stateDirectory: directory },
    ...{ policy: DEFAULT_POLICY, fewestExamples: 0 },
    noiseKey: new Uint8Array(32),
    ...change,
  })

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-trainer-'))
  })
  afterEach(async () => {
    await trainer.stop()
    await rm(directory, { recursive: true })
  })

  it('opens the data, trains, settles; dies, fails what was asked, and is there again for the next', async () => {
    trainer = new Trainer({ module: await tinyModule(directory, { deathFile: at('die') }) })
    expect(await trainer.start()).toEqual({ inputShape: [FEATURES], classes: [...CLASSES] })

    const first = await trainer.perform(perform(), never)
    expect(first).toMatchObject({
      weight: 8,
      pending: null,
      engine: { backend: 'cpu', threads: 1 },
    })
    const moved = unwrap(decodeBundle(first.update))
    expect(moved.tensors.every(({ name }) => name.startsWith('delta/'))).toBe(true)

    const settled = async (fate: 'accepted' | 'refused'): Promise<number | undefined> => {
      const asked = { config: tinyConfig(), part: 'method', memory: number(1), pending: number(2) }
      const kept = await trainer.settle({ kind: 'settle', ...asked, fate })
      return kept === null ? undefined : float32Of(unwrap(decodeBundle(kept)), 'm')[0]
    }
    expect(await settled('accepted')).toBe(2)
    expect(await settled('refused')).toBe(1)

    await writeFile(at('die'), '')
    await expect(trainer.perform(perform(), never)).rejects.toMatchObject({
      code: 'task/failed',
      message: expect.stringContaining('SIGKILL') as string,
    })
    const again = await trainer.perform(perform(), never)
    expect(Buffer.from(again.update).equals(first.update)).toBe(true)
  })

  it('ends when its work is not wanted any more, and says so in no other way than by ending', async () => {
    trainer = new Trainer({ module: await tinyModule(directory) })
    await trainer.start()
    const abort = new AbortController()
    const performing = trainer.perform(perform(), abort.signal)
    abort.abort()
    await expect(performing).rejects.toBeDefined()
    const first = await trainer.perform(perform(), never)
    expect(first.weight).toBe(8)
  })

  it('keeps the code of what went wrong', async () => {
    trainer = new Trainer({ module: await tinyModule(directory, { scale: 1e30 }) })
    await expect(trainer.perform(perform(), never)).rejects.toMatchObject({
      code: 'update/not-finite',
    })
    await expect(trainer.perform(perform({ part: 'magic' }), never)).rejects.toMatchObject({
      code: 'message/malformed',
    })
  })

  it('tries to open the data again when they were not there once', async () => {
    const module = await tinyModule(directory, { goneFile: at('gone'), deathFile: at('die') })
    trainer = new Trainer({ module })
    await writeFile(at('gone'), '')
    await expect(trainer.start()).rejects.toMatchObject({ message: 'The data are gone' })
    await rm(at('gone'))
    expect((await trainer.start()).classes).toEqual(CLASSES)
    // Other data under the same name are not those that the coordinator was told of.
    await writeFile(at('die'), '')
    await expect(trainer.perform(perform(), never)).rejects.toBeDefined()
    const others = await tinyModule(directory, { classes: ['x', 'y', 'z'] })
    await writeFile(module, `export * from ${JSON.stringify(others)}`)
    await expect(trainer.perform(perform(), never)).rejects.toMatchObject({
      code: 'data/mismatch',
    })
  })

  it('does not start again once it was stopped', async () => {
    trainer = new Trainer({ module: await tinyModule(directory) })
    const starting = trainer.start()
    const refused = expect(starting).rejects.toMatchObject({ code: 'task/failed' })
    await trainer.stop()
    await refused
    await expect(trainer.start()).rejects.toMatchObject({ message: 'The node is leaving' })
  })

  it('refuses to train on fewer examples than the report speaks of that its owner demands', async () => {
    trainer = new Trainer({ module: await tinyModule(directory) })
    await expect(trainer.perform(perform({ fewestExamples: 9 }), never)).rejects.toMatchObject({
      code: 'policy/refused',
      message: expect.stringMatching(/clients with 9 records or more.*"batchSize": 1/) as string,
    })
    const { weight } = await trainer.perform(perform({ fewestExamples: 8 }), never)
    expect(weight).toBe(8)
  })

  it('refuses what its owner forbids by what the method itself says, whatever the task declares', async () => {
    const fedd2s = { name: 'fedd2s' } as RunConfig['method']
    const config: RunConfig = { ...tinyConfig(), method: fedd2s, model: MLP }
    trainer = new Trainer({ module: await tinyModule(directory) })
    await expect(trainer.perform(perform({ config }), never)).rejects.toMatchObject({
      code: 'policy/refused',
      message: expect.stringContaining('--allow-per-example') as string,
    })
    const calibration = { name: 'ccvr', when: 'final' } as RunConfig['calibration'] & object
    const policy = { ...DEFAULT_POLICY, maxClip: 1 }
    const updates = [{ name: 'clip', norm: 1 }]
    const calibrating = { config: { ...tinyConfig(), updates, calibration }, policy }
    await expect(
      trainer.perform(perform({ ...calibrating, part: 'calibration' }), never),
    ).rejects.toMatchObject({
      code: 'policy/refused',
      message: expect.stringContaining('the calibration ccvr') as string,
    })
    // An evaluation tells sums alone; and what the owner allows is done, if it can be.
    const allowed = { ...DEFAULT_POLICY, perExample: true }
    for (const change of [{ part: 'evaluation' }, { policy: allowed }])
      await expect(
        trainer.perform(perform({ config, ...change }), never),
      ).rejects.not.toMatchObject({
        code: 'policy/refused',
      })
  })
})
