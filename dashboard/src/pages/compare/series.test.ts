import { describe, expect, it } from 'vitest'
import type { Curve, RunLine } from '#protocol/run-views.js'
import { commonAccuracy, resultOf, spreadOf } from './results.js'
import { parseCompareSearch } from './search.js'
import { lineOf } from './series.js'

const curve = (rounds: readonly number[], values: readonly number[], name = 'accuracy'): Curve => ({
  ...{ name, rounds: [...rounds], values: [...values] },
  seconds: rounds.map((round) => round * 10),
  bytes: rounds.map((round) => round * 1000),
})
const SPEC = { id: 'a', label: 'A', look: 3 }

describe('lines of runs', () => {
  it('one run is as it is, against whatever is asked', () => {
    expect(lineOf(SPEC, [curve([0, 2], [0.1, 0.5])], 'bytes')).toEqual({
      ...SPEC,
      ...{ x: [0, 2000], y: [0.1, 0.5] },
    })
    expect(lineOf(SPEC, [], 'rounds')).toBeNull()
  })
  it('several are their mean, with a band, where all of them are; between their own points on the line', () => {
    const slow = { ...curve([0, 2, 4], [0, 0.4, 0.8]), seconds: [0, 40, 80] }
    const line = lineOf(SPEC, [curve([0, 1, 2, 3], [0.2, 0.3, 0.6, 0.6]), slow], 'seconds')
    expect(line?.x).toEqual([0, 15, 30, 45])
    expect(line?.y.map((y) => Number(y?.toFixed(6)))).toEqual([0.1, 0.25, 0.5, 0.6])
    expect(line?.band?.low.map((y) => Number(y?.toFixed(6)))).toEqual([0, 0.2, 0.4, 0.6])
    expect(line?.band?.high).toEqual([0.2, 0.3, 0.6, 0.6000000000000001])
  })
})

describe('what runs came to', () => {
  const told = (accuracies: readonly number[], round: number) => ({
    line: { accuracy: accuracies.at(-1) ?? null, round } as RunLine,
    curves: new Map([
      [
        'accuracy',
        curve(
          accuracies.map((_, i) => i),
          accuracies,
        ),
      ],
      ['loss', curve([0, 1], [2, 1], 'loss')],
    ]),
  })
  const runs = [told([0.1, 0.5, 0.9], 2), told([0.1, 0.7, 0.6], 2)]
  it('mean and sample deviation over runs that repeat one another', () => {
    const { accuracy, loss, worst, rounds, bytes } = resultOf(runs, null)
    expect(accuracy?.mean).toBeCloseTo(0.75)
    expect(accuracy?.deviation).toBeCloseTo(0.2121)
    expect(loss).toEqual({ mean: 1, deviation: 0 })
    expect([worst, rounds, bytes?.mean]).toEqual([null, 2, 2000])
    expect(spreadOf([3])).toEqual({ mean: 3, deviation: null })
    expect(spreadOf([])).toBeNull()
  })
  it('how long each took to the accuracy that all came to', () => {
    const common = commonAccuracy(runs)
    expect(common).toBe(0.7)
    expect(runs.map((run) => resultOf([run], common).roundsTo?.mean)).toEqual([2, 1])
    expect(resultOf(runs, common).bytesTo?.mean).toBe(1500)
    expect(commonAccuracy(runs.slice(1))).toBeNull()
    expect(commonAccuracy([...runs, told([], 0)])).toBeNull()
  })
})

describe('the address of a comparison', () => {
  it('holds one run or several, none twice, and no more than twelve', () => {
    expect(parseCompareSearch({ run: 'a' }).run).toEqual(['a'])
    expect(parseCompareSearch({ run: ['a', 'b', 'a'] }).run).toEqual(['a', 'b'])
    expect(
      parseCompareSearch({ run: Array.from({ length: 20 }, (_, i) => `${i}`) }).run,
    ).toHaveLength(12)
    expect(parseCompareSearch({ run: 7, x: 'up', by: 'run' })).toEqual({
      ...{ run: undefined, metric: undefined, and: undefined, x: undefined, by: 'run' },
    })
  })
})
