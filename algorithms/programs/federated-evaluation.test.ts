import { describe, expect, it } from 'vitest'
import { makeBundle } from '#protocol/bundle.js'
import { createFold } from '#algorithms/aggregators/fold.js'
import { validateUpdate } from '#algorithms/aggregators/validate.js'
import type { EvaluationCounts } from '#algorithms/evaluation/evaluate.js'
import { packUpdate } from '#algorithms/methods/update.js'
import { tinyClients, tinyConfig, tinyDataset } from '#testing/tiny-federation.js'
import {
  clientFacts,
  clientMetrics,
  evaluationGroup,
  evaluationMetrics,
  evaluationTensors,
  scoreGroup,
  scoreTensors,
  spreadMetrics,
  type ClientFacts,
} from './federated-evaluation.js'

const config = tinyConfig()
const UPLINK = [evaluationGroup(config), scoreGroup]
const counts = (
  perClassCount: number[],
  perClassCorrect: number[],
  lossSum: number,
): EvaluationCounts => ({
  count: perClassCount.reduce((sum, n) => sum + n, 0),
  correct: perClassCorrect.reduce((sum, n) => sum + n, 0),
  lossSum,
  perClassCount: Float64Array.from(perClassCount),
  perClassCorrect: Float64Array.from(perClassCorrect),
})
const PLAIN: ClientFacts = { hasOwnModel: false, isSingleClass: false }
const updateOf = (some: EvaluationCounts, facts: Partial<ClientFacts> = {}) =>
  packUpdate(
    { evaluation: evaluationTensors(some), score: scoreTensors(some, { ...PLAIN, ...facts }) },
    UPLINK,
  )
const foldOf = (
  all: readonly EvaluationCounts[],
  facts: readonly (Partial<ClientFacts> | undefined)[] = [],
) => {
  const fold = createFold(UPLINK)
  all.forEach((some, slot) => fold.add({ slot, weight: 1, update: updateOf(some, facts[slot]) }))
  return fold.finish({ population: all.length })
}
/** So many of four right. */
const ofFour = (correct: number) => counts([4, 0, 0], [correct, 0, 0], 1)

describe('federated evaluation', () => {
  it('adds up counts and losses of all clients', () => {
    // 5 of 8 correct; loss (6 + 2) / 8 = 1; recalls 3/4, 2/2 and 0/2.
    const folded = foldOf([counts([4, 0, 2], [3, 0, 0], 6), counts([0, 2, 0], [0, 2, 0], 2)])
    expect(evaluationMetrics(folded, config)).toEqual({
      'federated/accuracy': 5 / 8,
      'federated/loss': 1,
      'federated/recall/ant': 3 / 4,
      'federated/recall/bee': 1,
      'federated/recall/cat': 0,
    })
  })

  it('tells the worst and the best served client, leaving out those without examples', async () => {
    const folded = foldOf([
      counts([4, 0, 0], [3, 0, 0], 1),
      counts([0, 2, 0], [0, 1, 0], 1),
      counts([0, 0, 0], [0, 0, 0], 0),
    ])
    expect(await spreadMetrics(folded)).toEqual({
      'federated/lowestAccuracy': 0.5,
      'federated/highestAccuracy': 0.75,
    })
  })

  it('I27: tells how well and how evenly clients are served', async () => {
    const folded = foldOf([4, 4, 0, 0].map(ofFour))
    expect(await clientMetrics(folded, {})).toEqual({
      ...{ 'clients/count': 4, 'clients/accuracy': 0.5, 'clients/deviation': 0.5 },
      ...{ 'clients/variance': 0.25, 'clients/worst': 0, 'clients/worst10': 0 },
      ...{ 'clients/jain': 0.5, 'clients/singleClass': 0, 'clients/severalClasses/accuracy': 0.5 },
    })
  })

  it('counts every client once, however many examples it holds, and none without any', async () => {
    const folded = foldOf([
      counts([30, 0, 0], [30, 0, 0], 1),
      counts([0, 2, 0], [0, 1, 0], 1),
      counts([0, 0, 0], [0, 0, 0], 0),
    ])
    expect(await clientMetrics(folded, {})).toMatchObject({
      ...{ 'clients/count': 2, 'clients/accuracy': 0.75, 'clients/worst': 0.5 },
    })
    expect(await clientMetrics(foldOf([counts([0, 0, 0], [0, 0, 0], 0)]), {})).toEqual({})
  })

  it('D1: counts clients that train on one class, and tells the mean without them', async () => {
    const single = { isSingleClass: true }
    const folded = foldOf([4, 1, 3].map(ofFour), [single])
    expect(await clientMetrics(folded, {})).toMatchObject({
      'clients/singleClass': 1,
      'clients/accuracy': 8 / 12,
      'clients/severalClasses/accuracy': 0.5,
    })
    const alike = await clientMetrics(foldOf([ofFour(4)], [single]), {})
    expect(alike['clients/singleClass']).toBe(1)
    expect(alike).not.toHaveProperty('clients/severalClasses/accuracy')
  })

  it('of personal methods tells who has a model of its own, and the mean over them', async () => {
    const folded = foldOf([4, 1, 3].map(ofFour), [{ hasOwnModel: true }])
    const personal = { personal: true } as const
    expect(await clientMetrics(folded, personal)).toMatchObject({
      'clients/trained': 1,
      'clients/trained/accuracy': 1,
    })
    const none = await clientMetrics(foldOf([ofFour(4)]), personal)
    expect(none['clients/trained']).toBe(0)
    expect(none).not.toHaveProperty('clients/trained/accuracy')
    expect(await clientMetrics(folded, {})).not.toHaveProperty('clients/trained')
  })

  it('has no score of a client that says it got more right than it was asked', async () => {
    const folded = foldOf([ofFour(2), ofFour(5), ofFour(-1)])
    expect(await clientMetrics(folded, {})).toMatchObject({
      ...{ 'clients/count': 1, 'clients/accuracy': 0.5 },
    })
  })

  it('knows of a client whether its model is its own, and its training of one class', () => {
    const source = tinyDataset(6, 1)
    const labelled = { ...source, labels: Int32Array.of(0, 1, 2, 2, 2, 1) }
    const holding = (...rows: number[]) => ({
      ...tinyClients([3])[0]!,
      train: { source: labelled, indices: Int32Array.from(rows) },
    })
    const memory = makeBundle([])
    const personal = { personal: true } as const
    const facts = (of: Parameters<typeof clientFacts>[0], method = {}): readonly boolean[] => {
      const { hasOwnModel, isSingleClass } = clientFacts(of, method)
      return [hasOwnModel, isSingleClass]
    }
    expect(facts({ memory, data: holding(1, 2) }, personal)).toEqual([true, false])
    expect(facts({ memory: null, data: holding(2, 3, 4) }, personal)).toEqual([false, true])
    // What Scaffold remembers is no model of its own.
    expect(facts({ memory, data: holding(0) })).toEqual([false, true])
    expect(facts({ memory, data: holding() })).toEqual([false, false])
  })

  it('keeps a hopeless loss inside the range that is accepted', () => {
    // The largest client of the configuration, wrong by e^1000 everywhere.
    const most = config.aggregation.maxExamples
    const hopeless = counts([most, 0, 0], [0, 0, 0], most * 1000)
    const limits = { uplink: UPLINK, maxExamples: most }
    expect(validateUpdate(updateOf(hopeless), most, limits)).toBeNull()
    expect(evaluationMetrics(foldOf([hopeless]), config)['federated/loss']).toBe(64)
  })

  it('refuses an update with other groups than declared', () => {
    const some = counts([1, 0, 0], [1, 0, 0], 0)
    expect(() => packUpdate({ evaluation: evaluationTensors(some) }, UPLINK)).toThrow(/score/)
    expect(() => packUpdate({ more: [] }, [])).toThrow(/more/)
    expect(packUpdate({}, []).tensors).toEqual(makeBundle([]).tensors)
  })
})
