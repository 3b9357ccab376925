import { describe, expect, it } from 'vitest'
import { makeBundle } from '#protocol/bundle.js'
import { createFold } from '#algorithms/aggregators/fold.js'
import { validateUpdate } from '#algorithms/aggregators/validate.js'
import type { EvaluationCounts } from '#algorithms/evaluation/evaluate.js'
import { packUpdate } from '#algorithms/methods/update.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import {
  evaluationGroup,
  evaluationMetrics,
  evaluationTensors,
  scoreGroup,
  scoreTensors,
  spreadMetrics,
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
const updateOf = (some: EvaluationCounts) =>
  packUpdate({ evaluation: evaluationTensors(some), score: scoreTensors(some) }, UPLINK)
const foldOf = (all: readonly EvaluationCounts[]) => {
  const fold = createFold(UPLINK)
  all.forEach((some, slot) => fold.add({ slot, weight: 1, update: updateOf(some) }))
  return fold.finish({ population: all.length })
}

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
