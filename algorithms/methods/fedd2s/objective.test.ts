import { expect, it } from 'vitest'
import type { Bundle } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import { trainFrom } from '#algorithms/methods/local-training.js'
import { paramsOf, toTensors } from '#algorithms/models/params.js'
import { layoutBelow, tapsOf } from '#algorithms/models/taps.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { batchOf, type Batch } from '#algorithms/training/batch.js'
import { wholeModel, type Objective } from '#algorithms/training/objective.js'
import { CLIENTS, fedd2sLab, fedd2sSetup, someSoftLabels } from '#testing/fedd2s-lab.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { towardsHead, towardsSoftLabels, type HeadTeacher } from './objective.js'
import { emptyStore, withSoftLabels } from './soft-labels.js'
import { headAbove } from './split.js'
import { headsBundle, softLabelsIn } from './wire.js'

const smooth = fedd2sSetup({
  change: { model: { name: 'mlp', hidden: [6, 5, 4], activation: 'softplus' } },
})
const { model } = smooth
const examples = CLIENTS[1]!.train
const drawnParams = (seed: number): Float32Array => model.init(createStreams(seed)('init', 0, 0))
const START = drawnParams(7)
const STORE = withSoftLabels(smooth, emptyStore(6, 3), {
  ...{ examples, slot: 1, softLabels: softLabelsIn(someSoftLabels(6, 0), 3) },
})
const SOFTNESS = { temperature: 2, scaleByT2: true }

/** Value and flat gradient of an objective at `flat` on all examples. */
function at(objective: Objective, flat: Float32Array) {
  return tf.tidy(() => {
    const batch: Batch = batchOf(examples, [0, 1, 2, 3, 4, 5])
    const params = toTensors(objective, flat)
    const { loss } = objective.on(batch, params)
    const { value, grads } = tf.valueAndGrads((...own: Tensor[]) => loss(own))(params)
    return { value: value.dataSync()[0]!, gradient: grads.flatMap((one) => [...one.dataSync()]) }
  })
}

/** With a head of other params than the model, at dense2. */
function withTeacher<T>(use: (teacher: HeadTeacher) => T): T {
  const tap = tapsOf(model)[1]!
  const head = headAbove(model, tap)
  const params = toTensors(head.layout, drawnParams(8).slice(-head.layout.parameterCount))
  try {
    return use({ head, params, tap, adapter: null })
  } finally {
    tf.dispose(params)
  }
}

/** Along a direction, by central differences of the value. */
function slopes(objective: Objective, flat: Float32Array) {
  const { gradient } = at(objective, flat)
  return [1, 2, 3].map((seed) => {
    const stream = createStreams(seed)('direction', 0, 0)
    const direction = Float32Array.from(flat, () => stream.normal())
    const h = 2e-3
    const moved = (by: number) =>
      at(
        objective,
        flat.map((w, i) => w + by * direction[i]!),
      ).value
    return {
      numeric: (moved(h) - moved(-h)) / (2 * h),
      closed: gradient.reduce((sum, slope, i) => sum + slope * direction[i]!, 0),
    }
  })
}

describeOnBackends('what a client makes small', () => {
  it('I5: the gradients in all params are those of finite differences', () => {
    const soft = towardsSoftLabels(model, STORE, { weight: 1, ...SOFTNESS })
    for (const { numeric, closed } of slopes(soft, START))
      expect(Math.abs(numeric - closed)).toBeLessThan(1e-3 * Math.max(1, Math.abs(closed)))
    // The teacher of a downloaded head moves with the params and has no gradient: only the pull can be differenced.
    withTeacher((teacher) => {
      const pulled = towardsHead(model, teacher, { weight: 0, pull: 0.5, ...SOFTNESS })
      for (const { numeric, closed } of slopes(pulled, START))
        expect(Math.abs(numeric - closed)).toBeLessThan(1e-3 * Math.max(1, Math.abs(closed)))
    })
  })

  it('stops the gradient at the teacher that a downloaded head is', () => {
    withTeacher((teacher) => {
      const whole = at(towardsHead(model, teacher, { weight: 1, pull: 0, ...SOFTNESS }), START)
      // The same teacher as constants: soft labels that the head gives now.
      const taught = tf.tidy(() => {
        const { x } = batchOf(examples, [0, 1, 2, 3, 4, 5])
        const params = toTensors(model, START)
        const z = model.forward(params, x, { to: teacher.tap.blocks })
        const logits = teacher.head.logits(teacher.params, z)
        return tf.softmax(tf.div(logits, 2)).dataSync() as Float32Array
      })
      const store = { values: taught, rounds: new Int32Array(6) }
      const fixed = at(towardsSoftLabels(model, store, { weight: 1, ...SOFTNESS }), START)
      expect(whole.value).toBeCloseTo(fixed.value, 5)
      whole.gradient.forEach((slope, i) => expect(slope).toBeCloseTo(fixed.gradient[i]!, 5))
    })
  })

  it('pulls features towards the head in the layers up to the cut alone', () => {
    withTeacher((teacher) => {
      const plain = at(wholeModel(model), START).gradient
      const pulled = at(towardsHead(model, teacher, { weight: 0, pull: 1, ...SOFTNESS }), START)
      const below = layoutBelow(model, teacher.tap).parameterCount
      const differs = pulled.gradient.map((slope, i) => Math.abs(slope - plain[i]!) > 1e-6)
      expect(differs.slice(0, below)).toContain(true)
      expect(differs.slice(below)).not.toContain(true)
    })
  })

  it('leaves examples without a soft label to the cross-entropy, and divides by the whole batch', () => {
    const rounds = STORE.rounds.map((round, place) => (place < 3 ? round : -1))
    const half = { ...STORE, rounds }
    const [none, some, all] = [emptyStore(6, 3), half, STORE].map(
      (store) => at(towardsSoftLabels(model, store, { weight: 1, ...SOFTNESS }), START).value,
    )
    const plain = at(wholeModel(model), START).value
    expect(none).toBe(plain)
    expect(some).toBeGreaterThan(plain)
    expect(all).toBeGreaterThan(some!)
    const other = { ...STORE, rounds: STORE.rounds.map((round, i) => (i < 3 ? -1 : round)) }
    const rest = at(towardsSoftLabels(model, other, { weight: 1, ...SOFTNESS }), START).value
    expect(some! - plain + (rest - plain)).toBeCloseTo(all! - plain, 5)
  })

  it('weighs its terms', () => {
    const plain = at(wholeModel(model), START).value
    const more = (objective: Objective): number => at(objective, START).value - plain
    const soft = (weight: number) => more(towardsSoftLabels(model, STORE, { weight, ...SOFTNESS }))
    expect(soft(3)).toBeCloseTo(3 * soft(1), 4)
    withTeacher((teacher) => {
      const from = (weight: number, pull: number) =>
        more(towardsHead(model, teacher, { weight, pull, ...SOFTNESS }))
      expect(from(3, 0)).toBeCloseTo(3 * from(1, 0), 4)
      expect(from(0, 3)).toBeCloseTo(3 * from(0, 1), 4)
      expect(from(2, 3)).toBeCloseTo(2 * from(1, 0) + 3 * from(0, 1), 4)
    })
  })

  it('I6: without λ_c, or without a soft label, training is plain local training, bit for bit', async () => {
    const plain = await trainFrom(
      smooth,
      { round: 1, slot: 1, data: CLIENTS[1]! },
      { start: START },
    )
    const trained = async (weight: number, personal: Bundle | null): Promise<Float32Array> => {
      const change = { model: smooth.config.model }
      const lab = fedd2sLab({ hyper: { clientDivergence: weight }, change })
      return paramsOf(model, await lab.memoryAfter({ personal }))
    }
    expect(await trained(0, someSoftLabels(6, 0))).toEqual(plain.params)
    expect(await trained(1, null)).toEqual(plain.params)
    expect(await trained(1, someSoftLabels(6, 0))).not.toEqual(plain.params)
  })

  it('I9: with λ_c = 0 a client is that of local training in every round, whatever comes back', async () => {
    for (const transfer of ['softLabels', 'headDownload']) {
      const lab = fedd2sLab({ hyper: { clientDivergence: 0, transfer } })
      const { setup } = lab
      const head = headAbove(setup.model, lab.architectures[0]!.cuts[0]!)
      const flat = drawnParams(9).slice(-head.layout.parameterCount)
      const shared = headsBundle([{ layout: head.layout, params: flat }])
      let memory: Bundle | null = null
      let own = setup.model.init(setup.streams('init', 0, 0))
      for (const r of [0, 1, 2]) {
        const personal = r === 0 ? null : someSoftLabels(6, r - 1)
        memory = await lab.memoryAfter({ r, memory, personal, shared })
        const input = { round: r + 1, slot: 1, data: CLIENTS[1]! }
        own = (await trainFrom(setup, input, { start: own })).params
        expect(paramsOf(setup.model, memory)).toEqual(own)
      }
    }
  })
})
