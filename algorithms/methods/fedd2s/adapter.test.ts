import { expect, it } from 'vitest'
import { float32Of, hasTensor, makeBundle, tensorsOf, type Bundle } from '#protocol/bundle.js'
import { paramsOf, toTensors } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'
import { CLIENTS, fedd2sLab, payloadOf } from '#testing/fedd2s-lab.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { adapted, adapterReasons, adapterShape, frozenAdapter } from './adapter.js'
import { groupsOf } from './architectures.js'
import { unpackRows } from './rows.js'
import { cutAt, headAbove } from './split.js'
import { headsBundle } from './wire.js'

/** Wider and narrower than the configured 6, 5, 4; a further layer before the head. */
const OTHERS = [
  { name: 'mlp', hidden: [8, 3, 4, 7] },
  { name: 'mlp', hidden: [2, 9, 4] },
]
const CUTS = ['dense3', 'dense2', 'dense1']
const adapting = (hyper = {}) =>
  fedd2sLab({ hyper: { adapter: 'linear', otherModels: OTHERS, cuts: CUTS, ...hyper } })
const apart = () => fedd2sLab({ hyper: { otherModels: OTHERS, cuts: CUTS } })

/** `matrix` [from, to]: its rows, or its columns where they are fewer, are orthonormal. */
function assertOrthonormal(matrix: Float32Array, from: number, to: number): void {
  const vectors = Array.from({ length: Math.min(from, to) }, (_, i) =>
    Array.from({ length: Math.max(from, to) }, (_unused, j) =>
      from <= to ? matrix[i * to + j]! : matrix[j * to + i]!,
    ),
  )
  vectors.forEach((a, i) =>
    vectors.forEach((b, j) => {
      const product = a.reduce((sum, value, k) => sum + value * b[k]!, 0)
      expect(product).toBeCloseTo(i === j ? 1 : 0, 6)
    }),
  )
}

describeOnBackends('clients with other models', () => {
  it('are dealt a model by their slot, draw it from the seed, and predict with it', async () => {
    const { setup, architectures, half, inputOf, memoryAfter } = apart()
    const seen = await Promise.all(
      [0, 1, 2, 4].map(async (slot) => {
        const memory = await memoryAfter({ slot })
        return [memory.meta['architecture'], half.personalModel!(memory).model] as const
      }),
    )
    expect(seen).toEqual([
      [0, setup.config.model],
      [1, OTHERS[0]],
      [2, OTHERS[1]],
      [1, OTHERS[0]],
    ])
    const { model } = architectures[1]!
    const first = model.init(setup.streams('init', 1, 0))
    const handle = half.predictor({ ...inputOf(), slot: 1 })!
    tf.tidy(() => {
      const { x, ...facts } = batchOf(CLIENTS[1]!.train, [0, 1])
      const expected = model.forward(toTensors(model, first), x).dataSync()
      expect(handle.predict(x, facts).dataSync()).toEqual(expected)
    })
    handle.dispose()
  })

  it('send activations of their own shape, in groups of equal shapes', async () => {
    const { architectures, perform, inputOf } = apart()
    expect(architectures.map(({ group }) => group)).toEqual([0, 1, 2])
    expect(inputOf({ cut: 'dense2' }).uplink[0]!.tensors[0]!.shape).toEqual([null, null])
    const widths = await Promise.all(
      [0, 1, 2].map(async (slot) =>
        payloadOf(await perform({ slot, cut: 'dense2' })).tensors['features']!.shape.at(-1),
      ),
    )
    expect(widths).toEqual([5, 3, 9])
  })

  it('map their activations to the shape of the first model, by an orthonormal map that all of them have', async () => {
    const { setup, architectures, perform, inputOf } = adapting()
    expect(groupsOf(architectures)).toHaveLength(1)
    for (const cut of ['dense1', 'dense2']) {
      const taken = cutAt(architectures[0]!.cuts, cut).shape[0]!
      expect(inputOf({ cut }).uplink[0]!.tensors[0]!.shape).toEqual([null, taken])
      for (const slot of [1, 2]) {
        const where = { architectures, architecture: architectures[slot]!, cut }
        const shape = adapterShape(setup, where)!
        const matrix = frozenAdapter(setup, where, shape)
        expect([shape.from, shape.to]).toEqual([
          OTHERS[slot - 1]!.hidden[cut === 'dense1' ? 0 : 1],
          taken,
        ])
        assertOrthonormal(matrix, shape.from, shape.to)
        expect(frozenAdapter(setup, where, shape)).toEqual(matrix)
        const result = await perform({ slot, cut })
        const { model, cuts } = architectures[slot]!
        const expected = tf.tidy(() => {
          const { x } = batchOf(CLIENTS[1]!.train, [0, 1, 2, 3, 4, 5])
          const params = toTensors(model, paramsOf(model, result.pending!))
          const z = model.forward(params, x, { to: cutAt(cuts, cut).blocks })
          return adapted(z, tf.tensor2d(matrix.slice(), [shape.from, shape.to])).dataSync()
        })
        const { features, shape: sent } = unpackRows(
          setup,
          { architectures, cut },
          payloadOf(result, slot),
        )
        expect(sent).toEqual([taken])
        expect(features).toEqual(expected)
      }
    }
  })

  it('leave the map as it is drawn, unless their features are pulled: then it learns and is kept', async () => {
    const memories = await Promise.all(
      [0, 1].map(async (featurePull) => {
        const lab = adapting({ transfer: 'headDownload', featurePull })
        const { model, cuts } = lab.architectures[0]!
        const head = headAbove(model, cutAt(cuts, 'dense2'))
        const flat = model.init(lab.setup.streams('other', 0, 0))
        const layout = head.layout
        const shared = headsBundle([{ layout, params: flat.slice(-layout.parameterCount) }])
        const first = await lab.memoryAfter({ slot: 1, cut: 'dense2', shared })
        const second = await lab.memoryAfter({
          slot: 1,
          cut: 'dense2',
          shared,
          memory: first,
          r: 1,
        })
        const { adapterCut: _cut, ...meta } = first.meta
        const without = makeBundle(
          tensorsOf(first).filter(({ name }) => name !== 'adapter'),
          meta,
        )
        const anew = await lab.memoryAfter({
          ...{ slot: 1, cut: 'dense2', shared, memory: without, r: 1 },
        })
        const where = { architectures: lab.architectures, architecture: lab.architectures[1]! }
        const shape = adapterShape(lab.setup, { ...where, cut: 'dense2' })!
        const drawn = frozenAdapter(lab.setup, { ...where, cut: 'dense2' }, shape)
        const trained = await lab.perform({ slot: 1, cut: 'dense2', shared })
        return { first, second, anew, drawn, sent: payloadOf(trained, 1), lab }
      }),
    )
    const [frozen, moving] = memories as [(typeof memories)[0], (typeof memories)[0]]
    expect(hasTensor(frozen.second, 'adapter')).toBe(false)
    const [once, twice] = [moving.first, moving.second].map((memory: Bundle) =>
      float32Of(memory, 'adapter'),
    )
    expect(once).toHaveLength(15)
    expect(once).not.toEqual(moving.drawn)
    expect(twice).not.toEqual(once)
    expect(moving.second.meta['adapterCut']).toBe('dense2')
    // What goes up is seen through the map as it is after training, like the model.
    const { model, cuts } = moving.lab.architectures[1]!
    const seen = tf.tidy(() => {
      const { x } = batchOf(CLIENTS[1]!.train, [0, 1, 2, 3, 4, 5])
      const params = toTensors(model, paramsOf(model, moving.first))
      const z = model.forward(params, x, { to: cutAt(cuts, 'dense2').blocks })
      return adapted(z, tf.tensor2d(once!.slice(), [3, 5])).dataSync()
    })
    expect(moving.sent.tensors['features']!.data).toEqual(seen)
    // It went on from where it was, and did not begin anew.
    expect(float32Of(moving.anew, 'adapter')).not.toEqual(twice)
  })

  it('cannot be mapped where other axes differ', () => {
    const images = {
      task: { inputShape: [6, 6, 1], classes: ['c0', 'c1', 'c2'] },
      model: { name: 'cnn', filters: [2], kernelSize: 3, hidden: 5 },
    }
    const reasons = (model: object, cuts: readonly string[]) => {
      const hyper = { adapter: 'linear', otherModels: [model], cuts }
      const { setup, architectures } = fedd2sLab({ hyper: hyper as never, change: images })
      return adapterReasons(setup, architectures)
    }
    const wider = { name: 'cnn', filters: [4], kernelSize: 3, hidden: 7 }
    expect(reasons(wider, ['dense1', 'conv1'])).toEqual([])
    const deeper = { name: 'cnn', filters: [2, 2], kernelSize: 3, hidden: 5 }
    // conv1 of the deeper one is followed by a second convolution, so that it is still an image: 3×3 in both.
    expect(reasons(deeper, ['conv1'])).toEqual([
      expect.stringMatching(
        /method\.adapter .* at the cut conv1 cnn has \[3, 3, 2\] where cnn has \[18\]/,
      ),
    ])
  })
})
