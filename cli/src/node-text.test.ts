import { describe, expect, it } from 'vitest'
import { journalOf } from '#client/journal.js'
import { DEFAULT_POLICY } from '#protocol/policy.js'
import { shownBy } from '#testing/shown-output.js'
import { policyText, printJournal, printStatus } from './node-text.js'

const LINE = {
  ...{ at: 'now', runId: 'run-000000000000', round: 1, attempt: 1, name: 'first' },
  ...{ method: 'fedd2s', part: 'method' },
}

describe('what a node shows its owner', () => {
  it('is its policy in one line', () => {
    expect(policyText(DEFAULT_POLICY)).toBe(
      'Policy: uploads about single examples are refused; any method; rounds of any size',
    )
    expect(policyText({ perExample: true, methods: ['fedavg', 'ccvr'], minCohort: 3 })).toBe(
      'Policy: uploads about single examples are allowed; only fedavg, ccvr; rounds of at least 3 members',
    )
  })

  it('is what it wants of privacy audits, where it wants something', () => {
    const enough = { budget: 'standard', records: 4 } as const
    const audit = { most: 'not-demonstrated', key: null, ...enough } as const
    expect(policyText({ ...DEFAULT_POLICY, audit })).toMatch(
      /; only runs whose privacy audit says not demonstrated at most, with budget standard or more and 4 records or more$/,
    )
    const signed = { ...audit, key: 'KEY' }
    expect(policyText({ ...DEFAULT_POLICY, audit: signed })).toMatch(
      /4 records or more, signed with KEY$/,
    )
  })

  it('is its journal: a column a class, sums, and why tasks were refused', () => {
    const journal = journalOf([
      { ...LINE, bytes: { 'per-example': 20_560, metrics: 30 }, fate: 'sent' },
      { ...LINE, bytes: {}, fate: 'accepted' },
      { ...LINE, runId: 'run-1', name: 'second', bytes: {}, fate: 'policy', reason: 'Not allowed' },
    ])
    expect(shownBy((out) => printJournal(out, journal))).toEqual([
      'run | round | part | method | fate | per-example | metrics',
      'first | 1 | method | fedd2s | counted | 20,560 | 30',
      'first | all |  |  |  | 20,560 | 30',
      'second | 1 | method | fedd2s | refused here | – | –',
      'second | all |  |  |  | – | –',
      'all runs | all |  |  |  | 20,560 | 30',
      'Refused in second: Not allowed',
    ])
    expect(shownBy((out) => printJournal(out, journalOf([])))).toEqual([
      'Nothing has left this node',
    ])
  })

  it('is its status: what has left, and its runs with memory and personal model', () => {
    const run = { runId: 'run-0', name: 'first', method: 'fedd2s', slot: 2, round: 7 }
    const shown = shownBy((out) =>
      printStatus(out, {
        ...{ stateDirectory: '/state', nodeId: 'node-1', name: 'a', coordinator: 'http://c' },
        ...{ policy: DEFAULT_POLICY, memories: ['run-0'], openTasks: [], updatesSent: 7 },
        ...{ refused: 1, bytesSent: { 'model-delta': 1234 } },
        runs: [
          { ...run, hasMemory: true, personalModel: 'kept' },
          { ...run, hasMemory: false, personalModel: 'not-yet' },
        ],
      }),
    )
    expect(shown).toContain(
      'Updates 7 sent, 0 of them with an open fate; tasks refused by the policy: 1',
    )
    expect(shown).toContain('Left    model-delta 1,234 bytes')
    expect(shown.slice(-3)).toEqual([
      'run | id | method | slot | round | memory | personal model',
      'first | run-0 | fedd2s | 2 | 7 | yes | yes',
      'first | run-0 | fedd2s | 2 | 7 | none | not yet',
    ])
  })
})
