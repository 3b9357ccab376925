import { expect, it } from 'vitest'
import { bundleHash, float32Of, hasTensor, int32Of, type Bundle } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import type { ClientData } from '#data/dataset.js'
import { modelPredictor } from '#algorithms/evaluation/evaluate.js'
import { trainFrom } from '#algorithms/methods/local-training.js'
import type { PerformResult, PredictorHandle } from '#algorithms/methods/method.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import {
  CLIENTS,
  fedd2sLab,
  payloadOf,
  someSoftLabels,
  type Asked,
  type LabOptions,
} from '#testing/fedd2s-lab.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { unpackRows } from './rows.js'
import { headAbove } from './split.js'
import { headsBundle, softLabelsBundle, taskJson } from './wire.js'

type Lab = ReturnType<typeof fedd2sLab>

/** The head above a cut, drawn from another seed than the clients' params. */
function strangeHead({ setup, architectures }: Lab, cut = 0, seed = 99): Bundle {
  const head = headAbove(setup.model, architectures[0]!.cuts[cut]!)
  const drawn = setup.model.init(createStreams(seed)('init', 0, 0))
  return headsBundle([{ layout: head.layout, params: drawn.slice(-head.layout.parameterCount) }])
}
const isFinite = ({ update, metrics, pending }: PerformResult): boolean =>
  [
    ...Object.values(metrics),
    ...Object.values(update).flatMap((tensors) => tensors.flatMap(({ data }) => [...data])),
    ...pending!.tensors.flatMap(({ name, dtype }) =>
      dtype === 'float32' ? [...float32Of(pending!, name)] : [],
    ),
  ].every(Number.isFinite)

function logits(handle: PredictorHandle, { train }: ClientData): number[] {
  const x = tf.tensor2d(train.source.features.slice(0, 12), [3, 4])
  const out = tf.tidy(() => [
    ...handle.predict(x, { rows: Int32Array.of(0, 1, 2), domains: null }).dataSync(),
  ])
  tf.dispose(x)
  handle.dispose()
  return out
}

/** Two rounds of a client: its memory after the first, and what it does in the second. */
async function twoRounds(options: LabOptions, second: Asked, first: Asked = {}) {
  const lab = fedd2sLab(options)
  const memory = await lab.memoryAfter(first)
  const result = await lab.perform({ r: 1, memory, ...second })
  return { ...lab, memory, result, params: paramsOf(lab.setup.model, result.pending!) }
}

describeOnBackends('a client of fedd2s', () => {
  it('begins with the params that everyone begins with, and keeps what it trained', async () => {
    const { setup, memory, inputOf } = await twoRounds({}, {})
    const start = setup.model.init(setup.streams('init', 0, 0))
    const { params } = await trainFrom(setup, inputOf(), { start })
    expect(paramsOf(setup.model, memory)).toEqual(params)
    expect(memory.meta['architecture']).toBe(0)
    expect([...int32Of(memory, 'softLabelRounds')]).toEqual([-1, -1, -1, -1, -1, -1])
  })

  it('learns from the soft labels that came back, and tells how many it has and how old they are', async () => {
    const personal = someSoftLabels(6, 0)
    const { result, params } = await twoRounds({}, { personal })
    const plain = await twoRounds({}, {})
    expect(params).not.toEqual(plain.params)
    expect(result.metrics).toMatchObject({ softLabels: 1, softLabelAge: 1 })
    expect(plain.result.metrics).toMatchObject({ softLabels: 0, softLabelAge: 0, divergence: 0 })
    expect(result.metrics['divergence']).toBeGreaterThan(0)
    const { loss, crossEntropy, divergence, steps } = result.metrics
    // The terms are those after training, so the sum is below the mean loss of the last epoch.
    expect(crossEntropy! + divergence!).toBeLessThan(loss!)
    expect(steps).toBe(4)
    expect(int32Of(result.pending!, 'softLabelRounds')).toEqual(Int32Array.of(0, 0, 0, 0, 0, 0))
  })

  it('learns from them in later rounds too, until they are too old', async () => {
    const first = { personal: someSoftLabels(6, 0) }
    const trained = async (maxSoftLabelAge: number | null, r: number) => {
      const lab = await twoRounds({ hyper: { maxSoftLabelAge } }, { r }, { ...first, r: 0 })
      return { share: lab.result.metrics['softLabels'], params: lab.params }
    }
    const [kept, young, old] = [await trained(null, 3), await trained(3, 3), await trained(2, 3)]
    expect([kept.share, young.share, old.share]).toEqual([1, 1, 0])
    expect(young.params).toEqual(kept.params)
    expect(old.params).not.toEqual(kept.params)
  })

  it.each(['refused', 'abandoned', 'accepted'] as const)(
    'keeps its training when its update is %s',
    async (fate) => {
      const lab = fedd2sLab()
      const { pending } = await lab.perform()
      const kept = lab.half.settle!(null, pending, fate)!
      expect(paramsOf(lab.setup.model, kept)).toEqual(paramsOf(lab.setup.model, pending!))
      expect(lab.half.told!(kept)).toEqual(fate === 'accepted' ? {} : { 'kept/1': 1 })
    },
  )

  it('skips the downloaded head the first time, and learns from it then', async () => {
    const options = { hyper: { transfer: 'headDownload' } }
    const lab = fedd2sLab(options)
    const shared = strangeHead(lab)
    const first = await lab.perform({ shared })
    const start = lab.setup.model.init(lab.setup.streams('init', 0, 0))
    const plain = await trainFrom(lab.setup, lab.inputOf(), { start })
    expect(paramsOf(lab.setup.model, first.pending!)).toEqual(plain.params)
    expect(first.metrics['divergence']).toBeUndefined()
    const [taught, otherwise] = await Promise.all(
      [99, 98].map((seed) => twoRounds(options, { shared: strangeHead(lab, 0, seed) }, { shared })),
    )
    expect(taught!.params).not.toEqual(otherwise!.params)
    expect(taught!.result.metrics['divergence']).toBeGreaterThan(0)
    expect(hasTensor(taught!.memory, 'softLabels')).toBe(false)
  })

  it('pulls its features towards the head from the first time on', async () => {
    const [none, some] = [0, 1].map((featurePull) =>
      fedd2sLab({ hyper: { transfer: 'headDownload', featurePull } }),
    )
    const shared = strangeHead(none!)
    const hashes = await Promise.all(
      [none!, some!].map(async (lab) => bundleHash(await lab.memoryAfter({ shared }))),
    )
    expect(hashes[0]).not.toBe(hashes[1])
  })

  it('trains alone and sends nothing once the federation is over', async () => {
    const personal = someSoftLabels(6, 0)
    const { setup, memory, result, params, inputOf } = await twoRounds({}, { cut: null, personal })
    expect(result.update).toEqual({})
    expect(result.weight).toBe(6)
    const start = paramsOf(setup.model, memory)
    const plain = await trainFrom(setup, inputOf({ r: 1 }), { start })
    expect(params).toEqual(plain.params)
    expect(Object.keys(result.metrics).sort()).toEqual(['crossEntropy', 'loss', 'steps'])
  })

  it('predicts with its own model, and tells it', async () => {
    const lab = fedd2sLab()
    const memory = await lab.memoryAfter()
    const own = lab.half.personalModel!(memory)
    expect(own.model).toEqual(lab.setup.config.model)
    const { model } = lab.setup
    expect(bundleHash(own.params)).toBe(bundleHash(paramsBundle(model, paramsOf(model, memory))))
    const data = CLIENTS[1]!
    const [mine, first] = [memory, null].map((kept) =>
      logits(lab.half.predictor({ ...lab.inputOf(), memory: kept })!, data),
    )
    expect(mine).not.toEqual(first)
  })

  it('starts from the bundle that the run starts from', async () => {
    const { setup } = fedd2sLab()
    const flat = setup.model.init(createStreams(55)('init', 0, 0))
    const bundle = paramsBundle(setup.model, flat)
    const lab = fedd2sLab({ change: { startFrom: bundleHash(bundle) } })
    const memory = await lab.memoryAfter({ assets: { first: bundle } })
    const plain = await trainFrom(setup, lab.inputOf(), { start: flat })
    expect(paramsOf(setup.model, memory)).toEqual(plain.params)
  })

  it('D1: with one class trains and sends as any other, and all stays finite', async () => {
    const { source, indices } = CLIENTS[1]!.train
    const own = indices.filter((row) => source.labels[row] === source.labels[indices[1]!])
    const data = { ...CLIENTS[1]!, train: { source, indices: own } }
    const label = source.labels[own[0]!]!
    const near = new Float32Array(3 * own.length).map((_, i) => (i % 3 === label ? 0.98 : 0.01))
    const lab = fedd2sLab()
    let memory: Bundle | null = null
    const losses: number[] = []
    for (let r = 0; r < 40; r++) {
      // As a head gives them that has learnt this class: nearly one-hot.
      const personal = r === 0 ? null : softLabelsBundle({ round: r - 1, values: near }, 3)
      const result = await lab.perform({ r, data, memory, personal })
      expect(isFinite(result)).toBe(true)
      const { rows, labels } = unpackRows(
        lab.setup,
        { architectures: lab.architectures, cut: 'dense3' },
        payloadOf(result),
      )
      expect([rows, new Set(labels).size]).toEqual([own.length, 1])
      losses.push(result.metrics['crossEntropy']!)
      memory = lab.half.settle!(memory, result.pending, 'accepted')
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]!)
  })

  it('D4: with fewer examples than a batch takes one smaller batch, and drops no partial one', async () => {
    const data = CLIENTS[0]!
    const { setup, perform } = fedd2sLab()
    expect([data.train.indices.length, setup.config.training.batchSize]).toEqual([3, 4])
    const few = await perform({ slot: 0, data })
    expect([few.metrics['steps'], few.weight, payloadOf(few).tensors['labels']!.shape]).toEqual([
      ...[2, 3],
      [3],
    ])
    // 5 examples: a whole batch and one of a single example, in each of two epochs.
    const five = await perform({ slot: 2, data: CLIENTS[2]! })
    expect([five.metrics['steps'], payloadOf(five).tensors['labels']!.shape]).toEqual([4, [5]])
  })

  it('D11: that was never asked predicts with the params that everyone begins with', () => {
    const { setup, half, inputOf } = fedd2sLab()
    const [nobody, never] = [inputOf({ slot: 2 }), { ...inputOf(), slot: 7 }].map((from) =>
      logits(half.predictor(from)!, CLIENTS[2]!),
    )
    const flat = setup.model.init(setup.streams('init', 0, 0))
    const expected = logits(modelPredictor(setup.model, flat), CLIENTS[2]!)
    expect(never).toEqual(expected)
    expect(nobody).toEqual(expected)
  })

  it('leaves no tensors behind, also where a task cannot be done', async () => {
    const hyper = { transfer: 'headDownload', featurePull: 1 }
    const lab = fedd2sLab({ hyper })
    const before = tf.memory().numTensors
    const memory = await lab.memoryAfter({ shared: strangeHead(lab) })
    await lab.perform({ r: 1, memory, shared: strangeHead(lab) })
    await expect(lab.perform({ r: 2, memory })).rejects.toThrow(/no part '0'/)
    const task = taskJson({ round: 2, cut: 'head', isStageStart: false })
    await expect(lab.perform({ memory, task })).rejects.toThrow(/no cut head/)
    await fedd2sLab().perform({ personal: someSoftLabels(6, 0) })
    expect(tf.memory().numTensors).toBe(before)
  })
})
