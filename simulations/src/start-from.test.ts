import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { encodeBundle } from '#protocol/bundle.js'
import { sha256, type Hash } from '#protocol/ids.js'
import type { PretrainOptions } from '#protocol/pretrain-options.js'
import { modelOf } from '#algorithms/from-config.js'
import { labelParams } from '#algorithms/model-file.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { bundlePath, findBundle, keepBundle } from './bundle-cache.js'
import { completeInput, loadExperiment, readExperiment } from './experiments.js'
import { replay } from './replay.js'
import { simulate } from './simulate.js'
import { createStarts, startBytes } from './start-from.js'

const DATA = { name: 'synthetic', path: 'blobs:count=60:classes=3:features=4' }
const EXPERIMENT = {
  name: 'from-a-start',
  model: { name: 'mlp', hidden: [5] },
  training: { batchSize: 8 },
  data: { ...DATA, clients: 2 },
  evaluation: { central: DATA },
  compute: { backend: 'wasm' },
  rounds: 1,
  seed: 11,
}
const task = { inputShape: [4], classes: ['0', '1', '2', '3'] }
/** Params of the experiment's model, for one class more. */
function bundleOf(value: number, model: { name: string } = EXPERIMENT.model): Uint8Array {
  const built = modelOf({ model, task })
  const params = paramsBundle(built, new Float32Array(built.parameterCount).fill(value))
  return encodeBundle(labelParams(params, { model, task }))
}

describe('what a run starts from', () => {
  let directory: string
  const train = vi.fn<(options: PretrainOptions) => Promise<{ bytes: Uint8Array }>>()
  const starts = () => createStarts({ train: train as never })
  const write = async (name: string, content: object | Uint8Array): Promise<string> => {
    const path = join(directory, name)
    await writeFile(path, content instanceof Uint8Array ? content : JSON.stringify(content))
    return path
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-start-'))
    vi.stubEnv('XDG_CACHE_HOME', join(directory, 'cache'))
    await mkdir(join(directory, 'experiments'))
    await write('good.bundle', bundleOf(0.5))
  })
  beforeEach(() => {
    train.mockReset()
    train.mockImplementation(({ seed }) =>
      Promise.resolve({ bytes: bundleOf(seed), accuracy: { train: 1, test: 1 } }),
    )
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await rm(directory, { recursive: true, force: true })
  })

  describe('is written as a file', () => {
    it('beside the experiment, also in its variants and settings', async () => {
      const path = await write('experiments/a.json', {
        ...EXPERIMENT,
        startFrom: { file: '../good.bundle' },
        variants: { other: { startFrom: { file: 'other.bundle' } } },
        settings: { plain: { rounds: 2 } },
      })
      expect(await readExperiment(path)).toMatchObject({
        startFrom: { file: join(directory, 'good.bundle') },
        variants: { other: { startFrom: { file: join(directory, 'experiments/other.bundle') } } },
        settings: { plain: { rounds: 2 } },
      })
      const { startFrom } = await loadExperiment(path)
      expect(startFrom).toBe(sha256(bundleOf(0.5)))
      expect(await findBundle(startFrom as Hash)).toEqual(Buffer.from(bundleOf(0.5)))
    })

    it('or on the command line, from where one stands', async () => {
      const path = await write('experiments/b.json', EXPERIMENT)
      const file = join(directory, 'good.bundle')
      const { startFrom } = await loadExperiment(path, [`startFrom.file=${file}`])
      expect(startFrom).toBe(sha256(bundleOf(0.5)))
    })

    it.each([
      ['that is not there', 'nowhere.bundle', 'cannot read'],
      ['that holds something else', 'text.bundle', 'no bundle'],
    ])('and refused for one %s', async (_what, name, message) => {
      await write('text.bundle', { not: 'a bundle' })
      const input = { ...EXPERIMENT, startFrom: { file: join(directory, name) } }
      await expect(completeInput(input)).rejects.toMatchObject({
        code: 'model/unreadable',
        message: expect.stringContaining(message) as string,
      })
    })
  })

  describe('is written as a pre-training', () => {
    const pretrain = { data: DATA, epochs: 3 }

    it('that takes model, seed and backend from the run', async () => {
      const input = { ...EXPERIMENT, startFrom: { pretrain } }
      const config = await completeInput(input, { startOf: starts() })
      expect(config.startFrom).toBe(sha256(bundleOf(11)))
      expect(train.mock.calls[0]?.[0]).toMatchObject({
        model: { name: 'mlp', hidden: [5], activation: 'relu' },
        seed: 11,
        compute: { backend: 'wasm', threads: 1 },
        epochs: 3,
      })
    })

    it('that can say otherwise', async () => {
      const own = { ...pretrain, seed: 2, model: { hidden: [6] }, compute: { threads: 2 } }
      await completeInput({ ...EXPERIMENT, startFrom: { pretrain: own } }, { startOf: starts() })
      expect(train.mock.calls[0]?.[0]).toMatchObject({
        model: { name: 'mlp', hidden: [6] },
        seed: 2,
        compute: { backend: 'wasm', threads: 2 },
      })
    })

    it('that is made once for all runs that share it', async () => {
      const startOf = starts()
      const input = { ...EXPERIMENT, startFrom: { pretrain: { ...pretrain, seed: 30 } } }
      const [a, b] = await Promise.all(
        [3, 4].map((rounds) => completeInput({ ...input, rounds }, { startOf })),
      )
      expect(a?.startFrom).toBe(b?.startFrom)
      expect(train).toHaveBeenCalledOnce()
    })

    it('only after the rest of the configuration was found right', async () => {
      const input = { ...EXPERIMENT, rounds: 0, startFrom: { pretrain } }
      await expect(completeInput(input, { startOf: starts() })).rejects.toThrow('rounds')
      expect(train).not.toHaveBeenCalled()
    })

    it('whose mistakes are told with their place', async () => {
      const input = { ...EXPERIMENT, startFrom: { pretrain: { ...pretrain, epoch: 3 } } }
      await expect(completeInput(input, { startOf: starts() })).rejects.toMatchObject({
        code: 'config/invalid',
        message: expect.stringContaining('startFrom.pretrain.epoch: unknown key') as string,
      })
    })
  })

  it.each([{}, { files: 'a' }, { file: 'a', pretrain: {} }, { file: 1 }])(
    'is refused as %j',
    async (startFrom) => {
      await expect(completeInput({ ...EXPERIMENT, startFrom })).rejects.toMatchObject({
        code: 'config/invalid',
        message: expect.stringContaining('startFrom: expected a hash') as string,
      })
    },
  )

  describe('has its bytes', () => {
    it('in what was passed, or in the cache', async () => {
      const hash = await keepBundle(bundleOf(0.5))
      expect(await startBytes({ startFrom: hash }, undefined)).toEqual(Buffer.from(bundleOf(0.5)))
      const given = bundleOf(0.75)
      expect(await startBytes({ startFrom: sha256(given) }, given)).toBe(given)
      expect(await startBytes({ startFrom: null }, undefined)).toBeNull()
    })

    it.each([
      ['nowhere', undefined],
      ['not in what was passed', bundleOf(1)],
    ])('or the run is refused: %s', async (_where, given) => {
      const startFrom = sha256('unheard of')
      await expect(startBytes({ startFrom }, given)).rejects.toMatchObject({
        code: 'model/not-found',
      })
    })
  })

  it('is where the first round begins, lies beside the record, and is replayed from there', async () => {
    const runsDirectory = join(directory, 'runs')
    const input = { ...EXPERIMENT, startFrom: { file: join(directory, 'good.bundle') } }
    const config = await completeInput(input)
    const plain = await completeInput(EXPERIMENT)
    const options = { workers: 0, runsDirectory }
    const { record } = await simulate(config, options)
    const other = await simulate(plain, options)
    expect(record.rounds[0]?.modelHash).not.toBe(other.record.rounds[0]?.modelHash)

    await rm(bundlePath(config.startFrom as Hash))
    await expect(replay(record, options)).rejects.toMatchObject({ code: 'model/not-found' })
    const start = await readFile(join(runsDirectory, record.runId, 'start.bundle'))
    expect(sha256(start)).toBe(config.startFrom)
    const again = await replay(record, { ...options, start })
    expect(again.record.modelHash).toBe(record.modelHash)
  })

  it('must be of the run’s model', async () => {
    const file = await write('wide.bundle', bundleOf(0.5, { name: 'mlp', hidden: [6] } as never))
    const config = await completeInput({ ...EXPERIMENT, startFrom: { file } })
    await expect(
      simulate(config, { workers: 0, runsDirectory: join(directory, 'runs') }),
    ).rejects.toMatchObject({ code: 'model/does-not-fit' })
  })
})
