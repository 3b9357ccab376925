import { beforeAll, describe, expect, it } from 'vitest'
import { fromFloat16 } from '#protocol/float16.js'
import { packUpdate } from '#algorithms/methods/update.js'
import { validateUpdate } from '#algorithms/aggregators/validate.js'
import { toTensors } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'
import { CLIENTS, fedd2sLab, payloadOf, randomExamples, sent } from '#testing/fedd2s-lab.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { distribution } from './collector.js'
import { decodedFeatures, encodedFeatures } from './encoding.js'
import { poolingOf } from './pooling.js'
import { chosenRows, packedRows, unpackRows } from './rows.js'
import { aboveCut, belowCut, cutAt, headAbove } from './split.js'
import { rowBytes, SAMPLES, softLabelBytes } from './wire.js'

/** Images of 6×6 with convolutions before a dense layer, for 3 classes. */
const IMAGES = {
  task: { inputShape: [6, 6, 1], classes: ['c0', 'c1', 'c2'] },
  model: { name: 'cnn', filters: [2, 3], kernelSize: 3, hidden: 5 },
}
const imageClient = randomExamples([6, 6, 1], { count: 7, classes: 3 })

const plainFeatures = async (cut: string): Promise<Float32Array> =>
  (await sent({}, cut)).payload.tensors['features']!.data as Float32Array

describeOnBackends('rows of a client', () => {
  it('I13: hold features and labels of the training examples and nothing else, in as many bytes as §5 says', async () => {
    const lab = fedd2sLab()
    const input = lab.inputOf({ cut: 'dense2' })
    const result = await lab.half.perform(input)
    const packed = packUpdate(result.update, input.uplink)
    expect(packed.tensors.map(({ name, shape, dtype }) => [name, dtype, ...shape])).toEqual([
      ['samples/features', 'float32', 6, 5],
      ['samples/labels', 'uint8', 6],
    ])
    expect(packed.payload.length).toBe(6 * (4 * 5 + 1))
    expect(packed.meta).toEqual({})
    const limits = { uplink: input.uplink, maxExamples: 1000 }
    expect(validateUpdate(packed, result.weight, limits)).toBeNull()
    const { train, test } = CLIENTS[1]!
    const { labels } = train.source
    expect([...payloadOf(result).tensors['labels']!.data]).toEqual(
      [...train.indices].map((row) => labels[row]),
    )
    // A client without test examples sends the same bytes.
    const data = { ...CLIENTS[1]!, test: { ...test, indices: new Int32Array(0) } }
    const alone = await lab.half.perform({ ...input, data })
    expect(packUpdate(alone.update, input.uplink).payload).toEqual(packed.payload)
  })

  it('I13: have the bytes of the toy: 20,560, 15,440 and 10,320 up, 3,200 down', async () => {
    const toy = randomExamples([10, 10, 1], { count: 80, classes: 10 })
    const lab = fedd2sLab({
      change: {
        task: { inputShape: [10, 10, 1], classes: toy.card.classes },
        model: { name: 'mlp', hidden: [64, 48, 32] },
      },
    })
    const bytes = await Promise.all(
      ['dense1', 'dense2', 'dense3'].map(async (cut) => {
        const input = lab.inputOf({ cut, data: toy })
        return packUpdate((await lab.half.perform(input)).update, input.uplink).payload.length
      }),
    )
    expect(bytes).toEqual([20_560, 15_440, 10_320])
    const { hyper } = lab.setup
    expect([64, 48, 32].map((width) => 80 * rowBytes(hyper, { width, classes: 10 }))).toEqual(bytes)
    expect(softLabelBytes(80, 10)).toBe(3200)
  })

  it('I15: have the shape of the cut, and are those of the trained model in inference mode, bit for bit', async () => {
    for (const [cut, width] of [
      ['dense1', 6],
      ['dense2', 5],
      ['dense3', 4],
    ] as const) {
      const { payload, params, setup, architectures } = await sent({}, cut)
      const features = payload.tensors['features']!
      expect(features.shape).toEqual([6, width])
      const again = tf.tidy(() => {
        const { x } = batchOf(CLIENTS[1]!.train, [0, 1, 2, 3, 4, 5])
        const own = toTensors(setup.model, params)
        const tap = cutAt(architectures[0]!.cuts, cut)
        return belowCut(setup.model, tap, { params: own, x }).dataSync()
      })
      expect(features.data).toEqual(again)
    }
  })

  it('I16: with a head out of the model itself, head and features are the model, at every cut', () => {
    for (const change of [{}, IMAGES]) {
      const { setup, architectures } = fedd2sLab({ change })
      const { model } = setup
      const data = change === IMAGES ? imageClient : CLIENTS[1]!
      tf.tidy(() => {
        const params = toTensors(model, model.init(setup.streams('init', 3, 0)))
        const { x } = batchOf(data.train, [0, 1, 2])
        const whole = model.forward(params, x).dataSync()
        const { cuts } = architectures[0]!
        expect(cuts.length).toBe(3)
        for (const tap of cuts) {
          const z = belowCut(model, tap, { params, x })
          expect(z.shape.slice(1)).toEqual(tap.shape)
          const head = headAbove(model, tap)
          const own = params.slice(-head.layout.params.length)
          for (const logits of [head.logits(own, z), aboveCut(model, tap, { params, z })])
            logits.dataSync().forEach((value, i) => expect(value).toBeCloseTo(whole[i]!, 5))
        }
      })
    }
  })

  it('I17: soft labels of permuted examples are permuted, and sum to 1', async () => {
    const { setup, architectures, params, payload } = await sent({}, 'dense2')
    const tap = cutAt(architectures[0]!.cuts, 'dense2')
    const head = headAbove(setup.model, tap)
    const softLabels = (features: Float32Array): Float32Array[] =>
      tf.tidy(() => {
        const own = toTensors(head.layout, params.slice(-head.layout.parameterCount))
        const logits = head.logits(own, tf.tensor2d(features, [6, 5])).dataSync() as Float32Array
        return Array.from({ length: 6 }, (_, i) =>
          distribution(logits.subarray(3 * i, 3 * i + 3), setup.hyper.temperature),
        )
      })
    const features = payload.tensors['features']!.data as Float32Array
    const plain = softLabels(features)
    const order = [4, 0, 5, 2, 1, 3]
    const moved = order.flatMap((row) => [...features.subarray(5 * row, 5 * row + 5)])
    expect(softLabels(Float32Array.from(moved))).toEqual(order.map((row) => plain[row]))
    for (const row of plain) {
      expect(row.every((value) => value >= 0)).toBe(true)
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5)
    }
  })
})

describe('the choice of rows', () => {
  const { train } = CLIENTS[1]!
  const { setup } = fedd2sLab({ hyper: { maxSamplesPerRound: 3 } })
  const drawn = (round: number, slot: number): number[] => [
    ...chosenRows(setup, { examples: train, round, slot }).places,
  ]

  it('I14: is drawn again from round and slot alone, so that no row has an id', () => {
    expect(drawn(4, 1)).toEqual(drawn(4, 1))
    expect(drawn(4, 1)).toHaveLength(3)
    for (const round of [0, 1, 2, 3])
      expect(drawn(round, 1)).toEqual(drawn(round, 1).toSorted((a, b) => a - b))
    const rounds = [0, 1, 2, 3, 4, 5].map((round) => drawn(round, 1).join())
    const slots = [0, 1, 2, 3, 4, 5].map((slot) => drawn(4, slot).join())
    expect(new Set(rounds).size).toBeGreaterThan(2)
    expect(new Set(slots).size).toBeGreaterThan(2)
  })

  it('is everything where there is no more', () => {
    const all = fedd2sLab({ hyper: { maxSamplesPerRound: 6 } }).setup
    expect([...chosenRows(all, { examples: train, round: 0, slot: 1 }).places]).toEqual([
      0, 1, 2, 3, 4, 5,
    ])
  })
})

describe('rows on the way', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('arrive as they are', async () => {
    const { read, payload } = await sent({})
    const { rows, features, labels, shape, teacher } = read()
    expect([rows, shape, teacher]).toEqual([6, [6], null])
    expect(features).toEqual(payload.tensors['features']!.data)
    expect([...labels]).toEqual([...payload.tensors['labels']!.data])
  })

  it('arrive as halves', async () => {
    const { payload, read } = await sent({ quantization: 'float16' })
    const exact = await plainFeatures('dense1')
    const { features } = read()
    expect(payload.tensors['features']!.dtype).toBe('float16')
    expect(features).toEqual(fromFloat16(payload.tensors['features']!.data as Uint16Array))
    features.forEach((value, i) => expect(Math.abs(value - exact[i]!)).toBeLessThan(2e-3))
  })

  it('arrive as bytes between the ends of their row', async () => {
    const { payload, read, result, setup } = await sent({ quantization: 'uint8' })
    const exact = await plainFeatures('dense1')
    expect(Object.keys(payload.tensors)).toEqual(['features', 'range', 'labels'])
    const bytes = result.update[SAMPLES]!.reduce((sum, { data }) => sum + data.byteLength, 0)
    expect(bytes).toBe(6 * (6 + 8 + 1))
    expect(6 * rowBytes(setup.hyper, { width: 6, classes: 3 })).toBe(bytes)
    read().features.forEach((value, i) => {
      const row = Math.floor(i / 6)
      const [least, most] = [...payload.tensors['range']!.data].slice(2 * row, 2 * row + 2)
      expect(Math.abs(value - exact[i]!)).toBeLessThanOrEqual((most! - least!) / 510 + 1e-6)
    })
  })

  it('arrive as bytes also where a row is far from 0, or always the same', () => {
    const values = Float32Array.of(-7, -5, -6, 40, 42, 41, 3, 3, 3)
    const [features, range] = encodedFeatures(values, 3, 'uint8')
    expect([...features!.data]).toEqual([0, 255, 128, 0, 255, 128, 0, 0, 0])
    expect([...range!.data]).toEqual([-7, -5, 40, 42, 3, 3])
    decodedFeatures({ features: features!, range: range! }, 'uint8').forEach((value, i) =>
      expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(2 / 510 + 1e-5),
    )
  })

  it('stop at the largest half', () => {
    const [features] = encodedFeatures(Float32Array.of(1e6, -1e6, 0.5), 3, 'float16')
    expect([...decodedFeatures({ features: features! }, 'float16')]).toEqual([65504, -65504, 0.5])
  })

  it('are clipped to a norm, then blurred with noise of the round and the slot', async () => {
    const clipped = (await sent({ clipNorm: 0.5 })).read().features
    const exact = await plainFeatures('dense1')
    for (let row = 0; row < 6; row++) {
      const [a, b] = [clipped, exact].map((of) => [...of.subarray(6 * row, 6 * row + 6)])
      const [short, long] = [Math.hypot(...a!), Math.hypot(...b!)]
      expect(short).toBeCloseTo(Math.min(0.5, long), 5)
      a!.forEach((value, i) => expect(value * long).toBeCloseTo(b![i]! * short, 5))
    }
    const noisy = await sent({ clipNorm: 0.5, noise: 2 })
    const again = await sent({ clipNorm: 0.5, noise: 2 })
    expect(again.payload.tensors['features']).toEqual(noisy.payload.tensors['features'])
    const added = noisy.read().features.map((value, i) => value - clipped[i]!)
    const deviation = Math.sqrt(added.reduce((sum, x) => sum + x * x, 0) / added.length)
    expect(deviation).toBeGreaterThan(0.6)
    expect(deviation).toBeLessThan(1.4)
  })

  it('have other noise in every round, and from every client', () => {
    const { setup } = fedd2sLab({ hyper: { clipNorm: 1, noise: 1 } })
    const zeros = {
      ...{ labels: new Int32Array(2), features: new Float32Array(8), teacher: new Float32Array(6) },
    }
    const noiseOf = (round: number, slot: number) =>
      packedRows(setup, zeros, { round, slot })[0]!.data.join()
    const all = [noiseOf(0, 0), noiseOf(1, 0), noiseOf(0, 1), noiseOf(1, 1)]
    expect(new Set(all).size).toBe(4)
    expect(noiseOf(1, 1)).toBe(all[3])
  })

  it('are means of the classes that the client has, by label', async () => {
    const { payload, read } = await sent({ rows: 'class-means' })
    const exact = await plainFeatures('dense1')
    const { source, indices } = CLIENTS[1]!.train
    const labels = [...indices].map((row) => source.labels[row]!)
    const present = [...new Set(labels)].sort()
    expect(present.length).toBeGreaterThan(1)
    expect([...payload.tensors['labels']!.data]).toEqual(present)
    read().features.forEach((value, at) => {
      const own = labels.flatMap((label, i) => (label === present[Math.floor(at / 6)] ? [i] : []))
      const mean = own.reduce((sum, i) => sum + exact[6 * i + (at % 6)]!, 0) / own.length
      expect(value).toBeCloseTo(mean, 6)
    })
  })

  it('bring the soft labels of the own model where the server asks for them', async () => {
    const { read, setup, params } = await sent({ serverTeacher: 'local', temperature: 3 })
    const expected = tf.tidy(() => {
      const { x } = batchOf(CLIENTS[1]!.train, [0, 1, 2, 3, 4, 5])
      const logits = setup.model.forward(toTensors(setup.model, params), x)
      return tf.softmax(tf.div(logits, 3)).dataSync()
    })
    const { teacher } = read()
    expect(teacher).toHaveLength(18)
    teacher!.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6))
  })

  it.each([2, 4])(
    'are images averaged over squares of %i, and each mean is spread out again',
    async (pooling) => {
      const [plain, small] = [{}, { pooling }].map((hyper) => fedd2sLab({ change: IMAGES, hyper }))
      // Behind the first convolution and its pooling: 3×3×2.
      const asked = { cut: 'conv1', data: imageClient }
      const exact = payloadOf(await plain!.perform(asked)).tensors['features']!.data
      const payload = payloadOf(await small!.perform(asked))
      const side = Math.ceil(3 / pooling)
      expect(payload.tensors['features']!.shape).toEqual([7, side * side * 2])
      const { setup, architectures } = small!
      const { features, shape } = unpackRows(setup, { architectures, cut: 'conv1' }, payload)
      expect(shape).toEqual([3, 3, 2])
      const { pooled, unpooled } = poolingOf(shape, pooling)
      for (let row = 0; row < 7; row++) {
        const own = exact.slice(18 * row, 18 * row + 18) as Float32Array
        expect(features.slice(18 * row, 18 * row + 18)).toEqual(unpooled(pooled(own)))
      }
    },
  )

  it('are averaged over what there is of a square at the edge', () => {
    const image = Float32Array.of(1, 3, 5, 7, 9, 2, 4, 6, 8)
    const { pooled, unpooled } = poolingOf([3, 3, 1], 2)
    expect([...pooled(image)]).toEqual([5, 3.5, 5, 8])
    expect([...unpooled(pooled(image))]).toEqual([5, 5, 3.5, 5, 5, 3.5, 5, 5, 8])
    expect(poolingOf([9], 2).pooled(image)).toBe(image)
  })
})
