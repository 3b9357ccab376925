import { beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '#protocol/record.js'
import { takeRows, wholeDataset, everyIndex, type Dataset } from '#data/dataset.js'
import { loadDataset } from '#data/index.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { decodeGenerator, generatorLabel } from './generator-file.js'
import { generatorOptionsSchema } from './generator-options.js'
import { recordHashes } from './record-hash.js'
import { trainGenerator, type GeneratorProgress, type TrainedGenerator } from './train-generator.js'

const PICTURES = 'stroke-digits:side=8:classes=3:count=150:seed=4'
const SMALL = { epochs: 8, batchSize: 32, latentDim: 4, features: 6, hidden: 24, heldOut: 8 }

describe('training of a generator', () => {
  let pictures: Dataset
  let engine: Engine
  let made: TrainedGenerator
  const progress: GeneratorProgress[] = []
  const train = (
    changed: object = {},
    onProgress: (one: GeneratorProgress) => void = () => undefined,
  ): Promise<TrainedGenerator> =>
    trainGenerator({
      ...{ pictures, engine, description: 'digits', onProgress, projectionIterations: 60 },
      options: generatorOptionsSchema.parse({ ...SMALL, ...changed }),
    })

  beforeAll(async () => {
    engine = await useBackend('wasm')
    pictures = await loadDataset({ name: 'synthetic', path: PICTURES })
    made = await train({}, (one) => progress.push(one))
  })

  it('gives a file that says what it is, with a projection', () => {
    const label = generatorLabel(made.bytes)
    expect(label).toMatchObject({
      ...{ imageShape: [8, 8, 1], classes: ['0', '1', '2'], latentDim: 4, features: 6 },
      trainedOn: 'digits, 142 pictures',
    })
    const { latent, stages, classMean } = label.projection
    expect(stages).toBeGreaterThan(latent)
    expect(stages).toBeGreaterThan(classMean)
  })

  it('tells every step of training and of measuring', () => {
    const of = (phase: string) => progress.filter((one) => one.phase === phase)
    expect(of('training').map(({ done }) => done)).toEqual(
      Array.from({ length: 8 * 5 }, (_, i) => i + 1),
    )
    expect(of('training').at(-1)).toMatchObject({ done: 40, total: 40 })
    expect(of('measuring').at(-1)).toMatchObject({ done: 240, total: 240 })
  })

  it('gives the same bytes again, and others for another seed', async () => {
    const before = tf.memory().numTensors
    expect(Buffer.compare((await train()).bytes, made.bytes)).toBe(0)
    expect(tf.memory().numTensors).toBe(before)
    expect(Buffer.compare((await train({ seed: 1, epochs: 1 })).bytes, made.bytes)).not.toBe(0)
  })

  it('gets better with more passes over the pictures', async () => {
    const little = await train({ epochs: 1 })
    expect(made.loss).toBeLessThan(little.loss - 2)
    expect(made.projection.latent).toBeGreaterThan(little.projection.latent)
  })

  it('keeps the hash of every picture it learnt from, and of none it was measured on', () => {
    const generator = decodeGenerator(made.bytes)
    const hashes = recordHashes(wholeDataset(pictures))
    const known = hashes.filter((hash) => generator.trainingRecords.has(hash))
    expect(known).toHaveLength(142)
    generator.dispose()
  })

  it('learns without labels where they are not to be used', async () => {
    const { bytes } = await train({ conditional: false, epochs: 1 })
    const generator = decodeGenerator(bytes)
    expect(generator).toMatchObject({ conditional: false, classes: 3 })
    expect(generator.weights[0]!.shape).toEqual([4, 2 * 2 * 6])
    generator.dispose()
  })

  it('refuses values outside [0, 1], and fewer pictures than it needs', async () => {
    const features = pictures.features.map((value, i) => (i === 5 ? 1.5 : value))
    const few = takeRows(pictures, everyIndex(15))
    for (const [changed, code] of [
      [{ ...pictures, features }, 'model/does-not-fit'],
      [few, 'config/impossible'],
    ] as const) {
      const options = generatorOptionsSchema.parse(SMALL)
      const request = { pictures: changed, engine, description: 'digits', options }
      await expect(trainGenerator(request)).rejects.toMatchObject({ code })
    }
  })

  it('ends when it is told to', async () => {
    const stop = (): never => {
      throw new RangeError('enough')
    }
    await expect(train({}, stop)).rejects.toThrow('enough')
  })
})
