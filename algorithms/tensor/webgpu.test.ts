import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { MODELS } from '#algorithms/models/zoo.js'
import { trainLocally } from '#algorithms/training/train.js'
import { createStreams } from '#protocol/random.js'
import { blobs } from '#testing/examples.js'
import { useBackend, type BackendName } from './backends.js'
import { probeWebgpu, resolveWebgpu } from './provision/index.js'
import { tf } from './tf.js'

const isRequired = process.env.TRIBUTARY_REQUIRE_WEBGPU === '1'
const isInstalled = resolveWebgpu(true) !== null

/** Eight steps of an mlp on three clouds of points. */
async function trainMlp(
  backend: BackendName,
): Promise<{ readonly params: Float32Array; readonly loss: number }> {
  await useBackend(backend)
  const entry = MODELS.find(({ name }) => name === 'mlp')!
  const streams = createStreams(3)
  const examples = blobs(streams('data', 0, 0), { count: 30, inputShape: [8], classes: 3 })
  const model = entry.build(
    { inputShape: [8], classes: ['a', 'b', 'c'] },
    entry.options.parse({ hidden: [8] }),
  )
  return trainLocally({
    model,
    start: model.init(streams('init', 0, 0)),
    examples,
    training: {
      localEpochs: 8,
      batchSize: 30,
      optimizer: {
        name: 'sgd',
        learningRate: 0.3,
        momentum: 0.5,
        weightDecay: 0,
        schedule: { name: 'constant' },
        gradientClip: 5,
      },
    },
    streams,
    round: 1,
    rounds: 1,
    slot: 0,
  })
}

describe('webgpu that is not installed', () => {
  it('is missing, and says how to get it', async () => {
    const { adapter, problem } = await probeWebgpu(false, mkdtempSync(join(tmpdir(), 'webgpu-')))
    expect(adapter).toBeNull()
    expect(problem).toContain('npm install webgpu @tensorflow/tfjs-backend-webgpu')
  })
})

const why = isInstalled ? '' : ': not installed (node scripts/ensure-native.mjs webgpu)'
describe.skipIf(!isInstalled && !isRequired)(`webgpu on a driver in software${why}`, () => {
  beforeAll(() => {
    process.env.TRIBUTARY_WEBGPU_SOFTWARE = '1'
  })

  it('trains an mlp as cpu does', async () => {
    const expected = await trainMlp('cpu')
    const actual = await trainMlp('webgpu')
    expect(expected.loss).toBeLessThan(0.5)
    expect(actual.loss).toBeCloseTo(expected.loss, 4)
    actual.params.forEach((value, i) => expect(value).toBeCloseTo(expected.params[i]!, 4))
  })

  it('sums more tensors than a shader can bind', async () => {
    await useBackend('webgpu')
    const before = tf.memory().numTensors
    const terms = Array.from({ length: 20 }, (_, i) => tf.tensor1d([i, 1]))
    const sum = tf.addN(terms)
    expect([...(await sum.data())]).toEqual([190, 20])
    tf.dispose([sum, ...terms])
    expect(tf.memory().numTensors).toBe(before)
  })

  it('refuses to hand out results after the device refused a command', async () => {
    await useBackend('webgpu')
    const { device } = tf.backend() as unknown as {
      device: { createBindGroupLayout(layout: object): void }
    }
    const entry = { binding: 0, visibility: 4, buffer: { type: 'storage' } }
    device.createBindGroupLayout({ entries: [entry, entry] })
    await expect(tf.add(tf.tensor1d([1]), tf.tensor1d([2])).data()).rejects.toMatchObject({
      code: 'backend/broken',
      message: expect.stringContaining('refused a command') as string,
    })
  })
})
