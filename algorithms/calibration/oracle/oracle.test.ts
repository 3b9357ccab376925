import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bundleHash, float32Of, type Bundle } from '#protocol/bundle.js'
import { diagnosticsSchema } from '#protocol/diagnostics.js'
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { createStreams } from '#protocol/random.js'
import type { ClientData, Dataset } from '#data/dataset.js'
import { headOptions } from '#algorithms/calibration/head-options.js'
import { trainedHead, withHead } from '#algorithms/calibration/head.js'
import { evaluate, forBatches, paramsPredictor } from '#algorithms/evaluation/evaluate.js'
import { assertPossible, modelOf } from '#algorithms/from-config.js'
import type { GatheredPayload } from '#algorithms/methods/method.js'
import { holding } from '#algorithms/methods/local-training.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { paramsOf, toTensors } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { CLASSES, tinyClients, tinyConfig, tinyDataset } from '#testing/tiny-federation.js'
import { allFeatures } from './features.js'

const clients = tinyClients([20, 20, 20])
const trained = (): RunConfig =>
  tinyConfig((base) => ({ ...base, model: { name: 'mlp', hidden: [6] } }))
const calibrated = (options: JsonObject = {}): RunConfig => ({
  ...trained(),
  calibration: { name: 'oracle', when: 'final', ...options },
})
const ran = (config: RunConfig, held: readonly ClientData[] = clients) =>
  runRoundsInMemory({ config, clients: held })

/** All clients' features in one place, by the extractor of `params`. */
async function pooled(params: Bundle): Promise<Dataset> {
  const extractor = extractorOf(modelOf(trained()))
  const { layout } = extractor
  const [rows, labels] = [[] as number[], [] as number[]]
  await holding(toTensors(layout, paramsOf(layout, params)), async (tensors) => {
    for (const { train } of clients) {
      await forBatches(
        (x) => extractor.features(tensors, x),
        train,
        (values, row) => {
          rows.push(...values)
          labels.push(train.source.labels[row]!)
        },
      )
    }
  })
  return {
    ...{ name: 'pooled', inputShape: [6], classes: CLASSES, count: labels.length },
    ...{ features: Float32Array.from(rows), labels: Int32Array.from(labels) },
  }
}

describe('oracle', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('trains the head on the features of all clients as if they lay in one place', async () => {
    const config = calibrated({ epochs: 3 })
    const [plain, run] = [await ran(trained()), await ran(config)]
    expect(run.rounds.map(({ plan }) => [plan.part, plan.purpose])).toEqual([
      ...Array<string[]>(3).fill(['method', 'train']),
      ['calibration', 'statistics'],
    ])
    expect(run.rounds[3]!.plan.uplink.map(({ privacyClass }) => privacyClass)).toEqual([
      'per-example',
    ])
    expect(bundleHash(run.rounds[2]!.state)).toBe(bundleHash(plain.state))
    const source = await pooled(plain.released)
    const model = modelOf(config)
    const params = await trainedHead({
      ...{ model, released: plain.released, missing: [], trainingRounds: 3 },
      features: { source, indices: Int32Array.from({ length: source.count }, (_, i) => i) },
      options: z.strictObject(headOptions(20)).parse({ epochs: 3 }),
      streams: createStreams(config.seed),
    })
    expect(run.released).toEqual(withHead(model, plain.released, params))
  })

  it('makes a better head, and tells of it', async () => {
    const [plain, run] = [await ran(trained()), await ran(calibrated())]
    const source = tinyDataset(300, 99)
    const accuracyOf = async (params: Bundle) => {
      const predictor = paramsPredictor(modelOf(trained()), params)
      const indices = Int32Array.from({ length: 300 }, (_, i) => i)
      const { correct, count } = await evaluate(predictor.predict, { source, indices }, CLASSES)
      predictor.dispose()
      return correct / count
    }
    expect(await accuracyOf(run.released)).toBeGreaterThan(
      (await accuracyOf(plain.released)) + 0.05,
    )
    const { metrics, diagnostics } = run.rounds.at(-1)!
    expect(metrics).toMatchObject({
      ...{ 'calibration/clients': 3, 'calibration/asked': 3 },
      ...{ 'calibration/examples': 60, 'calibration/missingClasses': 0 },
    })
    const score = (name: string) => metrics[`calibration/real${name}`]!
    expect(score('Loss/after')).toBeLessThan(score('Loss/before'))
    expect(score('Accuracy/after')).toBeGreaterThan(score('Accuracy/before'))
    const { calibration } = diagnosticsSchema.parse(diagnostics)
    expect(calibration).toMatchObject({ answered: [0, 1, 2], missing: [] })
    expect(calibration!.virtual.lossAfter).toBe(score('Loss/after'))
    expect(calibration!.classes.reduce((sum, { examples }) => sum + examples, 0)).toBe(60)
    expect(calibration!.classes.every(({ clients }) => clients! > 0)).toBe(true)
  })

  it('leaves classes that nobody holds where they were, and says so where there is nothing', async () => {
    const without = (dropped: readonly number[]): readonly ClientData[] =>
      clients.map((client) => {
        const { source, indices } = client.train
        const kept = indices.filter((row) => !dropped.includes(source.labels[row]!))
        return { ...client, train: { source, indices: kept } }
      })
    const config: RunConfig = { ...calibrated(), rounds: 0 }
    const run = await ran(config, without([1]))
    const column = (params: Bundle, label: number) =>
      [...float32Of(params, 'head/kernel')].filter((_, at) => at % 3 === label)
    const before = run.rounds[0]!.plan.shared
    expect(column(run.released, 1)).toEqual(column(before, 1))
    expect(column(run.released, 0)).not.toEqual(column(before, 0))
    expect(run.rounds[0]!.metrics['calibration/missingClasses']).toBe(1)
    await expect(ran(config, without([0, 1, 2]))).rejects.toMatchObject({
      code: 'config/impossible',
    })
  })

  it('refuses rows without a label of the task', async () => {
    const { config, model } = { config: calibrated(), model: modelOf(calibrated()) }
    const setup = { config, model, hyper: {}, streams: createStreams(1) }
    const folded = (rows: number, labels: readonly number[]) => {
      const features = {
        shape: [rows, 6],
        dtype: 'float32',
        data: new Float32Array(rows * 6),
      } as const
      const own = { shape: [labels.length], dtype: 'int32', data: Int32Array.from(labels) } as const
      const payload: GatheredPayload = {
        ...{ slot: 4, weight: 1 },
        tensors: {
          features: { name: 'features', ...features },
          labels: { name: 'labels', ...own },
        },
      }
      async function* payloads() {
        yield payload
      }
      const group = { reduce: 'gather', count: 1, payloads } as const
      return { groups: { features: group }, reporters: [4], population: 5 }
    }
    expect((await allFeatures(setup, folded(2, [0, 2]))).clients).toEqual([1, 0, 1])
    for (const wrong of [folded(2, [0]), folded(1, [3]), folded(1, [-1])])
      await expect(allFeatures(setup, wrong)).rejects.toMatchObject({
        code: 'update/malformed',
        message: expect.stringMatching(/slot 4/) as string,
      })
  })

  it('is for simulations alone, and for models that have features', () => {
    expect(() => assertPossible(calibrated())).not.toThrow()
    expect(() => assertPossible({ ...calibrated(), data: null })).toThrow(
      /simulations alone.*use ccvr/,
    )
    const logistic: RunConfig = { ...calibrated(), model: { name: 'logistic' } }
    expect(() => assertPossible(logistic)).toThrow(/no features before its head/)
    const unit: RunConfig = {
      ...calibrated({ init: 'zeros' }),
      model: { name: 'mlp', hidden: [6], head: 'normalized' },
    }
    expect(() => assertPossible(unit)).toThrow(/calibration.init to warm/)
  })

  it('keeps as many tensors from run to run', async () => {
    await ran(calibrated({ epochs: 1 }))
    const before = tf.memory().numTensors
    await ran(calibrated({ epochs: 1 }))
    expect(tf.memory().numTensors).toBe(before)
  })
})
