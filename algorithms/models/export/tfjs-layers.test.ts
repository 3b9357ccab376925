import * as tfjs from '@tensorflow/tfjs-layers'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeBundle } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import { createStreams } from '#protocol/random.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { modelOf } from '#algorithms/from-config.js'
import {
  labelParams,
  openPredictor,
  readModelFile,
  type ModelFile,
} from '#algorithms/model-file.js'
import { withFeaturePower } from '#algorithms/models/feature-power.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { toTfjsLayers, type TfjsLayers } from './tfjs-layers.js'

const CLASSES = ['ant', 'bee', 'cat', 'dog']
const configOf = (model: JsonObject, inputShape: readonly number[]): RunConfig =>
  unwrap(
    parseRunConfig(
      { model, task: { inputShape: [...inputShape], classes: CLASSES } },
      configCatalogue(),
    ),
  )
/** A model with drawn params: biases too, so that none of them goes unseen. */
function fileOf(model: JsonObject, inputShape: readonly number[]): ModelFile {
  const config = configOf(model, inputShape)
  const stream = createStreams(5)('export-test', 0, 0)
  const built = modelOf(config)
  const params = built.init(stream).map((value) => value + 0.05 * stream.normal())
  return readModelFile(encodeBundle(labelParams(paramsBundle(built, params), config)))
}

/** As a web page loads it: `model.json` first, then what it names. */
function load({ model, weights }: TfjsLayers): Promise<tfjs.LayersModel> {
  const files = new Map<string, string | Uint8Array>([
    ['https://example.org/x/model.json', JSON.stringify(model)],
    ['https://example.org/x/weights.bin', weights],
  ])
  const fetchFunc = ((url: string) => {
    const headers = { 'content-type': url.endsWith('.json') ? 'application/json' : 'binary' }
    return Promise.resolve(new Response(files.get(url) as string, { headers }))
  }) as unknown as typeof fetch
  return tfjs.loadLayersModel(tf.io.http('https://example.org/x/model.json', { fetchFunc }))
}

const COUNT = 7
/** Full params do not look at them. */
const FACTS = { rows: new Int32Array(COUNT), domains: null }
async function bothPredictions(file: ModelFile) {
  const { inputShape } = file.task
  const stream = createStreams(6)('export-test', 0, 0)
  const size = COUNT * inputShape.reduce((product, length) => product * length, 1)
  const x = tf.tensor(
    Float32Array.from({ length: size }, () => stream.normal()),
    [COUNT, ...inputShape],
  )
  const loaded = await load(toTfjsLayers(file))
  const own = openPredictor(file, {})
  const ours = tf.tidy(() => tf.softmax(own.predict(x, FACTS)).dataSync())
  const theirs = tf.tidy(() => (loaded.predict(x, {}) as typeof x).dataSync())
  tf.dispose(x)
  own.dispose()
  loaded.dispose()
  return { ours: Array.from(ours), theirs: Array.from(theirs) }
}

describe('a model as layers of TensorFlow.js', () => {
  beforeAll(() => useBackend('cpu', { threads: 1 }))

  const IMAGE = [12, 10, 2]
  it.each<[JsonObject, readonly number[]]>([
    [{ name: 'logistic' }, [6]],
    [{ name: 'logistic' }, IMAGE],
    [{ name: 'logistic', head: 'normalized' }, [6]],
    [{ name: 'mlp', hidden: [9, 5] }, [6]],
    [{ name: 'mlp', hidden: [9], activation: 'softplus' }, [3, 4]],
    [{ name: 'mlp', hidden: [9], activation: 'gelu', head: 'normalized' }, IMAGE],
    [{ name: 'mlp', hidden: [9, 5], closingNorm: true }, [6]],
    [{ name: 'cnn', filters: [3, 4], kernelSize: 3, hidden: 8 }, IMAGE],
    [{ name: 'cnn', filters: [3], kernelSize: 4, hidden: 8, pooling: 'average' }, IMAGE],
    [{ name: 'lenet', filters: [3, 4], kernelSize: 3, hidden: [8, 7] }, IMAGE],
    [{ name: 'gap' }, IMAGE],
    [{ name: 'flat', filters: [3, 4], input: { mean: 0.5, deviation: 2 } }, IMAGE],
    [
      { name: 'lenet', filters: [3, 4], kernelSize: 3, hidden: [8, 7], padding: 'valid' },
      [16, 15, 1],
    ],
  ])('predicts as we do once it is loaded there: %j on %j', async (model, inputShape) => {
    const { ours, theirs } = await bothPredictions(fileOf(model, inputShape))
    expect(ours).toHaveLength(COUNT * CLASSES.length)
    // Not one class for everything, or equality would say little.
    expect(Math.max(...ours) - Math.min(...ours)).toBeGreaterThan(0.05)
    for (const [i, probability] of ours.entries()) expect(theirs[i]).toBeCloseTo(probability, 6)
  })

  it('names its classes, and goes on learning', async () => {
    const files = toTfjsLayers(fileOf({ name: 'mlp', hidden: [9] }, [6]))
    expect(files.model['userDefinedMetadata']).toEqual({ classes: CLASSES, inputShape: [6] })
    const loaded = await load(files)
    expect(loaded.layers.map(({ name }) => name)).toEqual([
      ...['flatten', 'dense1', 'head', 'probabilities'],
    ])
    expect(loaded.trainableWeights).toHaveLength(4)
    loaded.dispose()
  })

  it.each<[string, () => ModelFile, RegExp]>([
    [
      'a Vision Transformer',
      () => fileOf({ name: 'vit', patchSize: 4, width: 8, depth: 1, heads: 2 }, [8, 8, 1]),
      /its step patch is no layer/,
    ],
    [
      'a method with a predictor of its own',
      () => ({ ...fileOf({ name: 'logistic' }, [6]), method: 'fedins' }),
      /what fedins releases predicts only with the code of fedins/,
    ],
    [
      'features to a power',
      () => {
        const file = fileOf({ name: 'logistic' }, [6])
        return { ...file, bundle: withFeaturePower(file.bundle, 0.5) }
      },
      /to the power of 0.5/,
    ],
  ])('refuses %s, and says why', (_what, file, message) => {
    expect(() => toTfjsLayers(file())).toThrow(
      expect.objectContaining({
        code: 'model/not-expressible',
        message: expect.stringMatching(message) as string,
      }) as Error,
    )
  })
})
