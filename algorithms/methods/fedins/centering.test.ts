/** Queries less their mean, which the clients are asked for once. */
import { beforeAll, describe, expect, it } from 'vitest'
import { float32Of } from '#protocol/bundle.js'
import type { ClientData } from '#data/dataset.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { tf } from '#algorithms/tensor/tf.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { evaluate } from '#algorithms/evaluation/evaluate.js'
import type { Predictor } from '#algorithms/methods/method.js'
import { batchOf } from '#algorithms/training/batch.js'
import {
  farthest,
  initialState,
  labOf,
  naiveExamples,
  naivePool,
  netOf,
  performed,
  planOf,
  poolIn,
  stateWith,
  withTraining,
  type Lab,
} from '#testing/fedins-lab.js'
import { chosenFor, meanOf, plus, queryOf } from '#testing/fedins-reference.js'
import { assetsOf, runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { tinyClients } from '#testing/tiny-federation.js'
import { fedinsPredictor } from './predictor.js'
import { fedinsServer } from './server.js'

const clients = tinyClients([3, 6, 5])
const runOf = ({ config, startFrom }: Lab) => runRoundsInMemory({ config, startFrom, clients })

/** The mean of the clients' mean queries: each client counts once, however many examples it has. */
const meanOfMeans = (lab: Lab): readonly number[] =>
  meanOf(
    clients.map((client) => meanOf(naiveExamples(client).map(({ x }) => queryOf(netOf(lab), x)))),
  )

/** Which entry each example takes. */
const entriesOf = (route: Predictor, { train }: ClientData): number[] =>
  tf.tidy(() => {
    const { x, ...facts } = batchOf(train, [...train.indices.keys()])
    return [...tf.argMax(route(x, facts), 1).dataSync()]
  })

describe('centred queries', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('cost one round of statistics, which gives the mean of the clients’ means', async () => {
    const lab = labOf({ queryCentering: true }, (config) => ({ ...config, rounds: 2 }))
    const { rounds } = await runOf(lab)
    expect(rounds.map(({ plan }) => plan.purpose)).toEqual(['statistics', 'train', 'train'])
    expect(rounds.map(({ plan }) => plan.uplink.map(({ name }) => name))).toEqual([
      ['query'],
      ['pool', 'routing'],
      ['pool', 'routing'],
    ])
    const plain = meanOf(
      clients.flatMap((one) => naiveExamples(one).map(({ x }) => queryOf(netOf(lab), x))),
    )
    for (const { plan } of rounds.slice(1)) {
      const center = float32Of(plan.shared, 'center')
      expect(farthest(center, meanOfMeans(lab))).toBeLessThan(1e-6)
      expect(farthest(center, plain)).toBeGreaterThan(1e-3)
    }
    // That round moved nothing.
    expect(poolIn(lab, rounds[1]!.plan.shared)).toEqual(poolIn(lab, initialState(lab)))
  })

  it.each(['ssf', 'none'])(
    'decide both in training and in prediction (adapt %s)',
    async (adapt) => {
      const lab = labOf(
        { queryCentering: true, adapt, topK: 1, keyWeight: 0 },
        withTraining({ batchSize: 100, localEpochs: 1 }),
      )
      const noise = createStreams(3)('test/pool', 0, 0)
      const pool = poolIn(lab, initialState(lab)).map((value) => value + 0.5 * noise.normal())
      const center = Float32Array.from(meanOfMeans(lab))
      const state = stateWith(lab, pool, center)
      const { shared, assets } = planOf(lab, state)
      const input = { shared, assets: assetsOf(lab, { assets }), memory: null }
      const predictor = fedinsPredictor(lab.setup)(input)!
      const [net, { keys }] = [netOf(lab), naivePool(lab, pool)]
      let isOtherwise = false
      for (const data of clients) {
        const naive = naiveExamples(data).map(({ x }) => queryOf(net, x))
        const expected = naive.map((query) => chosenFor(plus(query, [...center], -1), keys, 1)[0]!)
        isOtherwise ||= String(expected) !== String(naive.map((q) => chosenFor(q, keys, 1)[0]!))
        expect(entriesOf(predictor.route!, data)).toEqual(expected)
        const result = await performed(lab, state, { data })
        const usage = [0, 1, 2, 3].map(
          (m) => expected.filter((one) => one === m).length / naive.length,
        )
        expect(farthest(result.update['routing']![0]!.data, usage)).toBeLessThan(1e-6)
        // One batch, so the loss is that of the pool as received: what prediction gives for it.
        const { lossSum, count } = await evaluate(
          predictor.predict,
          data.train,
          lab.config.task.classes,
        )
        expect(result.metrics['loss']).toBeCloseTo(lossSum / count, 5)
      }
      expect(isOtherwise).toBe(true)
      predictor.dispose()
    },
  )

  it('predict nothing before their mean is known', () => {
    const lab = labOf({ queryCentering: true })
    const { bundle: shared, assets } = fedinsServer(lab.serverSetup).released(initialState(lab))
    const input = { shared, assets: assetsOf(lab, { assets }), memory: null }
    expect(fedinsPredictor(lab.setup)(input)).toBeNull()
  })

  it('refuse a client without examples', async () => {
    const lab = labOf({ queryCentering: true })
    const none = { ...clients[0]!, train: { ...clients[0]!.train, indices: new Int32Array(0) } }
    await expect(performed(lab, initialState(lab), { data: none })).rejects.toMatchObject({
      code: 'task/failed',
    })
  })
})
