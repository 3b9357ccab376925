import { beforeAll, describe, expect, it } from 'vitest'
import { bundleHash } from '#protocol/bundle.js'
import type { EvaluationConfig, RunConfig } from '#protocol/run-config.js'
import type { ClientData } from '#data/dataset.js'
import { CATALOGUE } from '#algorithms/catalogue.js'
import { evaluate, modelPredictor } from '#algorithms/evaluation/evaluate.js'
import { overClients } from '#algorithms/evaluation/over-clients.js'
import { modelOf } from '#algorithms/from-config.js'
import type { Method } from '#algorithms/methods/method.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import { labelParams } from '#algorithms/model-file.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { gatherMethod } from '#testing/gather-method.js'
import { describeMethod } from '#testing/method-conformance.js'
import { runRoundsInMemory } from '#testing/run-rounds-in-memory.js'
import { CLASSES, FEATURES, tinyClients, tinyConfig, withMethod } from '#testing/tiny-federation.js'
import { createProgram } from './create-program.js'

const clients = tinyClients([3, 6, 5])
const withEvaluation = (evaluation: Partial<EvaluationConfig>) => (config: RunConfig) => ({
  ...config,
  evaluation: { ...config.evaluation, ...evaluation },
})
const scored = tinyConfig(withEvaluation({ federated: true }))

/** Correct predictions of all clients' held-out examples, in percent of them, asked of the model directly. */
async function accuracyOn(params: Float32Array, some: readonly ClientData[]): Promise<number> {
  const predictor = modelPredictor(modelOf(scored), params)
  let [correct, count] = [0, 0]
  for (const { test } of some) {
    const counts = await evaluate(predictor.predict, test, CLASSES)
    correct += counts.correct
    count += counts.count
  }
  predictor.dispose()
  return correct / count
}

describe('a program', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('ends after the configured number of training rounds', async () => {
    const { rounds, state } = await runRoundsInMemory({ config: tinyConfig(), clients })
    expect(rounds.map(({ plan }) => [plan.part, plan.purpose, plan.audience])).toEqual(
      Array.from({ length: 3 }, () => ['method', 'train', 'cohort']),
    )
    expect(createProgram(tinyConfig()).trainingRounds(state)).toBe(3)
  })

  it('lets clients score what they received before they train on it, and the last model in a round of its own', async () => {
    const { rounds, released } = await runRoundsInMemory({ config: scored, clients })
    expect(rounds.map(({ plan }) => [plan.part, plan.audience])).toEqual([
      ['method', 'cohort'],
      ['method', 'cohort'],
      ['method', 'cohort'],
      ['evaluation', 'everyone'],
    ])
    const each = (params: Float32Array) =>
      Promise.all(clients.map((client) => accuracyOn(params, [client])))
    for (const { plan, metrics } of rounds) {
      const received = paramsOf(modelOf(scored), plan.shared)
      expect(metrics['federated/accuracy']).toBe(await accuracyOn(received, clients))
      const { count, accuracy, worst } = overClients(await each(received))!
      expect(metrics).toMatchObject({
        ...{ 'clients/count': count, 'clients/accuracy': accuracy, 'clients/worst': worst },
      })
    }
    expect(bundleHash(rounds.at(-1)!.plan.shared)).toBe(bundleHash(released))
    const single = await each(paramsOf(modelOf(scored), released))
    expect(rounds.at(-1)?.metrics).toMatchObject({
      'federated/lowestAccuracy': Math.min(...single),
      'federated/highestAccuracy': Math.max(...single),
    })
  })

  it('starts from a bundle of its own model only', () => {
    const config = tinyConfig()
    const model = modelOf(config)
    const params = new Float32Array(model.parameterCount).fill(0.5)
    const bundle = labelParams(paramsBundle(model, params), config)
    const program = createProgram(config)
    expect(paramsOf(model, program.released(program.init(bundle)).bundle)).toEqual(params)
    const renamed = { ...bundle, meta: { ...bundle.meta, model: { name: 'mlp' } } }
    expect(() => program.init(renamed)).toThrow(
      expect.objectContaining({ code: 'model/does-not-fit' }),
    )
  })

  it('trains the same model whether it is scored or not', async () => {
    const plain = await runRoundsInMemory({ config: tinyConfig(), clients })
    const riding = await runRoundsInMemory({ config: scored, clients })
    expect(bundleHash(riding.released)).toBe(bundleHash(plain.released))
  })

  it('scores every so many rounds, and always at the end', async () => {
    const config = tinyConfig((base) => ({
      ...withEvaluation({ federated: true, every: 2 })(base),
      rounds: 4,
    }))
    const { rounds } = await runRoundsInMemory({ config, clients })
    expect(rounds.map(({ metrics }) => 'federated/accuracy' in metrics)).toEqual([
      true,
      false,
      true,
      false,
      true,
    ])
  })

  it('leaves memories alone in an evaluation round', async () => {
    const config = tinyConfig((base) =>
      withMethod('scaffold')(withEvaluation({ federated: true })(base)),
    )
    const withScore = await runRoundsInMemory({ config, clients })
    const without = await runRoundsInMemory({ config: tinyConfig(withMethod('scaffold')), clients })
    expect([...withScore.memories].map(([slot, memory]) => [slot, bundleHash(memory)])).toEqual(
      [...without.memories].map(([slot, memory]) => [slot, bundleHash(memory)]),
    )
  })

  it('asks for central evaluation at the start, every so many rounds and at the end', async () => {
    const config = tinyConfig((base) => ({ ...withEvaluation({ every: 2 })(base), rounds: 5 }))
    const program = createProgram(config)
    const { rounds } = await runRoundsInMemory({ config, clients })
    const states = [program.init(null), ...rounds.map(({ state }) => state)]
    expect(states.map((state) => program.isCentralEvaluationDue(state))).toEqual([
      true,
      false,
      true,
      false,
      true,
      true,
    ])
  })

  it('reports no score when nobody holds examples back', async () => {
    const { source } = clients[0]!.test
    const empty = { ...clients[0]!, test: { source, indices: new Int32Array(0) } }
    const { rounds } = await runRoundsInMemory({ config: scored, clients: [empty, empty] })
    expect(rounds.map(({ metrics }) => metrics)).toEqual([{}, {}, {}, {}])
  })

  it('leaves no tensors behind', async () => {
    const before = tf.memory().numTensors
    await runRoundsInMemory({ config: scored, clients })
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('early stopping', () => {
  const stopping = (change: Partial<EvaluationConfig> = {}) =>
    tinyConfig((base) => ({
      ...withEvaluation({
        central: { name: 'synthetic' },
        earlyStop: { metric: 'accuracy', patience: 2, minDelta: 0.1 },
        ...change,
      })(base),
      rounds: 100,
    }))
  /** How many values are taken note of before the program says it is done. */
  const lasts = (config: RunConfig, metric: string, values: readonly number[]): number => {
    const program = createProgram(config)
    let state = program.init(null)
    let taken = 0
    while (taken < values.length && program.next(state) !== 'done') {
      state = program.observe(state, { [metric]: values[taken++]! })
    }
    return program.next(state) === 'done' ? taken : Infinity
  }

  it('ends the run after as many measurements without a gain as patience allows', () => {
    // 0.65 and 0.69 are no gain of more than 0.1 over 0.6.
    expect(lasts(stopping(), 'accuracy', [0.3, 0.6, 0.65, 0.69, 0.9])).toBe(4)
    expect(lasts(stopping(), 'accuracy', [0.3, 0.6, 0.65, 0.75, 0.7])).toBe(Infinity)
  })

  it('takes a falling loss as a gain', () => {
    const config = stopping({ earlyStop: { metric: 'loss', patience: 2, minDelta: 0 } })
    expect(lasts(config, 'loss', [2, 1, 0.5, 0.25])).toBe(Infinity)
    expect(lasts(config, 'loss', [1, 1, 1])).toBe(3)
  })

  it('watches the federated score where there is no central one', () => {
    const config = stopping({ central: null, federated: true })
    const program = createProgram(config)
    let state = program.init(null)
    for (const value of [0.6, 0.6, 0.6])
      state = program.observe(state, { accuracy: 0.1, 'federated/accuracy': value })
    expect(program.next(state)).toMatchObject({ part: 'evaluation' })
  })
})

describe('a task that gathers rows and answers each client in private', () => {
  const including = (method: Method) => ({ ...CATALOGUE, methods: [...CATALOGUE.methods, method] })
  const catalogue = including(gatherMethod)
  const config = tinyConfig((base) => ({ ...withMethod('gather-test')(base), rounds: 3 }))
  const run = (refused: (round: number, slot: number) => boolean = () => false) =>
    runRoundsInMemory({
      config,
      clients,
      catalogue,
      fateOf: (round, slot) => (refused(round, slot) ? 'refused' : 'accepted'),
    })
  /** First feature of the client's first `count` training examples. */
  const firstFeatures = (slot: number, count: number) =>
    [...clients[slot]!.train.indices.subarray(0, count)].map(
      (row) => clients[slot]!.train.source.features[row * FEATURES]!,
    )
  const received = (result: Awaited<ReturnType<typeof run>>, round: number, slot: number) =>
    result.rounds[round - 1]?.clientMetrics.get(slot)?.['received']

  describeMethod('gather-test', catalogue)

  it('delivers with the next task what the coordinator computed from the others’ rows', async () => {
    const result = await run()
    expect(received(result, 1, 0)).toBe(-1)
    // Round 1 sent one row each.
    const [b, c] = [firstFeatures(1, 1)[0]!, firstFeatures(2, 1)[0]!]
    expect(received(result, 2, 0)).toBeCloseTo((b + c) / 2, 6)
    // Round 2 sent two rows each.
    const four = [...firstFeatures(0, 2), ...firstFeatures(1, 2)]
    expect(received(result, 3, 2)).toBeCloseTo(four.reduce((sum, value) => sum + value, 0) / 4, 6)
  })

  it('closes without a client that failed, which gets nothing and keeps its memory', async () => {
    const result = await run((round, slot) => round === 1 && slot === 1)
    expect(result.rounds[0]).toMatchObject({ reporters: [0, 2], metrics: { members: 2 } })
    expect(received(result, 2, 1)).toBe(-1)
    expect(received(result, 2, 0)).toBeCloseTo(firstFeatures(2, 1)[0]!, 6)
    expect([...result.memories].map(([slot, memory]) => [slot, memory.meta])).toEqual([
      [0, { tasks: 3 }],
      [1, { tasks: 3 }],
      [2, { tasks: 3 }],
    ])
  })

  it('counts training rounds only', async () => {
    const statisticsFirst: Method = {
      ...gatherMethod,
      server(setup) {
        const inner = gatherMethod.server(setup)
        return {
          ...inner,
          next(state) {
            const plan = inner.next(state)
            const isFirst = state.meta['rounds'] === 0
            return plan === 'done' || !isFirst ? plan : { ...plan, purpose: 'statistics' }
          },
        }
      },
    }
    const { rounds } = await runRoundsInMemory({
      config,
      clients,
      catalogue: including(statisticsFirst),
    })
    expect(rounds.map(({ plan }) => plan.purpose)).toEqual([
      'statistics',
      'train',
      'train',
      'train',
    ])
  })

  it('scores what a client remembers from before its training', async () => {
    // Predicts class 0 without memory, then the number of tasks performed before.
    const guessing: Method = {
      ...gatherMethod,
      client: (setup) => ({
        ...gatherMethod.client(setup),
        predictor: ({ memory }) => ({
          predict: (x) => {
            const guess = tf.fill([x.shape[0] ?? 0], Number(memory?.meta['tasks'] ?? 0), 'int32')
            return tf.cast(tf.oneHot(guess, CLASSES.length), 'float32')
          },
          dispose: () => undefined,
        }),
      }),
    }
    const { rounds } = await runRoundsInMemory({
      config: withEvaluation({ federated: true })(config),
      clients,
      catalogue: including(guessing),
    })
    const held = clients.flatMap(({ test }) =>
      [...test.indices].map((row) => test.source.labels[row]),
    )
    const share = (label: number) => held.filter((one) => one === label).length / held.length
    expect(share(0)).not.toBe(share(1))
    expect(rounds.slice(0, 3).map(({ metrics }) => metrics['federated/accuracy'])).toEqual([
      share(0),
      share(1),
      share(2),
    ])
  })

  it('scores each client by its slot, with its own model once it has one', async () => {
    // Who has a memory is right about everything; who has none predicts the class of its slot.
    const personal: Method = {
      ...gatherMethod,
      personal: true,
      client: (setup) => ({
        ...gatherMethod.client(setup),
        predictor: ({ memory, slot = -1 }) => ({
          predict: (x) =>
            memory === null
              ? tf.cast(tf.oneHot(tf.fill([x.shape[0] ?? 0], slot, 'int32'), 3), 'float32')
              : tf.zeros([x.shape[0] ?? 0, 3]),
          dispose: () => undefined,
        }),
      }),
    }
    const { rounds } = await runRoundsInMemory({
      config: withEvaluation({ federated: true })(config),
      clients,
      catalogue: including(personal),
      cohortOf: (round) => (round === 1 ? [0, 1] : [0, 1, 2]),
    })
    const labels = clients.map(({ test: { source, indices } }) =>
      [...indices].map((row) => source.labels[row]!),
    )
    const shareOf = (slot: number, label: number) =>
      labels[slot]!.filter((one) => one === label).length / labels[slot]!.length
    const before = (slot: number) => shareOf(slot, slot)
    const after = (slot: number) => shareOf(slot, 0)
    const mean = (values: readonly number[]) =>
      values.reduce((sum, value) => sum + value, 0) / values.length
    expect(rounds.map(({ metrics }) => metrics['clients/accuracy'])).toEqual([
      mean([before(0), before(1)]),
      mean([after(0), after(1), before(2)]),
      ...[0, 1].map(() => mean([0, 1, 2].map(after))),
    ])
    expect(rounds.map(({ metrics }) => metrics['clients/trained'])).toEqual([0, 2, 3, 3])
    expect(rounds[1]?.metrics['clients/trained/accuracy']).toBe(mean([after(0), after(1)]))
  })

  it('has no score to report while none of its clients can predict', async () => {
    const withScore = withEvaluation({ federated: true })(config)
    const { rounds } = await runRoundsInMemory({ config: withScore, clients, catalogue })
    expect(rounds.map(({ plan }) => plan.part)).toEqual([
      'method',
      'method',
      'method',
      'evaluation',
    ])
    expect(rounds.map(({ metrics }) => Object.keys(metrics))).toEqual([
      ['members'],
      ['members'],
      ['members'],
      [],
    ])
  })
})
