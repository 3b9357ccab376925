import { describe, expect, it } from 'vitest'
import { trains } from '#protocol/data-card.js'
import { makeCard, matchCard } from './data-card.js'

const TASK = { inputShape: [28, 28, 1], classes: ['cat', 'dog', 'owl'] }

describe('matchCard', () => {
  it('finds nothing when shape and classes are equal', () => {
    expect(matchCard({ inputShape: [28, 28, 1], classes: ['cat', 'dog', 'owl'] }, TASK)).toBeNull()
  })

  it.each([[[28, 28, 3]], [[28, 28]], [[784]]])('tells a shape of %j', (inputShape) => {
    const reason = `The data do not fit: inputs are ${inputShape.join(' × ')} here and 28 × 28 × 1 in the run`
    expect(matchCard({ ...TASK, inputShape }, TASK)).toBe(reason)
  })

  it('tells another number of classes', () => {
    expect(matchCard({ ...TASK, classes: ['cat', 'dog'] }, TASK)).toMatch(
      /there are 2 classes here and 3 in the run/,
    )
  })

  it('tells the first class that differs, by its index', () => {
    const reason = matchCard({ ...TASK, classes: ['cat', 'dog', 'fox'] }, TASK)
    expect(reason).toBe('The data do not fit: class 2 is "fox" here and "owl" in the run')
  })

  it('tells that only the order differs', () => {
    const reason = matchCard({ ...TASK, classes: ['cat', 'owl', 'dog'] }, TASK)
    expect(reason).toMatch(
      /class 1 is "owl" here and "dog" in the run \(the same names in another order\)/,
    )
  })

  it('tells both when both differ', () => {
    expect(matchCard({ inputShape: [2], classes: ['a', 'b'] }, TASK)).toMatch(
      /inputs are 2 here.*; there are 2 classes/,
    )
  })
})

describe('a card', () => {
  const dataset = {
    ...{ name: 'three', inputShape: [1], classes: ['a', 'b'], count: 3 },
    ...{ features: new Float32Array(3), labels: Int32Array.of(0, 1, 1) },
  }
  const cardOf = (train: number, shareCounts: boolean) =>
    makeCard({
      ...{ dataset, train, test: 3 - train, labels: dataset.labels, source: null, shareCounts },
    })

  it('says that there is nothing to train on, whether counts are shared or not', () => {
    expect(cardOf(0, false)).toEqual({ inputShape: [1], classes: ['a', 'b'], trains: false })
    expect(cardOf(0, true)).toMatchObject({ trains: false, counts: { train: 0, test: 3 } })
    expect(cardOf(2, false)).toEqual({ inputShape: [1], classes: ['a', 'b'] })
    expect([cardOf(0, false), cardOf(0, true)].map(trains)).toEqual([false, false])
    expect([cardOf(2, false), cardOf(2, true)].map(trains)).toEqual([true, true])
  })
})
