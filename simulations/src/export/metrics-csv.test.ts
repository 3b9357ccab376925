import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import { madeUpRun } from '#testing/made-up-runs.js'
import { metricsTables } from './metrics-csv.js'

const rows = (table: string): readonly Record<string, string>[] => parse(table, { columns: true })

describe('metrics as CSV', () => {
  const record = madeUpRun({
    rounds: [
      { metrics: { accuracy: 0.1, 'recall/a, "b"': 0 } },
      {
        metrics: { accuracy: 0.75, 'method/drift': -1e-7 },
        clients: [{ loss: 0.5 }, null, { loss: -0.25, 'train/steps': 12 }],
        ...{ bytesUp: 1200, bytesDown: 34 },
      },
    ],
    members: [[1, 2], null, [3, 4]],
  })
  const named = {
    ...record,
    roster: record.roster.map((member) =>
      member.slot === 2 ? { ...member, name: '=HYPERLINK("http://x"), ward 3' } : member,
    ),
  }

  it('have a row a round, a column a metric, and an empty cell where one is missing', () => {
    const [first, second] = rows(metricsTables(record).rounds)
    expect(first).toMatchObject({ round: '0', accuracy: '0.1', 'recall/a, "b"': '0' })
    expect(first).toMatchObject({ 'method/drift': '', purpose: 'evaluate' })
    expect(second).toEqual({
      ...{ round: '1', attempt: '1', purpose: 'train', part: 'method', asked: '3', reported: '2' },
      ...{ bytes_up: '1200', bytes_down: '34', seconds: '0.5' },
      ...{ closed_at: '2026-03-01T12:30:01.000Z', accuracy: '0.75', 'recall/a, "b"': '' },
      'method/drift': '-1e-7',
    })
  })

  it('have a row an update that counted', () => {
    expect(rows(metricsTables(record).clients)).toEqual([
      { round: '1', slot: '0', name: 'client-0', examples: '1', loss: '0.5', 'train/steps': '' },
      {
        round: '1',
        slot: '2',
        name: 'client-2',
        examples: '1',
        loss: '-0.25',
        'train/steps': '12',
      },
    ])
  })

  it('make no formula of a name that a node chose', () => {
    const [, second] = rows(metricsTables(named).clients)
    expect(second?.['name']).toBe(`'=HYPERLINK("http://x"), ward 3`)
  })

  it('have their columns without a row, too', () => {
    const { rounds, clients } = metricsTables(madeUpRun({ rounds: [] }))
    expect(clients).toBe('round,slot,name,examples\n')
    expect(rounds.trim().split(',')).toHaveLength(10)
  })
})
