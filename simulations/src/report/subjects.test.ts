import { describe, expect, it } from 'vitest'
import { madeUpRun } from '#testing/made-up-runs.js'
import { studyOf, subjectsOf } from './subjects.js'

const labels = (...runs: Parameters<typeof madeUpRun>[0][]): readonly string[] =>
  subjectsOf(runs.map((run) => madeUpRun(run))).map(({ letter, label }) => `${letter} ${label}`)

describe('the label of a subject', () => {
  it('is the name of its runs', () => {
    expect(labels({ name: 'one' }, { name: 'two' }, { name: 'two', seed: 1 })).toEqual([
      ...['A one', 'B two'],
    ])
  })
  it('has as few keys as tell apart what has the same name, the method first', () => {
    const prox = (mu: number) => ({ config: { method: { name: 'fedprox', mu }, rounds: 3 } })
    expect(labels({}, prox(0.1))).toEqual([
      ...['A study (method.name=fedavg)', 'B study (method.name=fedprox)'],
    ])
    expect(labels(prox(0.1), prox(1), { name: 'other' })).toEqual([
      ...['A study (method.mu=0.1)', 'B study (method.mu=1)', 'C other'],
    ])
    const long = (digit: string) => ({ config: { startFrom: digit.repeat(64) } })
    expect(labels(long('1'), long('2'))[0]).toBe(`A study (startFrom=${'1'.repeat(23)}…)`)
  })
  it('is in a study the setting and the variant, and the method for the base', () => {
    const names = ['domains', 'domains/linear probe', 'domains/homogeneous/linear probe']
    expect(labels(...names.map((name) => ({ name })))).toEqual([
      ...['A fedavg', 'B linear probe', 'C homogeneous/linear probe'],
    ])
  })
})

describe('a study', () => {
  it.each<[readonly string[], string | null]>([
    [['a', 'a/b', 'a/c/d'], 'a'],
    [['a/b', 'a/c'], 'a'],
    [['a', 'a'], null],
    [['a/b', 'ab/c'], null],
    [['a', 'b'], null],
    [[], null],
  ])('in the names %j is %s', (names, study) => {
    expect(studyOf(names)).toBe(study)
  })
})
