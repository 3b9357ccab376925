import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { BackendName } from './backends.js'
import { chooseBackend, choiceKey, type Measurement, type Trial } from './choose-backend.js'
import { measureInChild } from './measure-backend.js'
import { resolveNative } from './provision/index.js'

const trial: Trial = {
  task: { inputShape: [8, 8, 1], classes: ['a', 'b', 'c'] },
  model: { name: 'mlp', hidden: [16] },
  training: {
    localEpochs: 3,
    batchSize: 4,
    optimizer: {
      name: 'sgd',
      learningRate: 0.1,
      momentum: 0,
      weightDecay: 0,
      schedule: { name: 'constant' },
      gradientClip: null,
    },
  },
  threads: 1,
}
const candidates: readonly BackendName[] = ['cuda', 'native', 'wasm']
const took = (backend: BackendName, stepMs: number): Measurement => ({
  backend,
  stepMs,
  reason: null,
})
const absent = (backend: BackendName): Measurement => ({
  backend,
  stepMs: null,
  reason: 'not installed',
})
/** A measure that answers from a table and counts. */
function fake(times: Partial<Record<BackendName, number>>) {
  const asked: BackendName[] = []
  const measure = async (backend: BackendName) => {
    asked.push(backend)
    const time = times[backend]
    return time === undefined ? absent(backend) : took(backend, time)
  }
  return { asked, measure }
}
const newFile = () => join(mkdtempSync(join(tmpdir(), 'choice-')), 'deep', 'choices.json')

describe('chooseBackend', () => {
  it('takes the fastest of those that work and reports all', async () => {
    const { measure } = fake({ native: 3, wasm: 2 })
    expect(await chooseBackend({ trial, candidates, memoryFile: null, measure })).toEqual({
      chosen: 'wasm',
      measurements: [absent('cuda'), took('native', 3), took('wasm', 2)],
      remembered: false,
    })
  })

  it('remembers per model and measures again for another', async () => {
    const memoryFile = newFile()
    const { asked, measure } = fake({ native: 1, wasm: 2 })
    const first = await chooseBackend({ trial, candidates, memoryFile, measure })
    const again = await chooseBackend({ trial, candidates, memoryFile, measure })
    expect(again).toEqual({ ...first, remembered: true })
    expect(asked).toHaveLength(3)
    const other = { ...trial, model: { name: 'logistic' } }
    expect(
      (await chooseBackend({ trial: other, candidates, memoryFile, measure })).remembered,
    ).toBe(false)
    expect(asked).toHaveLength(6)
    expect((await chooseBackend({ trial, candidates, memoryFile, measure })).remembered).toBe(true)
  })

  it('measures again when the file is damaged, and repairs it', async () => {
    const memoryFile = join(mkdtempSync(join(tmpdir(), 'choice-')), 'choices.json')
    writeFileSync(memoryFile, '{"x": {"chosen": "abacus"')
    const { measure } = fake({ wasm: 2 })
    const choice = await chooseBackend({ trial, candidates, memoryFile, measure })
    expect(choice).toMatchObject({ chosen: 'wasm', remembered: false })
    expect(Object.keys(JSON.parse(readFileSync(memoryFile, 'utf8')) as object)).toEqual([
      choiceKey(trial, candidates),
    ])
  })

  it('still chooses when the file cannot be written', async () => {
    const { measure } = fake({ wasm: 2 })
    const choice = await chooseBackend({
      trial,
      candidates,
      memoryFile: '/dev/null/choices.json',
      measure,
    })
    expect(choice.chosen).toBe('wasm')
  })

  it('says the reason of each when none works', async () => {
    const { measure } = fake({})
    await expect(
      chooseBackend({ trial, candidates, memoryFile: null, measure }),
    ).rejects.toMatchObject({
      code: 'backend/missing',
      message: expect.stringMatching(
        /cuda: not installed; native: not installed; wasm: not installed/,
      ) as string,
    })
  })

  it('has another key for another batch size or number of threads', () => {
    const keys = [
      choiceKey(trial, candidates),
      choiceKey({ ...trial, threads: 2 }, candidates),
      choiceKey({ ...trial, training: { ...trial.training, batchSize: 8 } }, candidates),
      choiceKey(trial, ['wasm']),
    ]
    expect(new Set(keys).size).toBe(4)
  })
})

describe('measureInChild', () => {
  it('times real training steps of wasm in a process of its own', async () => {
    const { backend, stepMs, reason } = await measureInChild('wasm', trial)
    expect({ backend, reason }).toEqual({ backend: 'wasm', reason: null })
    expect(stepMs).toBeGreaterThan(0)
  })

  it('gives the reason of a failure instead of failing', async () => {
    const broken = { ...trial, model: { name: 'no-such-model' } }
    expect(await measureInChild('wasm', broken)).toMatchObject({
      stepMs: null,
      reason: expect.stringMatching(/no-such-model/) as string,
    })
  })

  it.skipIf(resolveNative() !== null)(
    'says that native is not installed and what to do',
    async () => {
      expect(await measureInChild('native', trial)).toMatchObject({
        stepMs: null,
        reason: expect.stringMatching(/tributary doctor --install native/) as string,
      })
    },
  )
})
