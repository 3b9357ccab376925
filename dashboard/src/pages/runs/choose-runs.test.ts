import { describe, expect, it } from 'vitest'
import type { RunLine } from '#protocol/run-views.js'
import { chooseRuns } from './choose-runs.js'
import { parseRunsSearch } from './search.js'

const run = (name: string, state: RunLine['state'], method: string): RunLine => ({
  ...{ runId: `run-${name}` as RunLine['runId'], name, state, method },
  ...{ kind: 'deployed', reason: null, model: 'lenet', round: 1, rounds: 10, members: 3 },
  ...{ accuracy: null, accuracies: [], audit: { state: 'none', verdict: null } },
  ...{ createdAt: '2026-11-28T12:00:00.000Z', latestAt: null },
})
const RUNS = [
  run('one', 'running', 'fedavg'),
  run('two', 'waiting', 'fedprox'),
  run('three', 'finished', 'fedavg'),
  run('four', 'failed', 'scaffold'),
]
const shown = (search: Parameters<typeof chooseRuns>[1]): readonly string[] =>
  chooseRuns(RUNS, search).shown.map(({ name }) => name)

describe('which runs are shown', () => {
  it('all of them where nothing is narrowed', () => {
    expect(shown({})).toEqual(['one', 'two', 'three', 'four'])
  })
  it('active ones run, or wait', () => {
    expect(shown({ state: 'active' })).toEqual(['one', 'two'])
  })
  it('by method, and by every word in a name, id, model or method, whatever its case', () => {
    expect(shown({ method: 'fedavg' })).toEqual(['one', 'three'])
    expect(shown({ q: 'LENET fedavg t' })).toEqual(['one', 'three'])
    expect(shown({ q: 'fedavg hree' })).toEqual(['three'])
    expect(shown({ q: 'run-four' })).toEqual(['four'])
  })
  it('says how many of each state there would be, and every method there is', () => {
    const { counts, methods } = chooseRuns(RUNS, { state: 'failed', method: 'fedavg' })
    expect(counts).toEqual({ all: 2, active: 1, finished: 1, stopped: 0, failed: 0 })
    expect(methods).toEqual(['fedavg', 'fedprox', 'scaffold'])
  })
  it('takes from an address what makes sense, and leaves the rest', () => {
    const search = { state: 'nonsense', method: 7, q: 'a', sort: '-name', other: 1 }
    expect(parseRunsSearch(search)).toEqual({
      state: undefined,
      method: undefined,
      q: 'a',
      sort: '-name',
    })
  })
})
