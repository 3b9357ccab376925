import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash, float32Of, type Bundle } from '#protocol/bundle.js'
import { createStreams, type Streams } from '#protocol/random.js'
import type { JsonObject } from '#protocol/json.js'
import type { CloseResult } from '#algorithms/methods/method.js'
import { fromTensors, toTensors } from '#algorithms/models/params.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { batchOf } from '#algorithms/training/batch.js'
import { trainObjective } from '#algorithms/training/train.js'
import type { LabOptions } from '#testing/fedd2s-lab.js'
import { fedd2sServerLab, foldedOf, type MadeUp } from '#testing/fedd2s-rounds.js'
import { groupsOf, type FedD2SSetup } from './architectures.js'
import { distribution } from './collector.js'
import { headObjective, trainHead, type HeadRound } from './distill.js'
import { headOf, headsIn } from './heads.js'
import { poolsOf, type Pool } from './pool.js'

const ROWS: readonly MadeUp[] = [
  { slot: 0, labels: [0, 1, 2, 0] },
  { slot: 2, labels: [2, 1, 1, 0, 0, 2] },
]

/** The head of the first cut, [4] → 3 logits, and what it would be trained on. */
async function roundOf(options: LabOptions = {}, rows = ROWS) {
  const lab = fedd2sServerLab(options)
  const { setup, architectures, server, planOf, rowsOf } = lab
  const state = server.init(null)
  const groups = groupsOf(architectures)
  const payloads = rows.map((one) => rowsOf(planOf(state), one))
  const { samples } = foldedOf(payloads).groups
  if (samples?.reduce !== 'gather') throw new Error('nothing was gathered')
  const where = { architectures, groups, cut: architectures[0]!.cuts[0]!.name }
  const [pool] = await poolsOf(setup, where, () => samples.payloads())
  const given: HeadRound = {
    ...{ head: headOf(groups[0]!, 0), params: headsIn(setup, groups, state).stacks[0]![0]! },
    ...{ pool: pool!, round: 0, isStageStart: false, group: 0 },
  }
  return { ...lab, given, pool: pool!, payloads }
}
const lossOf = (
  { head, params, pool }: HeadRound,
  rule: Parameters<typeof headObjective>[1],
): { readonly loss: number; readonly gradient: Float32Array } => {
  const places = pool.examples.indices
  const result = tf.tidy(() => {
    const batch = batchOf(pool.examples, places)
    const tensors = toTensors(head.layout, params)
    const { loss } = headObjective(head, rule).on(batch, tensors)
    const { value, grads } = tf.valueAndGrads((...moving: tf.Tensor[]) => loss(moving))(tensors)
    return { loss: value.dataSync()[0]!, gradient: fromTensors(head.layout, grads) }
  })
  return result
}
const RULE = { temperature: 2, scaleByT2: true, serverDivergence: 0.3, weights: null }
const teacherOf = (pool: Pool): Float32Array =>
  pool.examples.indices.length === 0
    ? new Float32Array(0)
    : new Float32Array(
        Array.from(pool.examples.indices).flatMap((i) => [
          ...distribution(Float32Array.of(i, 1, -i), 2),
        ]),
      )
const far = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)

describe('the loss of a head', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('I6: without λ_s, or at the start of a stage, the server’s training is that of the cross-entropy, bit for bit', async () => {
    const plain = async (setup: FedD2SSetup, { head, params, pool }: HeadRound) => {
      const streams: Streams = (purpose, index, slot) =>
        setup.streams(`fedd2s-server-${purpose}`, index, slot)
      const trained = await trainObjective({
        objective: headObjective(head, { ...RULE, teacher: null }),
        ...{ start: params, examples: pool.examples, streams, round: 1, rounds: 3, slot: 0 },
        training: { ...setup.config.training, localEpochs: 2, batchSize: 64 },
      })
      return [...trained.params]
    }
    const taught = await roundOf({ hyper: { serverDivergence: 1 } })
    const expected = await plain(taught.setup, taught.given)
    const trained = async ({ setup, given }: typeof taught, isStageStart: boolean) => [
      ...(await trainHead(setup, { ...given, isStageStart })).params,
    ]
    expect(await trained(taught, true)).toEqual(expected)
    expect(await trained(taught, false)).not.toEqual(expected)
    for (const hyper of [{ serverDivergence: 0 }, { serverTeacher: 'none' }])
      expect(await trained(await roundOf({ hyper }), false)).toEqual(expected)
    const silent = await roundOf({ hyper: { serverDivergence: 0 } })
    expect((await trainHead(silent.setup, silent.given)).divergence).toBe(0)
    // The client's own teacher speaks in every round.
    const local = await roundOf({ hyper: { serverTeacher: 'local' } })
    expect(await trained(local, true)).not.toEqual(expected)
  })

  it('has the gradient of finite differences, with a teacher and with weights', async () => {
    const { given, pool } = await roundOf()
    const weights = Float32Array.from(pool.examples.indices, (i) => 0.5 + i / 10)
    const rule = { ...RULE, teacher: teacherOf(pool), weights }
    const { gradient } = lossOf(given, rule)
    const h = 1e-2
    const measured = given.params.map((_, i) => {
      const at = (step: number): number =>
        lossOf({ ...given, params: given.params.with(i, given.params[i]! + step) }, rule).loss
      return (at(h) - at(-h)) / (2 * h)
    })
    expect(far(gradient, measured)).toBeLessThan(1e-3)
  })

  it('is CE + λ_s T² KL, and T² can be left out', async () => {
    const { given, pool } = await roundOf()
    const teacher = teacherOf(pool)
    const at = (change: Partial<typeof RULE>, p: Float32Array | null = teacher) =>
      lossOf(given, { ...RULE, ...change, teacher: p }).loss
    const ce = at({}, null)
    const term = at({}) - ce
    expect(term).toBeGreaterThan(0.01)
    expect(at({ serverDivergence: 0.6 }) - ce).toBeCloseTo(2 * term, 5)
    expect(at({ scaleByT2: false }) - ce).toBeCloseTo(term / 4, 5)
  })

  it('counts every row once, or every client alike', async () => {
    expect((await roundOf()).pool.weights).toBeNull()
    const { config } = fedd2sServerLab()
    const aggregation = { ...config.aggregation, weighting: 'uniform' as const }
    const { pool, given } = await roundOf({ change: { aggregation } })
    // mean(K) / K_n with K = 4 and 6.
    expect([...pool.weights!]).toEqual([
      ...[1.25, 1.25, 1.25, 1.25],
      ...new Array<number>(6).fill(Math.fround(5 / 6)),
    ])
    const alone = await Promise.all(
      ROWS.map(async (one) => {
        const { pool: own } = await roundOf({}, [one])
        return lossOf({ ...given, pool: own }, { ...RULE, teacher: null }).loss
      }),
    )
    const both = lossOf(given, { ...RULE, teacher: null, weights: pool.weights }).loss
    expect(both).toBeCloseTo((alone[0]! + alone[1]!) / 2, 5)
  })
})

describe('a round of the server', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  const softLabels = ({ personal }: CloseResult, slot: number): Float32Array =>
    float32Of(personal!.get(slot)!, 'softLabels')

  it('I18: soft labels are those of the head after training, not of the head before', async () => {
    const { server, closeWith, setup, architectures, pool } = await roundOf()
    const init = server.init(null)
    const closed = await closeWith(init, ROWS)
    const groups = groupsOf(architectures)
    const head = headOf(groups[0]!, 0)
    const saidBy = (state: Bundle): Float32Array =>
      tf.tidy(() => {
        const { x } = batchOf(pool.examples, pool.examples.indices)
        const params = toTensors(head.layout, headsIn(setup, groups, state).stacks[0]![0]!)
        const logits = head.logits(params, x).dataSync() as Float32Array
        const rows = Array.from({ length: logits.length / 3 }, (_, i) => [
          ...distribution(logits.slice(3 * i, 3 * i + 3), setup.hyper.temperature),
        ])
        return Float32Array.from(rows.flat())
      })
    const sent = Float32Array.of(...softLabels(closed, 0), ...softLabels(closed, 2))
    expect(far(sent, saidBy(closed.state))).toBeLessThan(1e-6)
    expect(far(sent, saidBy(init))).toBeGreaterThan(1e-2)
  })

  it('I14: each client gets soft labels of its own rows alone, and learns of the others only through the head', async () => {
    const { server, closeWith } = await roundOf()
    const closed = await closeWith(server.init(null), ROWS)
    expect([...closed.personal!.keys()]).toEqual([0, 2])
    expect([softLabels(closed, 0).length, softLabels(closed, 2).length]).toEqual([12, 18])
    const { meta, tensors } = closed.personal!.get(2)!
    expect([meta, tensors.map(({ name }) => name)]).toEqual([{ round: 0 }, ['softLabels']])
    // Where the head does not move, what the others send makes no difference to what a client gets.
    const still = await roundOf({ hyper: { serverLearningRate: 1e-30 } })
    const both = await still.closeWith(still.server.init(null), ROWS)
    const alone = await still.closeWith(still.server.init(null), ROWS.slice(1))
    expect(softLabels(alone, 2)).toEqual(softLabels(both, 2))
    expect([...alone.personal!.keys()]).toEqual([2])
  })

  it('I17: soft labels are distributions, and follow their rows', async () => {
    const { server, close, payloads } = await roundOf({
      // One full batch: the order of rows makes no difference to the head but rounding.
      hyper: { serverEpochs: 1, serverBatchSize: 100 },
    })
    const closed = await close(server.init(null), payloads)
    const rows = (values: Float32Array) =>
      Array.from({ length: values.length / 3 }, (_, i) => [...values.slice(3 * i, 3 * i + 3)])
    for (const row of rows(softLabels(closed, 2))) {
      expect(Math.min(...row)).toBeGreaterThanOrEqual(0)
      expect(Math.abs(row.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-5)
    }
    const order = [3, 0, 5, 1, 4, 2]
    const { features, labels } = payloads[1]!.tensors
    const mixed = {
      features: {
        ...features!,
        data: Float32Array.from(order.flatMap((i) => [...features!.data.slice(4 * i, 4 * i + 4)])),
      },
      labels: { ...labels!, data: Uint8Array.from(order, (i) => labels!.data[i]!) },
    }
    const other = await close(server.init(null), [
      payloads[0]!,
      { ...payloads[1]!, tensors: mixed },
    ])
    const expected = order.map((i) => rows(softLabels(closed, 2))[i]!)
    expect(far(softLabels(other, 2), Float32Array.from(expected.flat()))).toBeLessThan(1e-6)
    expect(far(softLabels(other, 0), softLabels(closed, 0))).toBeLessThan(1e-6)
  })

  it('I20: the cross-entropy of the head falls with every epoch of the first round', async () => {
    const after = async (serverEpochs: number): Promise<number> => {
      const { server, closeWith } = await roundOf({ hyper: { serverEpochs } })
      const { metrics } = await closeWith(server.init(null), ROWS)
      return metrics['head/crossEntropy']!
    }
    const { given } = await roundOf()
    const falling = [lossOf(given, { ...RULE, teacher: null }).loss]
    for (const epochs of [1, 2, 4, 8]) falling.push(await after(epochs))
    falling.slice(1).forEach((value, i) => expect(value).toBeLessThan(falling[i]!))
  })

  it('D2: a class that is absent in a round is not forgotten: the head as it was speaks for it', async () => {
    const all = { slot: 0, labels: [0, 1, 2, 0, 1, 2, 0, 1, 2] }
    const fewer = { slot: 0, labels: [0, 1, 0, 1, 0, 1] }
    /** Mean probability of the absent class on its rows, after rounds without it. */
    const remembered = async (hyper: JsonObject): Promise<number> => {
      const lab = fedd2sServerLab({ hyper: { interval: 50, serverEpochs: 20, ...hyper } })
      let state = (await lab.closeWith(lab.server.init(null), [all])).state
      for (let round = 0; round < 6; round++) state = (await lab.closeWith(state, [fewer])).state
      const still = fedd2sServerLab({
        hyper: { interval: 50, serverLearningRate: 1e-30, temperature: 1 },
      })
      const asked = await still.closeWith(state, [{ ...all, labels: [2, 2, 2] }])
      const values = softLabels(asked, 0)
      expect(values.every(Number.isFinite)).toBe(true)
      return (values[2]! + values[5]! + values[8]!) / 3
    }
    const [taught, untaught] = [
      await remembered({ serverDivergence: 3 }),
      await remembered({ serverTeacher: 'none' }),
    ]
    expect(taught).toBeGreaterThan(untaught)
  })

  it('draws its batches from generators of its own', async () => {
    const asked: string[] = []
    const { setup, given } = await roundOf()
    const streams: Streams = (purpose, index, slot) => {
      asked.push(`${purpose} ${index} ${slot}`)
      return createStreams(1)(purpose, index, slot)
    }
    await trainHead({ ...setup, streams }, { ...given, round: 4, group: 2 })
    expect(asked).toEqual(['fedd2s-server-batches 5 2'])
  })

  it('trains as its own settings say', async () => {
    const after = async (hyper: JsonObject) => {
      const { server, closeWith } = await roundOf({ hyper })
      return bundleHash((await closeWith(server.init(null), ROWS)).state)
    }
    const usual = await after({})
    expect(await after({ serverLearningRate: 0.2 })).toBe(usual)
    for (const hyper of [{ serverLearningRate: 0.1 }, { serverEpochs: 3 }, { serverBatchSize: 2 }])
      expect(await after(hyper), JSON.stringify(hyper)).not.toBe(usual)
  })

  it('tells the terms of its loss, the cut and how much it was trained on', async () => {
    const { server, closeWith } = await roundOf({ hyper: { interval: 2 } })
    const first = await closeWith(server.init(null), ROWS)
    expect(first.metrics).toMatchObject({
      ...{ cut: 3, stage: 0, samples: 10, groups: 1, 'group/0/clients': 2, 'head/divergence': 0 },
    })
    const second = await closeWith(first.state, ROWS)
    expect(second.metrics['head/divergence']).toBeGreaterThan(0)
    const third = await closeWith(second.state, ROWS)
    expect(third.metrics).toMatchObject({ cut: 2, stage: 1, 'head/divergence': 0 })
    expect(third.metrics['head/loss']).toBeGreaterThan(0)
  })

  it('takes activations of images as images, pooled or not', async () => {
    const cnn = { name: 'cnn', filters: [2, 3], kernelSize: 3, hidden: 4 }
    const task = { inputShape: [8, 8, 1], classes: ['ant', 'bee', 'cat'] }
    for (const pooling of [1, 2]) {
      const options = { hyper: { pooling, interval: 1 }, change: { model: cnn, task } }
      const lab = fedd2sServerLab(options)
      let state = lab.server.init(null)
      for (const _ of lab.architectures[0]!.cuts) {
        const closed = await lab.closeWith(state, ROWS)
        expect(softLabels(closed, 2).every(Number.isFinite)).toBe(true)
        state = closed.state
      }
    }
  })
})
